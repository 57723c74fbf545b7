// Kind by kind.
#include "source/rbac/condition.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/tls/session_info.h"

namespace proxenos::rbac {

Condition Condition::Of(Kind kind, std::vector<Condition> children) {
  Condition condition(kind);
  condition.children_ = std::move(children);
  return condition;
}

Condition Condition::Of(Kind kind, std::optional<match::StringMatcher> text) {
  Condition condition(kind);
  condition.text_ = std::move(text);
  return condition;
}

Condition Condition::All(std::vector<Condition> conditions) {
  return Of(Kind::kAll, std::move(conditions));
}

Condition Condition::OneOf(std::vector<Condition> conditions) {
  return Of(Kind::kOneOf, std::move(conditions));
}

Condition Condition::Not(Condition condition) {
  std::vector<Condition> one;
  one.push_back(std::move(condition));
  return Of(Kind::kNot, std::move(one));
}

Condition Condition::Header(route::HeaderMatcher matcher) {
  Condition condition(Kind::kHeader);
  condition.header_ = std::move(matcher);
  return condition;
}

Condition Condition::Path(match::StringMatcher matcher) {
  return Of(Kind::kPath, std::move(matcher));
}

Condition Condition::Address(Side side, match::IpRange range) {
  Condition condition(Kind::kAddress);
  condition.side_ = side;
  condition.range_ = range;
  return condition;
}

Condition Condition::DestinationPort(uint32_t first, uint32_t last) {
  Condition condition(Kind::kPort);
  condition.first_port_ = first;
  condition.last_port_ = last;
  return condition;
}

Condition Condition::ServerName(match::StringMatcher matcher) {
  return Of(Kind::kServerName, std::move(matcher));
}

Condition Condition::Authenticated(std::optional<match::StringMatcher> name) {
  return Of(Kind::kAuthenticated, std::move(name));
}

Condition Condition::Validated() { return Condition(Kind::kValidated); }

Condition Condition::Validated(San kind, match::StringMatcher name) {
  Condition condition = Of(Kind::kValidated, std::move(name));
  condition.san_ = kind;
  return condition;
}

Condition Condition::Metadata(match::MetadataMatcher matcher, bool of_route) {
  Condition condition(of_route ? Kind::kRouteMetadata : Kind::kMetadata);
  condition.metadata_ = std::make_shared<const match::MetadataMatcher>(std::move(matcher));
  return condition;
}

Condition Condition::FilterState(std::string name, match::StringMatcher value) {
  return Text(Input{Input::Kind::kFilterState, {}, std::move(name)}, std::move(value));
}

Condition Condition::FilterState(std::string name, match::IpRange range) {
  Condition condition(Kind::kInRange);
  condition.range_ = range;
  condition.input_ =
      std::make_shared<const Input>(Input{Input::Kind::kFilterState, {}, std::move(name)});
  return condition;
}

Condition Condition::Text(Input input, match::StringMatcher matcher) {
  // The matcher of headers says what several of one name mean.
  if (input.kind == Input::Kind::kHeader) {
    return Header(route::HeaderMatcher(std::move(input.header), std::move(matcher),
                                       /*invert=*/false, /*missing_is_empty=*/false));
  }
  Condition condition = Of(Kind::kText, std::move(matcher));
  condition.input_ = std::make_shared<const Input>(std::move(input));
  return condition;
}

Condition Condition::InRanges(const Input& input, const std::vector<match::IpRange>& ranges) {
  std::vector<Condition> each;
  const auto shared = std::make_shared<const Input>(input);
  for (const match::IpRange& range : ranges) {
    Condition one(Kind::kInRange);
    one.range_ = range;
    one.input_ = shared;
    each.push_back(std::move(one));
  }
  return OneOf(std::move(each));
}

const net::Address& Condition::AddressOf(const Access& access) const {
  switch (side_) {
    case Side::kDestination:
      return access.connection.local;
    case Side::kSource:
      return access.connection.remote();
    case Side::kDirectSource:
      return access.connection.direct_remote;
    case Side::kRemote:
      break;
  }
  return access.remote;
}

bool Condition::HoldsOfPeer(const tls::SessionInfo* session) const {
  if (session == nullptr) return false;
  if (!text_) return true;
  const tls::SessionInfo::Certificate* peer = session->peer();
  if (peer == nullptr) return false;
  const auto matches = [this](const std::string& name) { return text_->Matches(name); };
  return std::any_of(peer->uri_sans.begin(), peer->uri_sans.end(), matches) ||
         std::any_of(peer->dns_sans.begin(), peer->dns_sans.end(), matches) ||
         matches(peer->subject);
}

bool Condition::HoldsOfValidated(const tls::SessionInfo* session) const {
  if (session == nullptr || !session->peer_validated()) return false;
  if (!text_) return true;
  const tls::SessionInfo::Certificate* peer = session->peer();
  if (peer == nullptr) return false;
  const std::vector<std::string>& names = san_ == San::kUri     ? peer->uri_sans
                                          : san_ == San::kDns   ? peer->dns_sans
                                          : san_ == San::kEmail ? peer->email_sans
                                                                : peer->ip_sans;
  return std::any_of(names.begin(), names.end(),
                     [this](const std::string& name) { return text_->Matches(name); });
}

bool Condition::InRange(const Access& access) const {
  if (input_->kind != Input::Kind::kFilterState && input_->kind != Input::Kind::kHeader) {
    return range_.Contains(input_->ReadIp(access));
  }
  std::string scratch;
  absl::string_view text;
  if (!input_->Read(access, scratch, &text)) return false;
  const auto address = net::Address::FromIp(text, 0);
  return address.ok() && range_.Contains(address->IpBytes());
}

bool Condition::Holds(const Access& access) const {
  const auto holds = [&access](const Condition& child) { return child.Holds(access); };
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kAll:
      return std::all_of(children_.begin(), children_.end(), holds);
    case Kind::kOneOf:
      return std::any_of(children_.begin(), children_.end(), holds);
    case Kind::kNot:
      return !holds(children_.front());
    case Kind::kHeader:
      return access.head != nullptr && header_->Matches(*access.head);
    case Kind::kPath:
      return access.head != nullptr &&
             text_->Matches(access.head->path.substr(0, access.head->path.find_first_of("?#")));
    case Kind::kAddress:
      return range_.Contains(AddressOf(access).IpBytes());
    case Kind::kPort: {
      const uint32_t port = access.connection.local.port();
      return port >= first_port_ && port <= last_port_;
    }
    case Kind::kServerName:
      return text_->Matches(access.server_name);
    case Kind::kAuthenticated:
      return HoldsOfPeer(access.connection.tls);
    case Kind::kValidated:
      return HoldsOfValidated(access.connection.tls);
    case Kind::kMetadata:
      return metadata_->Matches(access.metadata == nullptr ? nullptr : access.metadata->all());
    case Kind::kRouteMetadata:
      return metadata_->Matches(access.route_metadata);
    case Kind::kText:
      return input_->Matches(access, *text_);
    case Kind::kInRange:
      return InRange(access);
  }
  return false;
}

}  // namespace proxenos::rbac
