// Compiles faults.
#include "source/filters/http/fault/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/fault/filter.h"
#include "source/json/struct_config.h"
#include "source/route/matcher_config.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::fault {
namespace {

namespace v3 = envoy::extensions::filters::http::fault::v3;

constexpr stats::ScopeShape kScope{
    "http.$.fault.", "http.fault.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {
    response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<Fault>(own == nullptr ? *settings_ : *own, *this, active_, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<FaultPart>();
    part->stats = registry.Open<FaultStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }

 private:
  const std::shared_ptr<const Settings> settings_;
  // Faults that are under way on all workers, touched by those requests alone that have one.
  mutable std::atomic<uint64_t> active_{0};
};

// The key that a field names, or Envoy's.
std::string Key(const std::string& configured, const char* otherwise) {
  return configured.empty() ? otherwise : configured;
}

class Compiler {
 public:
  Compiler(const v3::HTTPFault& proto, const config::Path& path, config::Errors& errors)
      : proto_(proto), path_(path), errors_(errors) {}

  Settings Compile() {
    Settings settings;
    if (proto_.has_delay()) settings.delay = CompileDelay();
    if (proto_.has_abort()) settings.abort = CompileAbort();
    if (proto_.has_response_rate_limit()) settings.limit = CompileLimit();
    settings.cluster = proto_.upstream_cluster();
    for (int i = 0; i < proto_.headers_size(); ++i) {
      auto matcher = route::CompileHeaderMatcher(
          proto_.headers(i), errors_, path_.Field("headers").Index(static_cast<size_t>(i)));
      if (matcher) settings.headers.push_back(*std::move(matcher));
    }
    settings.nodes.assign(proto_.downstream_nodes().begin(), proto_.downstream_nodes().end());
    settings.max_active.key =
        Key(proto_.max_active_faults_runtime(), "fault.http.max_active_faults");
    if (proto_.has_max_active_faults()) {
      settings.max_active.otherwise = proto_.max_active_faults().value();
    }
    settings.metadata = json::FromProto(proto_.filter_metadata());
    return settings;
  }

 private:
  runtime::FractionSetting Share(const envoy::type::v3::FractionalPercent& percentage,
                                 const std::string& field, std::string key) {
    return {runtime::CompileFraction(percentage, errors_, path_.Field(field).Field("percentage")),
            std::move(key)};
  }

  Settings::Delay CompileDelay() {
    Settings::Delay delay;
    delay.by_header = proto_.delay().has_header_delay();
    if (proto_.delay().has_fixed_delay()) {
      const base::Nanos fixed = upstream::CompileDuration(
          proto_.delay().fixed_delay(), errors_, path_.Field("delay").Field("fixed_delay"));
      // What is less than a millisecond is one.
      delay.milliseconds.otherwise =
          static_cast<uint64_t>((fixed + base::kMillisecond - 1) / base::kMillisecond);
    }
    delay.milliseconds.key =
        Key(proto_.delay_duration_runtime(), "fault.http.delay.fixed_duration_ms");
    delay.share =
        Share(proto_.delay().percentage(), "delay",
              Key(proto_.delay_percent_runtime(), "fault.http.delay.fixed_delay_percent"));
    return delay;
  }

  Settings::Abort CompileAbort() {
    Settings::Abort abort;
    abort.by_header = proto_.abort().has_header_abort();
    abort.http_status = {proto_.abort().http_status(),
                         Key(proto_.abort_http_status_runtime(), "fault.http.abort.http_status")};
    if (proto_.abort().error_type_case() == v3::FaultAbort::kGrpcStatus) {
      abort.grpc_status = proto_.abort().grpc_status();
    }
    abort.grpc_status_key = Key(proto_.abort_grpc_status_runtime(), "fault.http.abort.grpc_status");
    abort.share = Share(proto_.abort().percentage(), "abort",
                        Key(proto_.abort_percent_runtime(), "fault.http.abort.abort_percent"));
    abort.body = proto_.abort().response_body();
    return abort;
  }

  Settings::Limit CompileLimit() {
    Settings::Limit limit;
    limit.by_header = proto_.response_rate_limit().has_header_limit();
    limit.kib_per_second = proto_.response_rate_limit().fixed_limit().limit_kbps();
    limit.share = Share(proto_.response_rate_limit().percentage(), "response_rate_limit",
                        Key(proto_.response_rate_limit_percent_runtime(),
                            "fault.http.rate_limit.response_percent"));
    return limit;
  }

  const v3::HTTPFault& proto_;
  const config::Path& path_;
  config::Errors& errors_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::HTTPFault proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Settings>(Compiler(proto, path, errors).Compile());
}

}  // namespace

const route::OverrideKind kFaultOverride{"envoy.extensions.filters.http.fault.v3.HTTPFault",
                                         CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateFault(const google::protobuf::Any& config,
                                                   const config::Path& path,
                                                   config::Errors& errors) {
  v3::HTTPFault proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(
      std::make_shared<const Settings>(Compiler(proto, path, errors).Compile()));
}

}  // namespace proxenos::filters::fault
