// Names, addresses and time limits of services.
#include "source/rpc/service_config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "source/http/chars.h"
#include "source/rpc/call_retries_config.h"
#include "source/rpc/google_target_config.h"
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

void CompileEnvoyGrpc(const envoy::config::core::v3::GrpcService::EnvoyGrpc& peer,
                      GrpcService& service) {
  service.cluster = peer.cluster_name();
  service.options.authority = peer.authority().empty() ? peer.cluster_name() : peer.authority();
  if (peer.has_max_receive_message_length()) {
    service.options.max_message_bytes = peer.max_receive_message_length().value();
  }
}

void AddMetadata(const envoy::config::core::v3::GrpcService& proto, const config::Path& path,
                 config::Errors& errors, GrpcService& service) {
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
}

}  // namespace

GrpcService CompileGrpcService(const envoy::config::core::v3::GrpcService& proto,
                               absl::string_view method, base::Nanos default_timeout,
                               const config::Path& path, config::Errors& errors) {
  GrpcService service;
  if (proto.has_envoy_grpc()) {
    CompileEnvoyGrpc(proto.envoy_grpc(), service);
  } else if (proto.has_google_grpc()) {
    CompileGoogleTarget(proto.google_grpc(), path.Field("google_grpc"), errors, service);
  } else {
    errors.Add(path, "expected envoy_grpc or google_grpc");
    return service;
  }
  service.options.path = std::string(method);
  service.options.timeout = proto.has_timeout() ? upstream::CompileDuration(proto.timeout(), errors,
                                                                            path.Field("timeout"))
                                                : default_timeout;
  if (proto.has_retry_policy()) {
    CallRetries& retries = service.options.retries;
    retries = CompileCallRetries(proto.retry_policy(), /*default_on=*/"",
                                 path.Field("retry_policy"), errors);
    if (!proto.retry_policy().has_retry_back_off()) {
      retries.back_off = base::kSecond;
      retries.back_off_max = 10 * base::kSecond;
    }
  }
  AddMetadata(proto, path, errors, service);
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
