// Access log filters from their protos.
#include <string>
#include <utility>

#include "envoy/data/accesslog/v3/accesslog.pb.h"
#include "envoy/extensions/access_loggers/filters/cel/v3/cel.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/cel/expression_config.h"
#include "source/config/typed_config.h"
#include "source/match/value_matcher_config.h"
#include "source/route/matcher_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::access_log {
namespace {

using Config = envoy::config::accesslog::v3::AccessLogFilter;
using envoy::config::accesslog::v3::ComparisonFilter;
using envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;

// Filters nest in each other.
constexpr int kMaxDepth = 16;

LogFilter::Comparison ComparisonOf(const ComparisonFilter& config) {
  switch (config.op()) {
    case ComparisonFilter::GE:
      return LogFilter::Comparison::kAtLeast;
    case ComparisonFilter::LE:
      return LogFilter::Comparison::kAtMost;
    case ComparisonFilter::NE:
      return LogFilter::Comparison::kNotEqual;
    default:
      return LogFilter::Comparison::kEqual;
  }
}

LogFilter CompileFlags(const envoy::config::accesslog::v3::ResponseFlagFilter& config,
                       const config::Path& path, config::Errors& errors) {
  uint32_t flags = 0;
  for (int i = 0; i < config.flags_size(); ++i) {
    uint32_t flag = 0;
#define PROXENOS_X(id, bit, short_name, long_name) \
  if (config.flags(i) == short_name) flag = filter::id;
    PROXENOS_RESPONSE_FLAGS(PROXENOS_X)
#undef PROXENOS_X
    if (flag == 0) {
      errors.AddValue(path.Field("flags").Index(i), config.flags(i),
                      "a response flag that proxenos can set");
    }
    flags |= flag;
  }
  return LogFilter::AnyFlag(flags);
}

LogFilter CompileSampling(const envoy::config::accesslog::v3::RuntimeFilter& config,
                          const config::Path& path, config::Errors& errors) {
  const runtime::Fraction fraction =
      runtime::CompileFraction(config.percent_sampled(), errors, path.Field("percent_sampled"));
  LogFilter::Sampling sampling;
  sampling.independent = config.use_independent_randomness();
  // The key says the numerator alone; the denominator stays.
  sampling.numerator = {fraction.numerator, config.runtime_key()};
  sampling.denominator = fraction.denominator;
  return LogFilter::Sample(std::move(sampling));
}

std::optional<LogFilter> Compile(const Config& config, int depth, const config::Path& path,
                                 config::Errors& errors);

template <typename List>
std::optional<LogFilter> CompileList(const List& list, bool all, int depth,
                                     const config::Path& path, config::Errors& errors) {
  std::vector<LogFilter> filters;
  for (int i = 0; i < list.filters_size(); ++i) {
    std::optional<LogFilter> filter =
        Compile(list.filters(i), depth + 1, path.Field("filters").Index(i), errors);
    if (filter) filters.push_back(*std::move(filter));
  }
  if (static_cast<int>(filters.size()) != list.filters_size()) return std::nullopt;
  return all ? LogFilter::All(std::move(filters)) : LogFilter::Any(std::move(filters));
}

LogFilter CompileGrpc(const envoy::config::accesslog::v3::GrpcStatusFilter& config) {
  uint32_t statuses = 0;
  for (const int status : config.statuses()) statuses |= 1u << (status & 31);
  return LogFilter::GrpcStatus(statuses, config.exclude());
}

LogFilter CompileLogType(const envoy::config::accesslog::v3::LogTypeFilter& config) {
  uint32_t types = 0;
  for (const int type : config.types()) types |= 1u << (type & 31);
  return LogFilter::Type(types, config.exclude());
}

// As in Envoy, invert of the matcher has no say.
std::optional<LogFilter> CompileMetadata(const envoy::config::accesslog::v3::MetadataFilter& config,
                                         const config::Path& path, config::Errors& errors) {
  const bool if_absent =
      !config.has_match_if_key_not_found() || config.match_if_key_not_found().value();
  if (!config.has_matcher()) return LogFilter::Metadata({}, std::nullopt, if_absent);
  auto matcher = match::CompileMetadataMatcher(config.matcher(), errors, path.Field("matcher"));
  if (!matcher) return std::nullopt;
  return LogFilter::Metadata(std::move(matcher->path), std::move(matcher->value), if_absent);
}

std::optional<LogFilter> CompileExtension(const google::protobuf::Any& any,
                                          const config::Path& path, config::Errors& errors) {
  const std::string type = config::TypedConfigType(any);
  if (type != ExpressionFilter::descriptor()->full_name()) {
    errors.AddValue(path, type, "an access log filter that proxenos implements (cel)");
    return std::nullopt;
  }
  ExpressionFilter proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return std::nullopt;
  auto expression = cel::CompileText(proto.expression(), cel::OptionsOf(proto.cel_config()),
                                     cel::Phase::kEnd, path.Field("expression"), errors);
  if (expression == nullptr) return std::nullopt;
  return LogFilter::Expression(std::move(expression));
}

std::optional<LogFilter> Compile(const Config& config, int depth, const config::Path& path,
                                 config::Errors& errors) {
  if (depth > kMaxDepth) {
    errors.Add(path, "access log filters nested too deep");
    return std::nullopt;
  }
  switch (config.filter_specifier_case()) {
    case Config::kStatusCodeFilter: {
      const ComparisonFilter& comparison = config.status_code_filter().comparison();
      return LogFilter::StatusCode(ComparisonOf(comparison),
                                   runtime::CompileSetting(comparison.value()));
    }
    case Config::kDurationFilter: {
      const ComparisonFilter& comparison = config.duration_filter().comparison();
      return LogFilter::DurationMs(ComparisonOf(comparison),
                                   runtime::CompileSetting(comparison.value()));
    }
    case Config::kNotHealthCheckFilter:
      return LogFilter::NotHealthCheck();
    case Config::kRuntimeFilter:
      return CompileSampling(config.runtime_filter(), path.Field("runtime_filter"), errors);
    case Config::kAndFilter:
      return CompileList(config.and_filter(), true, depth, path.Field("and_filter"), errors);
    case Config::kOrFilter:
      return CompileList(config.or_filter(), false, depth, path.Field("or_filter"), errors);
    case Config::kHeaderFilter: {
      std::optional<route::HeaderMatcher> matcher = route::CompileHeaderMatcher(
          config.header_filter().header(), errors, path.Field("header_filter").Field("header"));
      if (!matcher) return std::nullopt;
      return LogFilter::Header(*std::move(matcher));
    }
    case Config::kResponseFlagFilter:
      return CompileFlags(config.response_flag_filter(), path.Field("response_flag_filter"),
                          errors);
    case Config::kGrpcStatusFilter:
      return CompileGrpc(config.grpc_status_filter());
    case Config::kLogTypeFilter:
      return CompileLogType(config.log_type_filter());
    case Config::kTraceableFilter:
      return LogFilter::Traced();
    case Config::kMetadataFilter:
      return CompileMetadata(config.metadata_filter(), path.Field("metadata_filter"), errors);
    case Config::kExtensionFilter:
      return CompileExtension(config.extension_filter().typed_config(),
                              path.Field("extension_filter").Field("typed_config"), errors);
    case Config::FILTER_SPECIFIER_NOT_SET:
      errors.Add(path, "no filter is given");
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LogFilter> CompileLogFilter(const Config& config, const config::Path& path,
                                          config::Errors& errors) {
  return Compile(config, 0, path, errors);
}

}  // namespace proxenos::access_log
