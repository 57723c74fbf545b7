// Compiles matchers and what takes the place of what they find.
#include "source/filters/http/custom_response/config.h"

#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/custom_response/v3/custom_response.pb.h"
#include "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filter/header_change_config.h"
#include "source/filter/matcher_tree_config.h"
#include "source/filters/http/custom_response/filter.h"

namespace proxenos::filters::custom_response {
namespace {

namespace v3 = envoy::extensions::filters::http::custom_response::v3;
using PolicyProto =
    envoy::extensions::http::custom_response::local_response_policy::v3::LocalResponsePolicy;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<CustomResponse>(*settings_, *this, stream);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

std::optional<Policy> CompilePolicy(const google::protobuf::Any& any, const config::Path& path,
                                    config::Errors& errors) {
  PolicyProto proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return std::nullopt;
  const size_t before = errors.count();
  Policy policy;
  if (proto.has_body()) {
    policy.body = config::ReadDataSource(proto.body(), path.Field("body"), errors).value_or("");
  }
  if (proto.has_body_format()) {
    policy.format =
        access_log::CompileFormatString(proto.body_format(), path.Field("body_format"), errors);
    policy.content_type = proto.body_format().content_type();
    if (policy.content_type.empty() && proto.body_format().has_json_format()) {
      policy.content_type = "application/json";
    }
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
