// Reading of outlier detection.
#include "source/upstream/outlier_detection_config.h"

#include <algorithm>

#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

using OutlierProto = envoy::config::cluster::v3::OutlierDetection;

void SetNumber(bool given, const google::protobuf::UInt32Value& value, uint32_t& to) {
  if (given) to = value.value();
}

void SetTimes(const OutlierProto& proto, config::Errors& errors, const config::Path& path,
              OutlierDetection& to) {
  const auto set = [&](bool given, const google::protobuf::Duration& value, const char* field,
                       base::Nanos& time) {
    if (given) time = CompileDuration(value, errors, path.Field(field));
  };
  set(proto.has_interval(), proto.interval(), "interval", to.interval);
  set(proto.has_base_ejection_time(), proto.base_ejection_time(), "base_ejection_time",
      to.base_ejection_time);
  // As in Envoy: at least the first ejection's time.
  to.max_ejection_time = std::max(to.max_ejection_time, to.base_ejection_time);
  set(proto.has_max_ejection_time(), proto.max_ejection_time(), "max_ejection_time",
      to.max_ejection_time);
  if (to.max_ejection_time < to.base_ejection_time) {
    errors.Add(path.Field("max_ejection_time"), "may not be less than base_ejection_time");
  }
  set(proto.has_max_ejection_time_jitter(), proto.max_ejection_time_jitter(),
      "max_ejection_time_jitter", to.max_ejection_time_jitter);
}

void SetEnforcing(const OutlierProto& proto, OutlierDetection& to) {
  const auto set = [&to](Ejection kind, bool given, const google::protobuf::UInt32Value& value) {
    SetNumber(given, value, to.enforcing[static_cast<size_t>(kind)]);
  };
  set(Ejection::kConsecutive5xx, proto.has_enforcing_consecutive_5xx(),
      proto.enforcing_consecutive_5xx());
  set(Ejection::kConsecutiveGatewayFailure, proto.has_enforcing_consecutive_gateway_failure(),
      proto.enforcing_consecutive_gateway_failure());
  set(Ejection::kSuccessRate, proto.has_enforcing_success_rate(), proto.enforcing_success_rate());
  set(Ejection::kConsecutiveLocalOriginFailure,
      proto.has_enforcing_consecutive_local_origin_failure(),
      proto.enforcing_consecutive_local_origin_failure());
  set(Ejection::kSuccessRateLocalOrigin, proto.has_enforcing_local_origin_success_rate(),
      proto.enforcing_local_origin_success_rate());
  set(Ejection::kFailurePercentage, proto.has_enforcing_failure_percentage(),
      proto.enforcing_failure_percentage());
  set(Ejection::kFailurePercentageLocalOrigin,
      proto.has_enforcing_failure_percentage_local_origin(),
      proto.enforcing_failure_percentage_local_origin());
}

}  // namespace

std::shared_ptr<const OutlierDetection> CompileOutlierDetection(const OutlierProto& proto,
                                                                config::Errors& errors,
                                                                const config::Path& path) {
  OutlierDetection to;
  SetNumber(proto.has_consecutive_5xx(), proto.consecutive_5xx(), to.consecutive_5xx);
  SetNumber(proto.has_consecutive_gateway_failure(), proto.consecutive_gateway_failure(),
            to.consecutive_gateway_failure);
  SetNumber(proto.has_consecutive_local_origin_failure(), proto.consecutive_local_origin_failure(),
            to.consecutive_local_origin_failure);
  to.split = proto.split_external_local_origin_errors();
  SetTimes(proto, errors, path, to);
  SetNumber(proto.has_max_ejection_percent(), proto.max_ejection_percent(),
            to.max_ejection_percent);
  to.detect_degraded = proto.detect_degraded_hosts().value();
  to.always_eject_one_host = proto.always_eject_one_host().value();
  if (proto.has_successful_active_health_check_uneject_host()) {
    to.successful_active_check_unejects =
        proto.successful_active_health_check_uneject_host().value();
  }
  SetEnforcing(proto, to);
  SetNumber(proto.has_success_rate_minimum_hosts(), proto.success_rate_minimum_hosts(),
            to.success_rate_minimum_hosts);
  SetNumber(proto.has_success_rate_request_volume(), proto.success_rate_request_volume(),
            to.success_rate_request_volume);
  SetNumber(proto.has_success_rate_stdev_factor(), proto.success_rate_stdev_factor(),
            to.success_rate_stdev_factor);
  SetNumber(proto.has_failure_percentage_threshold(), proto.failure_percentage_threshold(),
            to.failure_percentage_threshold);
  SetNumber(proto.has_failure_percentage_minimum_hosts(), proto.failure_percentage_minimum_hosts(),
            to.failure_percentage_minimum_hosts);
  SetNumber(proto.has_failure_percentage_request_volume(),
            proto.failure_percentage_request_volume(), to.failure_percentage_request_volume);
  return std::make_shared<const OutlierDetection>(to);
}

}  // namespace proxenos::upstream
