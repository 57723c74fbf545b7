// Compiles matchers and what takes the place of what they find.
#include "source/filters/http/custom_response/config.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/custom_response/v3/custom_response.pb.h"
#include "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.pb.h"
#include "envoy/extensions/http/custom_response/redirect_policy/v3/redirect_policy.pb.h"
#include "source/access_log/body_format_config.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filter/header_change_config.h"
#include "source/filter/matcher_tree_config.h"
#include "source/filters/http/custom_response/filter.h"
#include "source/http/chars.h"

namespace proxenos::filters::custom_response {
namespace {

namespace v3 = envoy::extensions::filters::http::custom_response::v3;
using PolicyProto =
    envoy::extensions::http::custom_response::local_response_policy::v3::LocalResponsePolicy;
using RedirectProto = envoy::extensions::http::custom_response::redirect_policy::v3::RedirectPolicy;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<CustomResponse>(*settings_, *this, stream);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

bool IsTarget(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), http::IsTargetChar);
}

// "http://host/path"
void CompileUri(const std::string& uri, const config::Path& path, config::Errors& errors,
                filter::RedirectErrand& errand) {
  const size_t scheme = uri.find("://");
  errand.scheme = uri.substr(0, scheme);
  absl::string_view rest =
      scheme == std::string::npos ? absl::string_view() : absl::string_view(uri).substr(scheme + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t slash = rest.find('/');
  errand.host = std::string(rest.substr(0, slash));
  errand.path = slash == absl::string_view::npos ? "/" : std::string(rest.substr(slash));
  errand.strips_query = true;
  if ((errand.scheme != "http" && errand.scheme != "https") || errand.host.empty() ||
      !IsTarget(rest)) {
    errors.AddValue(path, uri, "a URI of http or https");
  }
}

void CompileRedirect(const envoy::config::route::v3::RedirectAction& proto,
                     const config::Path& path, config::Errors& errors,
                     filter::RedirectErrand& errand) {
  errand.scheme = proto.https_redirect() ? "https" : proto.scheme_redirect();
  errand.host = proto.host_redirect();
  errand.port = proto.port_redirect();
  errand.path = proto.path_redirect();
  errand.strips_query = proto.strip_query();
  if (errand.host.empty() && errand.path.empty()) {
    errors.Add(path, "expected host_redirect or path_redirect");
  }
  if (!errand.scheme.empty() && errand.scheme != "http" && errand.scheme != "https") {
    errors.AddValue(path.Field("scheme_redirect"), errand.scheme, "http or https");
  }
  if (!IsTarget(errand.host)) errors.Add(path.Field("host_redirect"), "expected no blanks");
  const bool is_path = errand.path.empty() || errand.path[0] == '/';
  if (!is_path || !IsTarget(errand.path) || errand.path.find('#') != std::string::npos) {
    errors.AddValue(path.Field("path_redirect"), errand.path, "a path without blanks and fragment");
  }
  if (proto.port_redirect() > 65535) errors.Add(path.Field("port_redirect"), "expected a port");
}

std::optional<Policy> CompileErrand(const google::protobuf::Any& any, const config::Path& path,
                                    config::Errors& errors) {
  RedirectProto proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return std::nullopt;
  const size_t before = errors.count();
  auto errand = std::make_unique<filter::RedirectErrand>();
  if (proto.has_uri()) {
    CompileUri(proto.uri(), path.Field("uri"), errors, *errand);
  } else {
    CompileRedirect(proto.redirect_action(), path.Field("redirect_action"), errors, *errand);
  }
  errand->status = static_cast<uint16_t>(proto.status_code().value());
  errand->request_changes = filter::CompileHeaderChanges(
      proto.request_headers_to_add(), path.Field("request_headers_to_add"), errors);
  errand->response_changes = filter::CompileHeaderChanges(
      proto.response_headers_to_add(), path.Field("response_headers_to_add"), errors);
  if (errors.count() != before) return std::nullopt;
  Policy policy;
  policy.errand = std::move(errand);
  return policy;
}

std::optional<Policy> CompilePolicy(const google::protobuf::Any& any, const config::Path& path,
                                    config::Errors& errors) {
  if (any.Is<RedirectProto>()) return CompileErrand(any, path, errors);
  PolicyProto proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return std::nullopt;
  const size_t before = errors.count();
  Policy policy;
  if (proto.has_body()) {
    policy.body = config::ReadDataSource(proto.body(), path.Field("body"), errors).value_or("");
  }
  if (proto.has_body_format()) {
    policy.format =
        access_log::CompileBodyFormat(proto.body_format(), path.Field("body_format"), errors);
  }
  if (proto.has_status_code()) policy.status = static_cast<uint16_t>(proto.status_code().value());
  policy.changes = filter::CompileHeaderChanges(proto.response_headers_to_add(),
                                                path.Field("response_headers_to_add"), errors);
  policy.details = proto.response_code_details();
  policy.keeps_details = proto.preserve_response_code_details();
  if (errors.count() != before) return std::nullopt;
  return policy;
}

std::shared_ptr<const Settings> Compile(const v3::CustomResponse& proto, const config::Path& path,
                                        config::Errors& errors) {
  Settings settings;
  if (!proto.has_custom_response_matcher()) {
    return std::make_shared<const Settings>(std::move(settings));
  }
  const auto compile = [&](const google::protobuf::Any& any,
                           const config::Path& at) -> std::optional<uint32_t> {
    auto policy = CompilePolicy(any, at, errors);
    if (!policy) return std::nullopt;
    settings.policies.push_back(*std::move(policy));
    return static_cast<uint32_t>(settings.policies.size() - 1);
  };
  auto tree =
      filter::CompileMatcherTree(proto.custom_response_matcher(), filter::MatchTime::kResponse,
                                 compile, path.Field("custom_response_matcher"), errors);
  if (tree) settings.tree = std::make_unique<const filter::MatcherTree>(*std::move(tree));
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::CustomResponse proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return Compile(proto, path, errors);
}

}  // namespace

const route::OverrideKind kCustomResponseOverride{
    "envoy.extensions.filters.http.custom_response.v3.CustomResponse", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateCustomResponse(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  v3::CustomResponse proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::custom_response
