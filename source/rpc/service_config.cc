// Names, addresses and time limits of services.
#include "source/rpc/service_config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "source/http/chars.h"
#include "source/upstream/duration_config.h"

namespace proxenos::rpc {
namespace {

// Both of these go into a head as they are.
bool IsFieldValue(absl::string_view text) {
  for (const char c : text) {
    if (!http::IsValueChar(c)) return false;
  }
  return true;
}

bool IsTarget(absl::string_view text) {
  for (const char c : text) {
    if (!http::IsTargetChar(c)) return false;
  }
  return true;
}

}  // namespace

GrpcService CompileGrpcService(const envoy::config::core::v3::GrpcService& proto,
                               absl::string_view method, base::Nanos default_timeout,
                               const config::Path& path, config::Errors& errors) {
  GrpcService service;
  if (!proto.has_envoy_grpc()) {
    errors.Add(path, "expected envoy_grpc: filters call over a cluster's connections");
    return service;
  }
  const auto& peer = proto.envoy_grpc();
  service.cluster = peer.cluster_name();
  service.options.path = std::string(method);
  service.options.authority = peer.authority().empty() ? peer.cluster_name() : peer.authority();
  if (peer.has_max_receive_message_length()) {
    service.options.max_message_bytes = peer.max_receive_message_length().value();
  }
  service.options.timeout = proto.has_timeout() ? upstream::CompileDuration(proto.timeout(), errors,
                                                                            path.Field("timeout"))
                                                : default_timeout;
  for (int i = 0; i < proto.initial_metadata_size(); ++i) {
    const auto& header = proto.initial_metadata(i);
    const std::string& value = header.value().empty() ? header.raw_value() : header.value();
    const std::string name = absl::AsciiStrToLower(header.key());
    if (!IsFieldValue(value)) {
      errors.Add(path.Field("initial_metadata").Index(static_cast<size_t>(i)).Field("value"),
                 "expected no control characters");
    }
    service.options.metadata.emplace_back(
        name, absl::EndsWith(name, "-bin") ? absl::Base64Escape(value) : value);
  }
  return service;
}

HttpService CompileHttpUri(const envoy::config::core::v3::HttpUri& proto, const config::Path& path,
                           config::Errors& errors) {
  HttpService service;
  service.cluster = proto.cluster();
  service.timeout = upstream::CompileDuration(proto.timeout(), errors, path.Field("timeout"));
  absl::string_view uri = proto.uri();
  const size_t scheme = uri.find("://");
  if (scheme != absl::string_view::npos) uri.remove_prefix(scheme + 3);
  const size_t slash = uri.find('/');
  service.authority = std::string(uri.substr(0, slash));
  service.path = slash == absl::string_view::npos ? "/" : std::string(uri.substr(slash));
  if (!IsTarget(service.path) || !IsTarget(service.authority)) {
    errors.AddValue(path.Field("uri"), proto.uri(), "a URI without blanks and fragment");
  }
  return service;
}

}  // namespace proxenos::rpc
