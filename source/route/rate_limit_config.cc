// Compilation of descriptors' actions.
#include "source/route/rate_limit_config.h"

#include <utility>

#include "envoy/extensions/rate_limit_descriptors/expr/v3/expr.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "source/cel/expression_config.h"
#include "source/config/typed_config.h"
#include "source/route/matcher_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;
using Action = v3::RateLimit::Action;
using Kind = RateLimitAction::Kind;
using HeaderInput = envoy::type::matcher::v3::HttpRequestHeaderMatchInput;

class ActionCompiler {
 public:
  ActionCompiler(MakeRateLimitFormat make, config::Errors& errors, const config::Path& path)
      : make_(make), errors_(errors), path_(path) {}

  RateLimitAction Compile(const Action& config) {
    switch (config.action_specifier_case()) {
      case Action::kSourceCluster:
        Set(Kind::kSourceCluster, "source_cluster");
        break;
      case Action::kDestinationCluster:
        Set(Kind::kDestinationCluster, "destination_cluster");
        break;
      case Action::kRemoteAddress:
        Set(Kind::kRemoteAddress, "remote_address");
        break;
      case Action::kMaskedRemoteAddress: {
        const auto& masked = config.masked_remote_address();
        Set(Kind::kMaskedRemoteAddress, "masked_remote_address");
        if (masked.has_v4_prefix_mask_len()) action_.v4_bits = masked.v4_prefix_mask_len().value();
        if (masked.has_v6_prefix_mask_len()) action_.v6_bits = masked.v6_prefix_mask_len().value();
        if (action_.v4_bits > 32 || action_.v6_bits > 128) {
          errors_.Add(path_.Field("masked_remote_address"), "has more bits than an address");
        }
        break;
      }
      case Action::kRequestHeaders:
        Set(Kind::kRequestHeader, config.request_headers().descriptor_key());
        action_.header = FieldName(config.request_headers().header_name());
        action_.skip_if_absent = config.request_headers().skip_if_absent();
        break;
      case Action::kQueryParameters:
        Set(Kind::kQueryParameter, config.query_parameters().descriptor_key());
        action_.parameter = config.query_parameters().query_parameter_name();
        action_.skip_if_absent = config.query_parameters().skip_if_absent();
        break;
      default:
        Valued(config);
        break;
    }
    return std::move(action_);
  }

 private:
  void Set(Kind kind, std::string key) {
    action_.kind = kind;
    action_.key = std::move(key);
  }
  // The key that the configuration gives, or Envoy's; and a value, which is text or a format. Envoy
  // takes most of these for text unless its runtime says otherwise; nobody can want that.
  template <typename Config>
  void SetValued(Kind kind, const Config& config, const char* key) {
    Set(kind, config.descriptor_key().empty() ? key : config.descriptor_key());
    if (config.descriptor_value().find('%') == std::string::npos) {
      action_.value = config.descriptor_value();
      return;
    }
    action_.format = make_(config.descriptor_value(), path_);
    action_.value = config.default_value();
  }

  // Those that write a value of their own.
  void Valued(const Action& config) {
    switch (config.action_specifier_case()) {
      case Action::kGenericKey:
        SetValued(Kind::kGenericKey, config.generic_key(), "generic_key");
        break;
      case Action::kHeaderValueMatch:
        SetValued(Kind::kHeaderMatch, config.header_value_match(), "header_match");
        Match(config.header_value_match());
        break;
      case Action::kQueryParameterValueMatch:
        SetValued(Kind::kQueryMatch, config.query_parameter_value_match(), "query_match");
        Match(config.query_parameter_value_match());
        break;
      case Action::kRemoteAddressMatch:
        SetValued(Kind::kRemoteAddressMatch, config.remote_address_match(), "remote_address_match");
        Ranges(config.remote_address_match().address_matcher());
        break;
      case Action::kMetadata:
        Metadata(config.metadata());
        break;
      case Action::kExtension:
        Extension(config.extension());
        break;
      case Action::kDynamicMetadata:
        Set(Kind::kDynamicMetadata, config.dynamic_metadata().descriptor_key());
        action_.value = config.dynamic_metadata().default_value();
        Path(config.dynamic_metadata().metadata_key());
        break;
      default:
        errors_.Add(path_, "expected an action that proxenos implements");
        break;
    }
  }

  void Match(const Action::HeaderValueMatch& config) {
    action_.expect_match = !config.has_expect_match() || config.expect_match().value();
    for (int i = 0; i < config.headers_size(); ++i) {
      auto matcher = CompileHeaderMatcher(
          config.headers(i), errors_,
          path_.Field("header_value_match").Field("headers").Index(static_cast<size_t>(i)));
      if (matcher.has_value()) action_.headers.push_back(*std::move(matcher));
    }
  }
  void Match(const Action::QueryParameterValueMatch& config) {
    action_.expect_match = !config.has_expect_match() || config.expect_match().value();
    for (int i = 0; i < config.query_parameters_size(); ++i) {
      auto matcher = CompileQueryMatcher(config.query_parameters(i), errors_,
                                         path_.Field("query_parameter_value_match")
                                             .Field("query_parameters")
                                             .Index(static_cast<size_t>(i)));
      if (matcher.has_value()) action_.query.push_back(*std::move(matcher));
    }
  }
  void Ranges(const envoy::type::matcher::v3::AddressMatcher& config) {
    action_.expect_match = !config.invert_match();
    for (const auto& range : config.ranges()) {
      const auto parsed = match::IpRange::Parse(range.address_prefix(), range.prefix_len().value());
      if (parsed.has_value()) {
        action_.ranges.push_back(*parsed);
      } else {
        errors_.AddValue(path_.Field("remote_address_match"), range.address_prefix(),
                         "an address with that many bits");
      }
    }
  }
  void Metadata(const Action::MetaData& config) {
    Set(config.source() == Action::MetaData::ROUTE_ENTRY ? Kind::kRouteMetadata
                                                         : Kind::kDynamicMetadata,
        config.descriptor_key());
    if (config.source() != Action::MetaData::ROUTE_ENTRY &&
        config.source() != Action::MetaData::DYNAMIC) {
      errors_.Add(path_.Field("metadata").Field("source"), "expected DYNAMIC or ROUTE_ENTRY");
    }
    action_.value = config.default_value();
    action_.skip_if_absent = config.skip_if_absent();
    Path(config.metadata_key());
  }
  // An input of matchers: its value, under the extension's name.
  void Input(const envoy::config::core::v3::TypedExtensionConfig& config, const config::Path& at) {
    HeaderInput proto;
    if (!config::UnpackTypedConfigTo(config.typed_config(), proto, at, errors_)) return;
    Set(Kind::kRequestHeader, config.name());
    action_.header = FieldName(proto.header_name());
  }
  void Extension(const envoy::config::core::v3::TypedExtensionConfig& config) {
    using Descriptor = envoy::extensions::rate_limit_descriptors::expr::v3::Descriptor;
    const config::Path at = path_.Field("extension").Field("typed_config");
    const std::string type = config::TypedConfigType(config.typed_config());
    if (type == HeaderInput::descriptor()->full_name()) return Input(config, at);
    if (type != Descriptor::descriptor()->full_name()) {
      errors_.AddValue(at, type, "a descriptor that proxenos implements (expr)");
      return;
    }
    Descriptor proto;
    if (!config::UnpackTypedConfigTo(config.typed_config(), proto, at, errors_)) return;
    Set(Kind::kExpression, proto.descriptor_key());
    action_.skip_if_absent = proto.skip_if_error();
    constexpr cel::Phase kLatest = cel::Phase::kRequest;
    if (proto.has_parsed()) {
      action_.expression =
          cel::CompileProto(proto.parsed(), cel::Options(), kLatest, at.Field("parsed"), errors_);
    } else {
      action_.expression =
          cel::CompileText(proto.text(), cel::Options(), kLatest, at.Field("text"), errors_);
    }
  }
  void Path(const envoy::type::metadata::v3::MetadataKey& config) {
    action_.path.push_back(config.key());
    for (const auto& segment : config.path()) action_.path.push_back(segment.key());
  }

  const MakeRateLimitFormat make_;
  config::Errors& errors_;
  const config::Path& path_;
  RateLimitAction action_;
};

// What of a limit only a service can count.
class ServiceParts {
 public:
  ServiceParts(RateLimit& limit, config::Errors& errors, const config::Path& path)
      : limit_(limit), errors_(errors), path_(path) {}

  void Compile(const v3::RateLimit& config, MakeRateLimitFormat make) {
    limit_.on_stream_done = config.apply_on_stream_done();
    limit_.negative_hits = config.hits_addend().is_negative_hits();
    if (!config.hits_addend().format().empty()) Format(config.hits_addend(), make);
    if (config.limit().has_rate_limit()) {
      const auto& fixed = config.limit().rate_limit();
      limit_.fixed_limit =
          FixedLimit{fixed.requests_per_unit(), static_cast<uint8_t>(fixed.unit())};
    }
    if (!config.limit().has_dynamic_metadata()) return;
    const auto& key = config.limit().dynamic_metadata().metadata_key();
    limit_.limit_path.push_back(key.key());
    for (const auto& segment : key.path()) limit_.limit_path.push_back(segment.key());
  }

  void Refuse(const v3::RateLimit& config) {
    constexpr char kOnlyService[] = "is for limits that a service counts (ratelimit)";
    if (config.apply_on_stream_done())
      errors_.Add(path_.Field("apply_on_stream_done"), kOnlyService);
    if (config.has_limit()) errors_.Add(path_.Field("limit"), kOnlyService);
    const config::Path hits = path_.Field("hits_addend");
    if (!config.hits_addend().format().empty()) errors_.Add(hits.Field("format"), kOnlyService);
    if (config.hits_addend().is_negative_hits()) {
      errors_.Add(hits.Field("is_negative_hits"), kOnlyService);
    }
  }

 private:
  void Format(const v3::RateLimit::HitsAddend& config, MakeRateLimitFormat make) {
    const config::Path at = path_.Field("hits_addend").Field("format");
    const std::string& text = config.format();
    if (config.has_number()) {
      errors_.Add(path_.Field("hits_addend"), "only one of number and format may be set");
    } else if (text.size() < 3 || text.front() != '%' || text.find('%', 1) != text.size() - 1) {
      errors_.AddValue(at, text, "one operator, as %BYTES_RECEIVED%");
    } else {
      limit_.hits_format = make(text, at);
      limit_.counts_hits = true;
    }
  }

  RateLimit& limit_;
  config::Errors& errors_;
  const config::Path& path_;
};

RateLimit CompileRateLimit(const v3::RateLimit& config, MakeRateLimitFormat make,
                           config::Errors& errors, const config::Path& path) {
  RateLimit limit;
  limit.stage = config.stage().value();
  limit.has_disable_key = !config.disable_key().empty();
  for (int i = 0; i < config.actions_size(); ++i) {
    const config::Path at = path.Field("actions").Index(static_cast<size_t>(i));
    limit.actions.push_back(ActionCompiler(make, errors, at).Compile(config.actions(i)));
  }
  if (config.hits_addend().has_number()) {
    limit.hits = config.hits_addend().number().value();
    limit.counts_hits = true;
  }
  if (config.x_ratelimit_option() == v3::RateLimit::OFF) limit.headers = RateLimit::Headers::kOff;
  if (config.x_ratelimit_option() == v3::RateLimit::DRAFT_VERSION_03) {
    limit.headers = RateLimit::Headers::kDraft03;
  }
  return limit;
}

}  // namespace

RateLimits CompileRateLimits(const RateLimitProtos& config, MakeRateLimitFormat make,
                             config::Errors& errors, const config::Path& path) {
  RateLimits limits;
  for (int i = 0; i < config.size(); ++i) {
    const config::Path at = path.Index(static_cast<size_t>(i));
    limits.push_back(CompileRateLimit(config[i], make, errors, at));
    ServiceParts(limits.back(), errors, at).Refuse(config[i]);
  }
  return limits;
}

RateLimits CompileServiceRateLimits(const RateLimitProtos& config, MakeRateLimitFormat make,
                                    config::Errors& errors, const config::Path& path) {
  RateLimits limits;
  for (int i = 0; i < config.size(); ++i) {
    const config::Path at = path.Index(static_cast<size_t>(i));
    limits.push_back(CompileRateLimit(config[i], make, errors, at));
    ServiceParts(limits.back(), errors, at).Compile(config[i], make);
  }
  return limits;
}

}  // namespace proxenos::route
