// Reading of active health checks.
#include "source/upstream/health_check_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/health_check/event_sinks/file/v3/file.pb.h"
#include "envoy/extensions/health_checkers/redis/v3/redis.pb.h"
#include "source/config/typed_config.h"
#include "source/json/flat_struct_config.h"
#include "source/match/match_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
using HealthCheckProto = core::HealthCheck;
using google::protobuf::Duration;
using google::protobuf::RepeatedPtrField;

// A check's answer is held in memory until it has been looked at.
constexpr uint64_t kMaxResponseBytes = uint64_t{1} << 20;
constexpr size_t kMaxPayloadBytes = size_t{1} << 20;

class HealthCheckCompiler {
 public:
  HealthCheckCompiler(const HealthCheckProto& proto, config::Errors& errors,
                      const config::Path& path)
      : proto_(proto), errors_(errors), path_(path) {}

  HealthCheck Compile() {
    SetTimes();
    SetThresholds();
    SetTarget();
    SetEvents();
    switch (proto_.health_checker_case()) {
      case HealthCheckProto::kHttpHealthCheck:
        check_.kind = HealthCheck::Kind::kHttp;
        SetHttp(proto_.http_health_check(), At("http_health_check"));
        break;
      case HealthCheckProto::kTcpHealthCheck:
        check_.kind = HealthCheck::Kind::kTcp;
        SetTcp(proto_.tcp_health_check(), At("tcp_health_check"));
        break;
      case HealthCheckProto::kGrpcHealthCheck:
        check_.kind = HealthCheck::Kind::kGrpc;
        SetGrpc(proto_.grpc_health_check(), At("grpc_health_check"));
        break;
      case HealthCheckProto::kCustomHealthCheck:
        SetRedis(At("custom_health_check").Field("typed_config"));
        break;
      default:
        errors_.Add(path_,
                    "one of http_health_check, tcp_health_check, grpc_health_check and "
                    "custom_health_check is required");
    }
    return std::move(check_);
  }

 private:
  config::Path At(std::string_view field) const { return path_.Field(field); }
  base::Nanos Time(bool given, const Duration& value, std::string_view field,
                   base::Nanos otherwise) {
    return given ? CompileDuration(value, errors_, At(field)) : otherwise;
  }

  void SetTimes();
  void SetThresholds();
  void SetTarget();
  void SetEvents();
  void SetHttp(const HealthCheckProto::HttpHealthCheck& proto, const config::Path& path);
  void SetHttpBodies(const HealthCheckProto::HttpHealthCheck& proto, const config::Path& path);
  void SetTcp(const HealthCheckProto::TcpHealthCheck& proto, const config::Path& path);
  void SetGrpc(const HealthCheckProto::GrpcHealthCheck& proto, const config::Path& path);
  void SetRedis(const config::Path& path);

  std::string Payload(const HealthCheckProto::Payload& proto, const config::Path& path);
  std::vector<std::string> Payloads(const RepeatedPtrField<HealthCheckProto::Payload>& all,
                                    const config::Path& path);
  std::vector<CheckHeader> Headers(const RepeatedPtrField<core::HeaderValueOption>& all,
                                   const config::Path& path);
  HttpCheck::Statuses Statuses(const RepeatedPtrField<envoy::type::v3::Int64Range>& all,
                               const config::Path& path);

  const HealthCheckProto& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  HealthCheck check_;
};

void HealthCheckCompiler::SetTimes() {
  check_.timeout = CompileDuration(proto_.timeout(), errors_, At("timeout"));
  check_.interval = CompileDuration(proto_.interval(), errors_, At("interval"));
  check_.initial_jitter =
      Time(proto_.has_initial_jitter(), proto_.initial_jitter(), "initial_jitter", 0);
  check_.interval_jitter =
      Time(proto_.has_interval_jitter(), proto_.interval_jitter(), "interval_jitter", 0);
  check_.interval_jitter_percent = proto_.interval_jitter_percent();
  check_.no_traffic_interval = Time(proto_.has_no_traffic_interval(), proto_.no_traffic_interval(),
                                    "no_traffic_interval", 60 * base::kSecond);
  check_.no_traffic_healthy_interval =
      Time(proto_.has_no_traffic_healthy_interval(), proto_.no_traffic_healthy_interval(),
           "no_traffic_healthy_interval", check_.no_traffic_interval);
  check_.unhealthy_interval = Time(proto_.has_unhealthy_interval(), proto_.unhealthy_interval(),
                                   "unhealthy_interval", check_.interval);
  check_.unhealthy_edge_interval =
      Time(proto_.has_unhealthy_edge_interval(), proto_.unhealthy_edge_interval(),
           "unhealthy_edge_interval", check_.unhealthy_interval);
  check_.healthy_edge_interval =
      Time(proto_.has_healthy_edge_interval(), proto_.healthy_edge_interval(),
           "healthy_edge_interval", check_.interval);
}

void HealthCheckCompiler::SetThresholds() {
  check_.unhealthy_threshold = proto_.unhealthy_threshold().value();
  check_.healthy_threshold = proto_.healthy_threshold().value();
  if (proto_.has_reuse_connection()) check_.reuse_connection = proto_.reuse_connection().value();
  check_.always_log_failures = proto_.always_log_health_check_failures();
  check_.always_log_successes = proto_.always_log_health_check_success();
}

void HealthCheckCompiler::SetTarget() {
  if (proto_.has_alt_port()) {
    const uint32_t port = proto_.alt_port().value();
    if (port == 0 || port > UINT16_MAX) {
      errors_.AddValue(At("alt_port"), absl::StrCat(port), "1 to 65535");
    }
    check_.alt_port = static_cast<uint16_t>(port);
  }
  for (int i = 0; i < proto_.tls_options().alpn_protocols_size(); ++i) {
    const std::string& name = proto_.tls_options().alpn_protocols(i);
    if (name.empty() || name.size() > UINT8_MAX) {
      errors_.AddValue(At("tls_options").Field("alpn_protocols").Index(static_cast<size_t>(i)),
                       name, "a name of 1 to 255 bytes");
    }
    check_.alpn.push_back(name);
  }
  if (proto_.has_transport_socket_match_criteria()) {
    check_.transport_match = json::FlattenStruct(proto_.transport_socket_match_criteria());
  }
}

void HealthCheckCompiler::SetEvents() {
  if (!proto_.event_log_path().empty()) check_.event_log_paths.push_back(proto_.event_log_path());
  for (int i = 0; i < proto_.event_logger_size(); ++i) {
    const config::Path at = At("event_logger").Index(i).Field("typed_config");
    envoy::extensions::health_check::event_sinks::file::v3::HealthCheckEventFileSink sink;
    if (!config::UnpackTypedConfigTo(proto_.event_logger(i).typed_config(), sink, at, errors_)) {
      continue;
    }
    check_.event_log_paths.push_back(sink.event_log_path());
  }
}

void HealthCheckCompiler::SetHttp(const HealthCheckProto::HttpHealthCheck& proto,
                                  const config::Path& path) {
  HttpCheck& http = check_.http;
  http.host = proto.host();
  http.path = proto.path();
  http.headers = Headers(proto.request_headers_to_add(), path.Field("request_headers_to_add"));
  for (const std::string& name : proto.request_headers_to_remove()) {
    http.removed_headers.push_back(absl::AsciiStrToLower(name));
  }
  if (!proto.expected_statuses().empty()) {
    http.expected = Statuses(proto.expected_statuses(), path.Field("expected_statuses"));
  }
  http.retriable = Statuses(proto.retriable_statuses(), path.Field("retriable_statuses"));
  switch (proto.codec_client_type()) {
    case envoy::type::v3::HTTP1:
      break;
    case envoy::type::v3::HTTP2:
      http.http2 = true;
      break;
    default:
      errors_.Add(path.Field("codec_client_type"), "HTTP/3 is not implemented");
  }
  if (proto.has_service_name_matcher()) {
    http.service_name = match::CompileStringMatcher(proto.service_name_matcher(), errors_,
                                                    path.Field("service_name_matcher"));
  }
  if (proto.method() != core::METHOD_UNSPECIFIED) {
    http.method = core::RequestMethod_Name(proto.method());
  }
  SetHttpBodies(proto, path);
}

void HealthCheckCompiler::SetHttpBodies(const HealthCheckProto::HttpHealthCheck& proto,
                                        const config::Path& path) {
  HttpCheck& http = check_.http;
  if (proto.has_send()) {
    const core::RequestMethod method = proto.method();
    if (method == core::METHOD_UNSPECIFIED || method == core::GET || method == core::HEAD ||
        method == core::DELETE || method == core::TRACE) {
      errors_.Add(path.Field("send"), "needs a method that has a body: POST, PUT, PATCH, OPTIONS");
    }
    http.send = Payload(proto.send(), path.Field("send"));
  }
  http.receive = Payloads(proto.receive(), path.Field("receive"));
  if (proto.has_response_buffer_size()) {
    http.response_bytes = proto.response_buffer_size().value();
  }
  size_t wanted = 0;
  for (const std::string& each : http.receive) wanted += each.size();
  if (http.response_bytes != 0 && wanted > http.response_bytes) {
    errors_.Add(path.Field("receive"),
                absl::StrCat("wants ", wanted, " bytes, but only ", http.response_bytes,
                             " are looked at (response_buffer_size)"));
  }
  if (http.response_bytes == 0 || http.response_bytes > kMaxResponseBytes) {
    http.response_bytes = kMaxResponseBytes;
  }
}

void HealthCheckCompiler::SetTcp(const HealthCheckProto::TcpHealthCheck& proto,
                                 const config::Path& path) {
  if (proto.has_send()) check_.tcp.send = Payload(proto.send(), path.Field("send"));
  check_.tcp.receive = Payloads(proto.receive(), path.Field("receive"));
  if (proto.has_proxy_protocol_config()) {
    const auto& header = proto.proxy_protocol_config();
    if (header.has_pass_through_tlvs() || !header.added_tlvs().empty()) {
      errors_.Add(path.Field("proxy_protocol_config"),
                  "has TLVs, which the headers of health checks have not");
    }
    check_.tcp.proxy_header =
        proto.proxy_protocol_config().version() == core::ProxyProtocolConfig::V2 ? ProxyHeader::kV2
                                                                                 : ProxyHeader::kV1;
  }
}

void HealthCheckCompiler::SetGrpc(const HealthCheckProto::GrpcHealthCheck& proto,
                                  const config::Path& path) {
  check_.grpc.service_name = proto.service_name();
  check_.grpc.authority = proto.authority();
  check_.grpc.metadata = Headers(proto.initial_metadata(), path.Field("initial_metadata"));
}

// A question and its answer in RESP: that there is an answer, or that the key is not there.
void HealthCheckCompiler::SetRedis(const config::Path& path) {
  envoy::extensions::health_checkers::redis::v3::Redis proto;
  check_.kind = HealthCheck::Kind::kRedis;
  if (!config::UnpackTypedConfigTo(proto_.custom_health_check().typed_config(), proto, path,
                                   errors_)) {
    return;
  }
  if (proto.key().size() > kMaxPayloadBytes) {
    errors_.Add(path.Field("key"), absl::StrCat("is longer than ", kMaxPayloadBytes, " bytes"));
  } else if (proto.key().empty()) {
    check_.tcp.send = "*1\r\n$4\r\nPING\r\n";
    check_.tcp.receive = {"+PONG\r\n"};
  } else {
    check_.tcp.send =
        absl::StrCat("*2\r\n$6\r\nEXISTS\r\n$", proto.key().size(), "\r\n", proto.key(), "\r\n");
    check_.tcp.receive = {":0\r\n"};
  }
}

// Text is written in hexadecimal.
std::string HealthCheckCompiler::Payload(const HealthCheckProto::Payload& proto,
                                         const config::Path& path) {
  std::string bytes = proto.binary();
  if (proto.payload_case() == HealthCheckProto::Payload::kText) {
    const std::string& text = proto.text();
    const bool hexadecimal =
        text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
          return absl::ascii_isxdigit(static_cast<unsigned char>(c));
        });
    if (!hexadecimal) {
      errors_.AddValue(path.Field("text"), text, "pairs of hexadecimal digits");
      return std::string();
    }
    bytes = absl::HexStringToBytes(text);
  }
  if (bytes.size() > kMaxPayloadBytes) {
    errors_.Add(path, absl::StrCat("holds more than ", kMaxPayloadBytes, " bytes"));
  }
  return bytes;
}

std::vector<std::string> HealthCheckCompiler::Payloads(
    const RepeatedPtrField<HealthCheckProto::Payload>& all, const config::Path& path) {
  std::vector<std::string> result;
  for (int i = 0; i < all.size(); ++i) result.push_back(Payload(all[i], path.Index(i)));
  return result;
}

CheckHeader::Action ActionOf(const core::HeaderValueOption& option) {
  if (option.has_append()) {
    return option.append().value() ? CheckHeader::Action::kAppend : CheckHeader::Action::kOverwrite;
  }
  switch (option.append_action()) {
    case core::HeaderValueOption::ADD_IF_ABSENT:
      return CheckHeader::Action::kAddIfAbsent;
    case core::HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD:
      return CheckHeader::Action::kOverwrite;
    case core::HeaderValueOption::OVERWRITE_IF_EXISTS:
      return CheckHeader::Action::kOverwriteIfPresent;
    default:
      return CheckHeader::Action::kAppend;
  }
}

std::vector<CheckHeader> HealthCheckCompiler::Headers(
    const RepeatedPtrField<core::HeaderValueOption>& all, const config::Path& path) {
  std::vector<CheckHeader> result;
  for (int i = 0; i < all.size(); ++i) {
    const config::Path at = path.Index(i).Field("header");
    const core::HeaderValue& header = all[i].header();
    std::string value = header.value().empty() ? header.raw_value() : header.value();
    if (value.find('%') != std::string::npos) {
      errors_.AddValue(at.Field("value"), value, "literal text: a check has nothing to format");
    }
    if (value.find_first_of(std::string("\0\r\n", 3)) != std::string::npos) {
      errors_.Add(at.Field("value"), "may not hold NUL, CR or LF");
    }
    std::string name = absl::AsciiStrToLower(header.key());
    if (name.empty() || name.front() == ':') {
      errors_.AddValue(at.Field("key"), header.key(), "the name of a header");
    }
    result.push_back(CheckHeader{std::move(name), std::move(value), ActionOf(all[i])});
  }
  return result;
}

HttpCheck::Statuses HealthCheckCompiler::Statuses(
    const RepeatedPtrField<envoy::type::v3::Int64Range>& all, const config::Path& path) {
  HttpCheck::Statuses result;
  for (int i = 0; i < all.size(); ++i) {
    const int64_t start = all[i].start();
    const int64_t end = all[i].end();
    if (start < 100 || end > 600 || start >= end) {
      errors_.AddValue(path.Index(i), absl::StrCat("[", start, ", ", end, ")"),
                       "a range within [100, 600), its start below its end");
      continue;
    }
    result.emplace_back(static_cast<uint16_t>(start), static_cast<uint16_t>(end));
  }
  return result;
}

}  // namespace

std::shared_ptr<const HealthCheck> CompileHealthCheck(const HealthCheckProto& proto,
                                                      config::Errors& errors,
                                                      const config::Path& path) {
  return std::make_shared<const HealthCheck>(HealthCheckCompiler(proto, errors, path).Compile());
}

std::shared_ptr<const CheckTarget> CompileCheckTarget(
    const envoy::config::endpoint::v3::Endpoint& proto, config::Errors& errors,
    const config::Path& path) {
  if (!proto.has_health_check_config()) return nullptr;
  const auto& given = proto.health_check_config();
  const config::Path at = path.Field("health_check_config");
  CheckTarget target;
  target.hostname = given.hostname();
  target.disabled = given.disable_active_health_check();
  if (given.port_value() > UINT16_MAX) {
    errors.AddValue(at.Field("port_value"), absl::StrCat(given.port_value()), "0 to 65535");
  }
  target.port = static_cast<uint16_t>(given.port_value());
  if (given.address().has_pipe()) {
    const auto pipe =
        CompilePipe(given.address().pipe(), errors, at.Field("address").Field("pipe"));
    if (pipe.has_value()) target.address = *pipe;
  } else if (given.address().has_socket_address()) {
    const auto address = CompileIpAddress(given.address().socket_address(), errors,
                                          at.Field("address").Field("socket_address"));
    if (address.has_value()) target.address = *address;
  }
  return std::make_shared<const CheckTarget>(std::move(target));
}

}  // namespace proxenos::upstream
