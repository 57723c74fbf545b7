// Compiles what counts as success, and how hard failures are answered.
#include "source/filters/http/admission_control/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/admission_control/v3/admission_control.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/admission_control/filter.h"
#include "source/rpc/status.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::admission_control {
namespace {

namespace v3 = envoy::extensions::filters::http::admission_control::v3;

// By whether it stands before a cluster's hosts (FilterFactory::upstream).
constexpr stats::ScopeShape kScope[] = {
    {"http.$.admission_control.", "http.admission_control.", {"envoy.http_conn_manager_prefix"}},
    {"cluster.$.admission_control.", "cluster.admission_control.", {"envoy.cluster_name"}}};
// A longer history would say nothing about now, and each second of it is kept.
constexpr base::Nanos kLongestWindow = 3600 * base::kSecond;

// Those that fewer requests would not change (Envoy's default).
constexpr rpc::Status kGrpcSuccesses[] = {
    rpc::Status::kOk,
    rpc::Status::kCancelled,
    rpc::Status::kUnknown,
    rpc::Status::kInvalidArgument,
    rpc::Status::kNotFound,
    rpc::Status::kAlreadyExists,
    rpc::Status::kUnauthenticated,
    rpc::Status::kFailedPrecondition,
    rpc::Status::kOutOfRange,
    rpc::Status::kPermissionDenied,
    rpc::Status::kUnimplemented,
};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<AdmissionControl>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<AdmissionPart>(
        settings_.window,
        registry.Open<AdmissionStats>(stats::ScopeName(kScope[upstream], {stat_prefix})));
  }

 private:
  const Settings settings_;
};

void CompileHttp(const v3::AdmissionControl::SuccessCriteria& proto, const config::Path& path,
                 config::Errors& errors, Settings& settings) {
  if (!proto.has_http_criteria()) {
    settings.http_successes = {{100, 500}};
    return;
  }
  const config::Path at = path.Field("http_criteria").Field("http_success_status");
  const auto& ranges = proto.http_criteria().http_success_status();
  for (int i = 0; i < ranges.size(); ++i) {
    const auto& range = ranges[i];
    if (range.start() < 100 || range.end() > 600 || range.start() > range.end()) {
      errors.AddValue(at.Index(static_cast<size_t>(i)),
                      absl::StrCat("[", range.start(), ", ", range.end(), ")"),
                      "a range within [100, 600)");
    }
    settings.http_successes.emplace_back(range.start(), range.end());
  }
}

void CompileGrpc(const v3::AdmissionControl::SuccessCriteria& proto, const config::Path& path,
                 config::Errors& errors, Settings& settings) {
  if (!proto.has_grpc_criteria()) {
    for (const rpc::Status status : kGrpcSuccesses) {
      settings.grpc_successes |= uint64_t{1} << static_cast<uint32_t>(status);
    }
    return;
  }
  const config::Path at = path.Field("grpc_criteria").Field("grpc_success_status");
  const auto& statuses = proto.grpc_criteria().grpc_success_status();
  for (int i = 0; i < statuses.size(); ++i) {
    if (statuses[i] > 16) {
      errors.AddValue(at.Index(static_cast<size_t>(i)), absl::StrCat(statuses[i]),
                      "a status of gRPC, from 0 to 16");
      continue;
    }
    settings.grpc_successes |= uint64_t{1} << statuses[i];
  }
}

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateAdmissionControl(const google::protobuf::Any& config,
                                                              const config::Path& path,
                                                              config::Errors& errors) {
  v3::AdmissionControl proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  const config::Path criteria = path.Field("success_criteria");
  CompileHttp(proto.success_criteria(), criteria, errors, settings);
  CompileGrpc(proto.success_criteria(), criteria, errors, settings);
  if (proto.has_enabled()) settings.enabled = runtime::CompileSetting(proto.enabled());
  if (proto.has_aggression()) settings.aggression = runtime::CompileSetting(proto.aggression());
  if (proto.has_sr_threshold()) settings.threshold = runtime::CompileSetting(proto.sr_threshold());
  if (proto.has_max_rejection_probability()) {
    settings.most = runtime::CompileSetting(proto.max_rejection_probability());
  }
  if (proto.has_rps_threshold()) {
    settings.rps_threshold = runtime::CompileSetting(proto.rps_threshold());
  }
  if (proto.has_sampling_window()) {
    const config::Path at = path.Field("sampling_window");
    const base::Nanos window = upstream::CompileDuration(proto.sampling_window(), errors, at);
    settings.window = (window + base::kSecond / 2) / base::kSecond * base::kSecond;
    if (settings.window < base::kSecond || settings.window > kLongestWindow) {
      errors.AddValue(at, absl::StrCat(proto.sampling_window().seconds(), "s"),
                      "from a second to an hour");
    }
  }
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::admission_control
