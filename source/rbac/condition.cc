// Kind by kind.
#include "source/rbac/condition.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/http/path.h"
#include "source/route/route_table.h"
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
  Condition condition = Of(Kind::kState, std::move(value));
  condition.state_name_ = std::move(name);
  return condition;
}

Condition Condition::FilterState(std::string name, match::IpRange range) {
  Condition condition(Kind::kStateInRange);
  condition.range_ = range;
  condition.state_name_ = std::move(name);
  return condition;
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

// Null: it has none.
const std::string* Condition::StateOf(const Access& access) const {
  return access.state == nullptr ? nullptr : access.state->Find(state_name_);
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
    case Kind::kPath: {
      if (access.head == nullptr) return false;
      // As routes match it: what is another path to them is another one to a rule.
      std::string storage;
      const absl::string_view target = access.head->path;
      return text_->Matches(access.routes == nullptr ? http::WithoutQuery(target)
                                                     : access.routes->PathToMatch(target, storage));
    }
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
    case Kind::kState: {
      const std::string* value = StateOf(access);
      return value != nullptr && text_->Matches(*value);
    }
    case Kind::kStateInRange: {
      const std::string* value = StateOf(access);
      const auto address = net::Address::FromIp(value == nullptr ? "" : *value, 0);
      return address.ok() && range_.Contains(address->IpBytes());
    }
  }
  return false;
}

}  // namespace proxenos::rbac
