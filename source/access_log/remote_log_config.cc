// OpenTelemetryAccessLogConfig, HttpGrpcAccessLogConfig, TcpGrpcAccessLogConfig.
#include "source/access_log/remote_log_config.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/config/core/v3/grpc_service.pb.h"
#include "envoy/extensions/access_loggers/grpc/v3/als.pb.h"
#include "envoy/extensions/access_loggers/open_telemetry/v3/logs_service.pb.h"
#include "opentelemetry/proto/common/v1/common.pb.h"
#include "source/access_log/als_log.h"
#include "source/access_log/formatters_config.h"
#include "source/access_log/otlp_log.h"
#include "source/config/typed_config.h"
#include "source/rpc/courier_config.h"
#include "source/rpc/resource_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::access_log {
namespace {

namespace common = opentelemetry::proto::common::v1;
using OtlpProto =
    envoy::extensions::access_loggers::open_telemetry::v3::OpenTelemetryAccessLogConfig;
using GrpcServiceProto = envoy::config::core::v3::GrpcService;

namespace als = envoy::extensions::access_loggers::grpc::v3;

constexpr char kStreamLogs[] = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
constexpr char kExportLogs[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr char kProtobuf[] = "application/x-protobuf";
constexpr base::Nanos kTimeout = 5 * base::kSecond;
constexpr int kMaxDepth = 32;

class OtlpCompiler {
 public:
  OtlpCompiler(const OtlpProto& proto, const config::Path& path, config::Errors& errors)
      : proto_(proto), path_(path), errors_(errors) {}

  std::shared_ptr<const RemoteLog> Compile() {
    const size_t before = errors_.count();
    options_.extensions =
        CompileFormatters(proto_.formatters(), path_.Field("formatters"), errors_);
    Route();
    if (proto_.has_body()) {
      log_->body = Value(proto_.body(), 0, path_.Field("body"));
    }
    log_->attributes = Map(proto_.attributes(), 0, path_.Field("attributes"));
    log_->builtin_labels = !proto_.disable_builtin_labels();
    log_->stat_prefix = proto_.stat_prefix();
    Resource();
    if (errors_.count() != before) return nullptr;
    return std::move(log_);
  }

 private:
  // Newer fields and those of common_config, which they replace.
  void Route() {
    const auto& old = proto_.common_config();
    log_->log_name = proto_.log_name().empty() ? old.log_name() : proto_.log_name();
    const int targets = proto_.has_grpc_service() + proto_.has_http_service() +
                        (proto_.has_common_config() && old.has_grpc_service());
    if (targets != 1) {
      errors_.Add(path_, "expected one of grpc_service, http_service, common_config.grpc_service");
    } else if (proto_.has_http_service()) {
      log_->route = rpc::CompileHttpRoute(proto_.http_service(), kProtobuf,
                                          path_.Field("http_service"), errors_);
    } else {
      const bool own = proto_.has_grpc_service();
      log_->route.grpc = rpc::CompileGrpcService(
          WithRetries(own ? proto_.grpc_service() : old.grpc_service(), old), kExportLogs, kTimeout,
          own ? path_.Field("grpc_service") : path_.Field("common_config").Field("grpc_service"),
          errors_);
    }
    Buffering(old, path_.Field("common_config"));
    Buffering(proto_, path_);
    for (const std::string& name : old.filter_state_objects_to_log()) {
      log_->filter_state.push_back(name);
    }
    for (const std::string& name : proto_.filter_state_objects_to_log()) {
      log_->filter_state.push_back(name);
    }
  }

  // grpc_stream_retry_policy is about calls, too, before what the service says of itself.
  static GrpcServiceProto WithRetries(GrpcServiceProto service,
                                      const als::CommonGrpcAccessLogConfig& old) {
    if (!old.has_grpc_stream_retry_policy()) return service;
    *service.mutable_retry_policy() = old.grpc_stream_retry_policy();
    if (service.retry_policy().retry_on().empty()) {
      service.mutable_retry_policy()->set_retry_on("connect-failure");
    }
    return service;
  }

  template <typename Proto>
  void Buffering(const Proto& proto, const config::Path& path) {
    if (proto.has_buffer_size_bytes()) log_->buffer_bytes = proto.buffer_size_bytes().value();
    if (!proto.has_buffer_flush_interval()) return;
    const config::Path at = path.Field("buffer_flush_interval");
    log_->flush_interval = upstream::CompileDuration(proto.buffer_flush_interval(), errors_, at);
    if (log_->flush_interval <= 0) errors_.Add(at, "expected more than nothing");
  }

  OtlpValue Value(const common::AnyValue& proto, int depth, const config::Path& path) {
    OtlpValue value;
    if (depth > kMaxDepth) {
      errors_.Add(path, "is nested too deeply");
      return value;
    }
    switch (proto.value_case()) {
      case common::AnyValue::kStringValue: {
        auto format = Formatter::Compile(proto.string_value(), options_);
        if (format.ok()) {
          value.kind = OtlpValue::Kind::kText;
          value.format = *std::move(format);
        } else {
          const absl::string_view message = format.status().message();
          errors_.Add(path.Field("string_value"), std::string(message));
        }
        break;
      }
      case common::AnyValue::kArrayValue:
        value.kind = OtlpValue::Kind::kList;
        for (int i = 0; i < proto.array_value().values_size(); ++i) {
          value.children.push_back(
              Value(proto.array_value().values(i), depth + 1,
                    path.Field("array_value").Field("values").Index(static_cast<size_t>(i))));
        }
        break;
      case common::AnyValue::kKvlistValue:
        return Map(proto.kvlist_value(), depth + 1, path.Field("kvlist_value"));
      default:
        value.fixed = proto.SerializeAsString();
    }
    return value;
  }

  OtlpValue Map(const common::KeyValueList& proto, int depth, const config::Path& path) {
    OtlpValue map;
    map.kind = OtlpValue::Kind::kMap;
    for (int i = 0; i < proto.values_size(); ++i) {
      map.keys.push_back(proto.values(i).key());
      map.children.push_back(
          Value(proto.values(i).value(), depth + 1,
                path.Field("values").Index(static_cast<size_t>(i)).Field("value")));
    }
    return map;
  }

  // What detectors find, then what is written, which wins.
  void Resource() {
    common::KeyValueList resource;  // On the wire, the fields of a Resource.
    rpc::ResourceAttributes detected;
    rpc::DetectResource(proto_.resource_detectors(), path_.Field("resource_detectors"), errors_,
                        detected);
    for (const auto& [key, value] : detected) Attribute(key, resource)->set_string_value(value);
    for (const auto& pair : proto_.resource_attributes().values()) {
      *Attribute(pair.key(), resource) = pair.value();
    }
    log_->resource = resource.SerializeAsString();
  }

  static common::AnyValue* Attribute(const std::string& key, common::KeyValueList& resource) {
    for (auto& known : *resource.mutable_values()) {
      if (known.key() == key) return known.mutable_value();
    }
    auto* added = resource.add_values();
    added->set_key(key);
    return added->mutable_value();
  }

  const OtlpProto& proto_;
  const config::Path& path_;
  config::Errors& errors_;
  Formatter::Options options_;
  std::unique_ptr<OtlpLog> log_ = std::make_unique<OtlpLog>();
};

std::vector<std::string> LowerCase(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> result;
  for (const std::string& name : names) result.push_back(absl::AsciiStrToLower(name));
  return result;
}

void CompileCommon(const als::CommonGrpcAccessLogConfig& proto, const config::Path& path,
                   config::Errors& errors, AlsLog& log) {
  log.log_name = proto.log_name();
  log.route.grpc = rpc::CompileGrpcService(proto.grpc_service(), kStreamLogs, kTimeout,
                                           path.Field("grpc_service"), errors);
  if (proto.has_buffer_size_bytes()) log.buffer_bytes = proto.buffer_size_bytes().value();
  if (proto.has_buffer_flush_interval()) {
    log.flush_interval = upstream::CompileDuration(proto.buffer_flush_interval(), errors,
                                                   path.Field("buffer_flush_interval"));
  }
  for (const std::string& name : proto.filter_state_objects_to_log()) {
    log.filter_state.push_back(name);
  }
}

std::shared_ptr<const RemoteLog> CompileHttpAls(const als::HttpGrpcAccessLogConfig& proto,
                                                const config::Path& path, config::Errors& errors) {
  auto log = std::make_unique<AlsLog>();
  CompileCommon(proto.common_config(), path.Field("common_config"), errors, *log);
  log->request_headers = LowerCase(proto.additional_request_headers_to_log());
  log->response_headers = LowerCase(proto.additional_response_headers_to_log());
  log->response_trailers = LowerCase(proto.additional_response_trailers_to_log());
  return log;
}

std::shared_ptr<const RemoteLog> CompileTcpAls(const als::TcpGrpcAccessLogConfig& proto,
                                               const config::Path& path, config::Errors& errors) {
  auto log = std::make_unique<AlsLog>();
  log->of = AlsLog::Of::kConnections;
  CompileCommon(proto.common_config(), path.Field("common_config"), errors, *log);
  return log;
}

template <typename Proto, typename CompileIt>
std::shared_ptr<const RemoteLog> Unpacked(const google::protobuf::Any& any,
                                          const config::Path& path, config::Errors& errors,
                                          CompileIt compile) {
  Proto proto;
  const size_t before = errors.count();
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return nullptr;
  std::shared_ptr<const RemoteLog> log = compile(proto, path, errors);
  return errors.count() == before ? log : nullptr;
}

std::shared_ptr<const RemoteLog> CompileOtlp(const OtlpProto& proto, const config::Path& path,
                                             config::Errors& errors) {
  return OtlpCompiler(proto, path, errors).Compile();
}

}  // namespace

bool IsRemoteLog(absl::string_view type) {
  return type == OtlpProto::descriptor()->full_name() ||
         type == als::HttpGrpcAccessLogConfig::descriptor()->full_name() ||
         type == als::TcpGrpcAccessLogConfig::descriptor()->full_name();
}

std::shared_ptr<const RemoteLog> CompileRemoteLog(const google::protobuf::Any& any,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  const std::string type = config::TypedConfigType(any);
  if (type == als::HttpGrpcAccessLogConfig::descriptor()->full_name()) {
    return Unpacked<als::HttpGrpcAccessLogConfig>(any, path, errors, CompileHttpAls);
  }
  if (type == als::TcpGrpcAccessLogConfig::descriptor()->full_name()) {
    return Unpacked<als::TcpGrpcAccessLogConfig>(any, path, errors, CompileTcpAls);
  }
  return Unpacked<OtlpProto>(any, path, errors, CompileOtlp);
}

}  // namespace proxenos::access_log
