// Zipkin's, OpenTelemetry's, Datadog's and SkyWalking's tracers.
#include "source/tracing/provider_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/trace/v3/datadog.pb.h"
#include "envoy/config/trace/v3/opentelemetry.pb.h"
#include "envoy/config/trace/v3/skywalking.pb.h"
#include "envoy/config/trace/v3/zipkin.pb.h"
#include "envoy/extensions/tracers/opentelemetry/samplers/v3/always_on_sampler.pb.h"
#include "envoy/extensions/tracers/opentelemetry/samplers/v3/parent_based_sampler.pb.h"
#include "envoy/extensions/tracers/opentelemetry/samplers/v3/trace_id_ratio_based_sampler.pb.h"
#include "source/config/typed_config.h"
#include "source/rpc/courier_config.h"
#include "source/rpc/resource_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::tracing {
namespace {

namespace v3 = envoy::config::trace::v3;
namespace samplers = envoy::extensions::tracers::opentelemetry::samplers::v3;
using ExtensionProto = envoy::config::core::v3::TypedExtensionConfig;

constexpr char kExport[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr char kCollect[] = "/skywalking.v3.TraceSegmentReportService/collect";
constexpr char kProtobuf[] = "application/x-protobuf";
constexpr base::Nanos kTimeout = 5 * base::kSecond;

void CompileSampler(const ExtensionProto& proto, const config::Path& path, config::Errors& errors,
                    Sampler& sampler) {
  samplers::AlwaysOnSamplerConfig always;
  samplers::TraceIdRatioBasedSamplerConfig ratio;
  samplers::ParentBasedSamplerConfig parent;
  const std::string type = config::TypedConfigType(proto.typed_config());
  const config::Path at = path.Field("typed_config");
  if (type == always.GetTypeName()) {
    sampler.kind = Sampler::Kind::kAlwaysOn;
  } else if (type == ratio.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto.typed_config(), ratio, at, errors)) return;
    sampler.kind = Sampler::Kind::kTraceIdRatio;
    sampler.ratio = runtime::CompileFraction(ratio.sampling_percentage(), errors,
                                             at.Field("sampling_percentage"));
  } else if (type == parent.GetTypeName() && !sampler.parent_based) {
    if (!config::UnpackTypedConfigTo(proto.typed_config(), parent, at, errors)) return;
    sampler.parent_based = true;
    CompileSampler(parent.wrapped_sampler(), at.Field("wrapped_sampler"), errors, sampler);
  } else {
    errors.AddValue(
        at, type,
        "AlwaysOnSamplerConfig, TraceIdRatioBasedSamplerConfig or, around one of these, "
        "ParentBasedSamplerConfig");
  }
}

bool OrTrue(bool present, const google::protobuf::BoolValue& value) {
  return !present || value.value();
}

void CompileResource(const v3::OpenTelemetryConfig& proto, const config::Path& path,
                     config::Errors& errors, Provider& provider) {
  Attributes& resource = provider.speaker.resource;
  if (OrTrue(proto.has_set_telemetry_sdk_resource_attributes(),
             proto.set_telemetry_sdk_resource_attributes())) {
    rpc::SetAttribute("telemetry.sdk.language", "cpp", resource);
    rpc::SetAttribute("telemetry.sdk.name", "proxenos", resource);
  }
  if (OrTrue(proto.has_set_service_name_resource_attribute(),
             proto.set_service_name_resource_attribute())) {
    const std::string& name = proto.service_name();
    rpc::SetAttribute("service.name", name.empty() ? "unknown_service:envoy" : name, resource);
  }
  rpc::DetectResource(proto.resource_detectors(), path.Field("resource_detectors"), errors,
                      resource);
  if (OrTrue(proto.has_set_instrumentation_scope(), proto.set_instrumentation_scope())) {
    provider.speaker.scope_name = "envoy";  // What dashboards made for Envoy look for.
  }
}

std::shared_ptr<const Provider> CompileOpenTelemetry(const v3::OpenTelemetryConfig& proto,
                                                     const config::Path& path,
                                                     config::Errors& errors) {
  auto provider = std::make_unique<Provider>();
  provider->kind = Provider::Kind::kOpenTelemetry;
  if (proto.has_grpc_service() && proto.has_http_service()) {
    errors.Add(path, "only one of grpc_service and http_service may be set");
  } else if (proto.has_grpc_service()) {
    provider->route.grpc = rpc::CompileGrpcService(proto.grpc_service(), kExport, kTimeout,
                                                   path.Field("grpc_service"), errors);
  } else if (proto.has_http_service()) {
    provider->route =
        rpc::CompileHttpRoute(proto.http_service(), kProtobuf, path.Field("http_service"), errors);
  }
  if (proto.has_max_cache_size()) provider->max_spans = proto.max_cache_size().value();
  provider->min_flush_spans = {5, "tracing.opentelemetry.min_flush_spans"};
  provider->flush_interval_ms = {5000, "tracing.opentelemetry.flush_interval_ms"};
  CompileResource(proto, path, errors, *provider);
  if (proto.has_sampler()) {
    CompileSampler(proto.sampler(), path.Field("sampler"), errors, provider->sampler);
  }
  return provider;
}

// A path at a host of a cluster, by HTTP.
struct Collector {
  const std::string& cluster;
  const std::string& hostname;  // Empty: the cluster's name.
  absl::string_view path;
  absl::string_view content_type;
};

rpc::CourierRoute RouteTo(const Collector& collector, const config::Path& at,
                          config::Errors& errors) {
  const auto& [cluster, hostname, path, type] = collector;
  envoy::config::core::v3::HttpService service;
  auto& uri = *service.mutable_http_uri();
  uri.set_cluster(cluster);
  uri.set_uri(absl::StrCat("http://", hostname.empty() ? cluster : hostname, path));
  uri.mutable_timeout()->set_seconds(kTimeout / base::kSecond);
  return rpc::CompileHttpRoute(service, type, at, errors);
}

std::shared_ptr<const Provider> CompileDatadog(const v3::DatadogConfig& proto,
                                               const config::Path& path, config::Errors& errors) {
  auto provider = std::make_unique<Provider>();
  provider->kind = Provider::Kind::kDatadog;
  provider->service_name = proto.service_name();
  provider->route = RouteTo({proto.collector_cluster(), proto.collector_hostname(), "/v0.4/traces",
                             "application/msgpack"},
                            path.Field("collector_hostname"), errors);
  provider->route.headers.emplace_back("datadog-meta-lang", "cpp");
  // As Datadog's library: every two seconds, or when many wait.
  provider->min_flush_spans = {500, "tracing.datadog.min_flush_spans"};
  provider->flush_interval_ms = {2000, "tracing.datadog.flush_interval_ms"};
  return provider;
}

std::shared_ptr<const Provider> CompileSkyWalking(const v3::SkyWalkingConfig& proto,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  auto provider = std::make_unique<Provider>();
  provider->kind = Provider::Kind::kSkyWalking;
  const v3::ClientConfig& client = proto.client_config();
  provider->service_name = client.service_name();
  provider->instance_name = client.instance_name();
  if (client.has_max_cache_size()) provider->max_spans = client.max_cache_size().value();
  rpc::GrpcService service = rpc::CompileGrpcService(proto.grpc_service(), kCollect, 0,
                                                     path.Field("grpc_service"), errors);
  service.options.timeout = 0;  // The call stays open: a timeout is for one that is answered.
  if (!client.backend_token().empty()) {
    service.options.metadata.emplace_back("authentication", client.backend_token());
  }
  provider->route.grpc = std::move(service);
  return provider;
}

void CompileCollector(const v3::ZipkinConfig& proto, const config::Path& path,
                      config::Errors& errors, Provider& provider) {
  const char* type = provider.proto ? kProtobuf : "application/json";
  if (proto.has_collector_service()) {
    provider.route = rpc::CompileHttpRoute(proto.collector_service(), type,
                                           path.Field("collector_service"), errors);
    return;
  }
  if (proto.collector_cluster().empty()) {
    errors.Add(path, "expected collector_service, or collector_cluster and collector_endpoint");
  }
  if (proto.collector_endpoint().empty() || proto.collector_endpoint()[0] != '/') {
    errors.AddValue(path.Field("collector_endpoint"), proto.collector_endpoint(),
                    "a path, such as /api/v2/spans");
  }
  if (proto.collector_cluster().empty()) return;
  provider.route = RouteTo(
      {proto.collector_cluster(), proto.collector_hostname(), proto.collector_endpoint(), type},
      path.Field("collector_endpoint"), errors);
}

std::shared_ptr<const Provider> CompileZipkin(const v3::ZipkinConfig& proto,
                                              const config::Path& path, config::Errors& errors) {
  auto provider = std::make_unique<Provider>();
  switch (proto.collector_endpoint_version()) {
    case v3::ZipkinConfig::HTTP_JSON:
      break;
    case v3::ZipkinConfig::HTTP_PROTO:
      provider->proto = true;
      break;
    default:
      errors.Add(path.Field("collector_endpoint_version"), "expected HTTP_JSON or HTTP_PROTO");
  }
  CompileCollector(proto, path, errors, *provider);
  provider->min_flush_spans = {5, "tracing.zipkin.min_flush_spans"};
  provider->flush_interval_ms = {5000, "tracing.zipkin.flush_interval_ms"};
  provider->wide_ids = proto.trace_id_128bit();
  provider->shared_spans = OrTrue(proto.has_shared_span_context(), proto.shared_span_context());
  provider->split_spans = proto.split_spans_for_request();
  provider->w3c_too = proto.trace_context_option() == v3::ZipkinConfig::USE_B3_WITH_W3C_PROPAGATION;
  provider->timestamp_ids = proto.timestamp_trace_ids();
  return provider;
}

}  // namespace

std::shared_ptr<const Provider> CompileProvider(const v3::Tracing::Http& proto,
                                                const config::Path& path, config::Errors& errors) {
  const size_t before = errors.count();
  const config::Path at = path.Field("typed_config");
  const std::string type = config::TypedConfigType(proto.typed_config());
  std::shared_ptr<const Provider> provider;
  if (type == v3::ZipkinConfig::descriptor()->full_name()) {
    v3::ZipkinConfig zipkin;
    if (!config::UnpackTypedConfigTo(proto.typed_config(), zipkin, at, errors)) return nullptr;
    provider = CompileZipkin(zipkin, at, errors);
  } else if (type == v3::OpenTelemetryConfig::descriptor()->full_name()) {
    v3::OpenTelemetryConfig otel;
    if (!config::UnpackTypedConfigTo(proto.typed_config(), otel, at, errors)) return nullptr;
    provider = CompileOpenTelemetry(otel, at, errors);
  } else if (type == v3::DatadogConfig::descriptor()->full_name()) {
    v3::DatadogConfig datadog;
    if (!config::UnpackTypedConfigTo(proto.typed_config(), datadog, at, errors)) return nullptr;
    provider = CompileDatadog(datadog, at, errors);
  } else if (type == v3::SkyWalkingConfig::descriptor()->full_name()) {
    v3::SkyWalkingConfig skywalking;
    if (!config::UnpackTypedConfigTo(proto.typed_config(), skywalking, at, errors)) return nullptr;
    provider = CompileSkyWalking(skywalking, at, errors);
  } else {
    errors.AddValue(at, type,
                    "envoy.config.trace.v3.ZipkinConfig, OpenTelemetryConfig, DatadogConfig or "
                    "SkyWalkingConfig");
  }
  return errors.count() == before ? provider : nullptr;
}

}  // namespace proxenos::tracing
