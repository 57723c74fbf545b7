// Telling our own loggers from Envoy's others.
#include "source/base/foreign_loggers.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/log.h"

namespace proxenos::base {
namespace {

constexpr absl::string_view kForeignLoggers =
    " a2a ai_protocol_manager alternate_protocols_cache assert aws backtrace basic_auth "
    "cache_filter client compression conn_handler credential_injector decompression "
    "dubbo dynamic_modules envoy_bug ext_authz ext_proc filter forward_proxy geolocation "
    "golang happy_eyeballs hc health_checker http2 hystrix init io ip_tagging json_rpc "
    "jwt kafka key_value_store local_rate_limit lua matcher mcp misc mongo "
    "multi_connection notification oauth2 quic quic_stream rate_limit_quota rbac rds "
    "redis rocketmq runtime secret sse stats stats_sinks tap testing thrift tracing udp "
    "wasm websocket ";

}  // namespace

bool IsForeignLogger(absl::string_view name) {
  return !name.empty() && !absl::StrContains(name, ' ') &&
         absl::StrContains(kForeignLoggers, absl::StrCat(" ", name, " "));
}

ComponentLevels SplitComponentLevels(absl::string_view text) {
  ComponentLevels levels;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(part, ':');
    if (IsForeignLogger(pair.first) && ParseLogLevel(pair.second)) {
      levels.foreign.emplace_back(part);
      continue;
    }
    if (!levels.own.empty()) levels.own += ',';
    absl::StrAppend(&levels.own, part);
  }
  return levels;
}

}  // namespace proxenos::base
