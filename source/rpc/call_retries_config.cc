// Reasons, number and pauses of tries.
#include "source/rpc/call_retries_config.h"

#include <algorithm>
#include <string>

#include "source/route/action.h"
#include "source/upstream/duration_config.h"

namespace proxenos::rpc {

CallRetries CompileCallRetries(const envoy::config::core::v3::RetryPolicy& proto,
                               absl::string_view default_on, const config::Path& path,
                               config::Errors& errors) {
  CallRetries retries;
  absl::string_view unknown;
  retries.on = route::ParseRetryOn(
      proto.retry_on().empty() ? default_on : absl::string_view(proto.retry_on()), &unknown);
  if (!unknown.empty()) {
    errors.AddValue(path.Field("retry_on"), std::string(unknown), "a known reason");
  }
  retries.most = proto.has_num_retries() ? proto.num_retries().value() : 1;
  const auto& back_off = proto.retry_back_off();
  const config::Path at = path.Field("retry_back_off");
  if (back_off.has_base_interval()) {
    retries.back_off =
        upstream::CompileDuration(back_off.base_interval(), errors, at.Field("base_interval"));
    retries.back_off_max = 10 * retries.back_off;
  }
  if (back_off.has_max_interval()) {
    retries.back_off_max =
        upstream::CompileDuration(back_off.max_interval(), errors, at.Field("max_interval"));
  }
  return retries;
}

}  // namespace proxenos::rpc
