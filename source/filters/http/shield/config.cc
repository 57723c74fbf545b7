// Compiles the policy.
#include "source/filters/http/shield/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proxenos/filters/http/shield/v3/shield.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filters/http/shield/filter.h"
#include "source/filters/http/shield/origin_fields.h"
#include "source/http/chars.h"

namespace proxenos::filters::shield {
namespace {

namespace v3 = ::proxenos::filters::http::shield::v3;
using config::Errors;
using config::Path;
using Names = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kMaxNames = 256;
constexpr int kMaxAuthorities = 256;
constexpr int kMaxBodies = 8;
constexpr size_t kMaxBodyBytes = 128 * 1024;
constexpr uint32_t kSentStatus = 200;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Shield>(settings_, *this, stream);
  }

 private:
  const Settings settings_;
};

// Names of fields; `wildcards`: one may end in "*".
void AddNames(const Names& names, bool wildcards, const Path& path, Errors& errors, NameSet& set) {
  if (names.size() > kMaxNames) {
    return errors.Add(path, absl::StrCat("has more than ", kMaxNames, " names"));
  }
  for (int i = 0; i < names.size(); ++i) {
    const std::string name = absl::AsciiStrToLower(names[i]);
    absl::string_view plain = name;
    const bool all = absl::ConsumeSuffix(&plain, "*");
    if (plain.empty() || (all && !wildcards) ||
        !std::all_of(plain.begin(), plain.end(), http::IsTokenChar)) {
      errors.AddValue(path.Index(i), names[i],
                      wildcards ? "the name of a field, with or without '*' at its end"
                                : "the name of a field");
      continue;
    }
    set.Add(name);
  }
}

ClientFields CompileClient(const v3::ClientAddress& proto, const Path& path, Errors& errors) {
  ClientFields client;
  const auto bits = [&](const google::protobuf::UInt32Value& value, const char* field,
                        uint32_t most) {
    if (value.value() > most) {
      errors.AddValue(path.Field(field), absl::StrCat(value.value()), absl::StrCat("0 to ", most));
    }
    return static_cast<uint8_t>(std::min(value.value(), most));
  };
  if (proto.has_ipv4_prefix_len()) {
    client.mask.ipv4_bits = bits(proto.ipv4_prefix_len(), "ipv4_prefix_len", 32);
  }
  if (proto.has_ipv6_prefix_len()) {
    client.mask.ipv6_bits = bits(proto.ipv6_prefix_len(), "ipv6_prefix_len", 128);
  }
  client.remove = proto.mode() == v3::ClientAddress::REMOVE;
  if (!v3::ClientAddress::Mode_IsValid(proto.mode())) {
    errors.Add(path.Field("mode"), "expected MASK or REMOVE");
  }
  for (const absl::string_view name : BuiltinClientFields()) client.names.names.Add(name);
  AddNames(proto.also(), false, path.Field("also"), errors, client.names.names);
  AddNames(proto.keep(), false, path.Field("keep"), errors, client.names.kept);
  return client;
}

ChosenNames CompileFields(const v3::OriginFields& proto, const Path& path, Errors& errors) {
  ChosenNames fields;
  for (const absl::string_view name : BuiltinOriginFields()) fields.names.Add(name);
  AddNames(proto.also(), true, path.Field("also"), errors, fields.names);
  AddNames(proto.keep(), true, path.Field("keep"), errors, fields.kept);
  return fields;
}

OriginUrls CompileUrls(const v3::OriginUrls& proto, const Path& path, Errors& errors) {
  OriginUrls urls;
  urls.cookies = proto.cookie_domains();
  const Path at = path.Field("origin_authorities");
  if (proto.origin_authorities_size() > kMaxAuthorities) {
    errors.Add(at, absl::StrCat("has more than ", kMaxAuthorities, " authorities"));
    return urls;
  }
  for (int i = 0; i < proto.origin_authorities_size(); ++i) {
    absl::string_view text = proto.origin_authorities(i);
    AuthorityPattern pattern;
    pattern.below = absl::ConsumePrefix(&text, "*.");
    const auto authority = Authority::Parse(text);
    if (!authority || authority->host.empty() || text.find_first_of("@/*?# ") != text.npos) {
      errors.AddValue(at.Index(i), proto.origin_authorities(i),
                      "a host, '*.' and a domain, or either with a port");
      continue;
    }
    pattern.host = absl::AsciiStrToLower(authority->host);
    pattern.port = authority->port;
    urls.listed.push_back(std::move(pattern));
  }
  return urls;
}

ErrorPage::Body CompileBody(const v3::ErrorPage::Body& proto, const Path& path, Errors& errors) {
  ErrorPage::Body body;
  envoy::config::core::v3::DataSource source;
  if (!proto.filename().empty()) source.set_filename(proto.filename());
  if (proto.source_case() == v3::ErrorPage::Body::kInlineString) {
    source.set_inline_string(proto.inline_string());
  }
  body.text = config::ReadDataSource(source, path, errors, kMaxBodyBytes).value_or("");
  body.content_type =
      proto.content_type().empty() ? "text/html; charset=utf-8" : proto.content_type();
  const absl::string_view type = absl::StripAsciiWhitespace(
      absl::string_view(body.content_type).substr(0, body.content_type.find(';')));
  const size_t slash = type.find('/');
  if (slash == absl::string_view::npos || slash == 0 || slash + 1 == type.size() ||
      !std::all_of(body.content_type.begin(), body.content_type.end(), http::IsValueChar)) {
    errors.AddValue(path.Field("content_type"), body.content_type, "a media type");
    return body;
  }
  body.type = absl::AsciiStrToLower(type.substr(0, slash));
  body.subtype = absl::AsciiStrToLower(type.substr(slash + 1));
  return body;
}

bool IsErrorStatus(uint32_t status) {
  return status >= ErrorPages::kFirstStatus && status <= ErrorPages::kLastStatus;
}

void CompilePage(const v3::ErrorPage& proto, const Path& path, Errors& errors, ErrorPages& pages) {
  ErrorPage page;
  if (proto.bodies().empty() || proto.bodies_size() > kMaxBodies) {
    errors.Add(path.Field("bodies"), absl::StrCat("expected 1 to ", kMaxBodies, " of them"));
    return;
  }
  for (int i = 0; i < proto.bodies_size(); ++i) {
    page.bodies.push_back(CompileBody(proto.bodies(i), path.Field("bodies").Index(i), errors));
  }
  if (proto.has_status()) {
    if (proto.status().value() != kSentStatus && !IsErrorStatus(proto.status().value())) {
      errors.AddValue(path.Field("status"), absl::StrCat(proto.status().value()),
                      "200, or 400 to 599");
      return;
    }
    page.status = static_cast<uint16_t>(proto.status().value());
  }
  if (!v3::ErrorPage::Source_IsValid(proto.source())) {
    errors.Add(path.Field("source"), "expected ANY, LOCAL or ORIGIN");
  }
  if (proto.statuses().empty()) errors.Add(path.Field("statuses"), "expected at least one range");
  pages.Add(std::move(page));
  for (int i = 0; i < proto.statuses_size(); ++i) {
    const uint32_t first = proto.statuses(i).first();
    const uint32_t last = proto.statuses(i).last() == 0 ? first : proto.statuses(i).last();
    if (!IsErrorStatus(first) || !IsErrorStatus(last) || first > last) {
      errors.AddValue(path.Field("statuses").Index(i), absl::StrCat(first, " to ", last),
                      "statuses from 400 to 599, the first not above the last");
      continue;
    }
    pages.Cover(static_cast<uint16_t>(first), static_cast<uint16_t>(last),
                proto.source() != v3::ErrorPage::ORIGIN, proto.source() != v3::ErrorPage::LOCAL);
  }
}

Settings Compile(const v3::Shield& proto, const Path& path, Errors& errors) {
  Settings settings;
  if (proto.has_client_address()) {
    settings.client = CompileClient(proto.client_address(), path.Field("client_address"), errors);
  }
  if (proto.has_response_headers()) {
    settings.origin_fields =
        CompileFields(proto.response_headers(), path.Field("response_headers"), errors);
  }
  if (proto.has_origin_urls()) {
    settings.origin_urls = CompileUrls(proto.origin_urls(), path.Field("origin_urls"), errors);
  }
  const Path pages = path.Field("error_pages");
  if (static_cast<size_t>(proto.error_pages_size()) > ErrorPages::kMaxPages) {
    errors.Add(pages, absl::StrCat("has more than ", ErrorPages::kMaxPages, " pages"));
    return settings;
  }
  for (int i = 0; i < proto.error_pages_size(); ++i) {
    CompilePage(proto.error_pages(i), pages.Index(i), errors, settings.pages);
  }
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config, const Path& path,
                                           Errors& errors) {
  v3::ShieldPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (proto.override_case() == v3::ShieldPerRoute::OVERRIDE_NOT_SET ||
      (!proto.has_policy() && !proto.disabled())) {
    errors.Add(path, "expected disabled: true, or policy");
    return nullptr;
  }
  RouteSettings settings;
  if (proto.has_policy()) {
    settings.policy = Compile(proto.policy(), path.Field("policy"), errors);
  }
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kShieldOverride{"proxenos.filters.http.shield.v3.ShieldPerRoute",
                                          CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateShield(const google::protobuf::Any& config,
                                                    const Path& path, Errors& errors) {
  v3::Shield proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::shield
