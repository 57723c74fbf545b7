// What connection managers and tracers say, compiled, and what each error says.
#include "source/tracing/tracing_config.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"

namespace proxenos::tracing {
namespace {

constexpr char kZipkin[] = R"(
  provider:
    name: zipkin
    typed_config:
      "@type": type.googleapis.com/envoy.config.trace.v3.ZipkinConfig
)";
constexpr char kOpenTelemetry[] = R"(
  provider:
    name: otel
    typed_config:
      "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
)";

class TracingConfigTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Config> Compile(const std::string& yaml) {
    using Proto =
        envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
    Proto proto;
    config::Errors read;
    config::ParseYaml(yaml, proto, read, config::Path());
    EXPECT_TRUE(read.ok()) << read.ToStatus();
    errors_ = config::Errors();
    return CompileTracing(proto, nullptr, config::Path("hcm"), errors_);
  }
  std::shared_ptr<const Provider> CompileTracer(const std::string& kind,
                                                const std::string& fields) {
    auto config = Compile("tracing:\n" + kind + fields);
    return config == nullptr ? nullptr : config->provider;
  }

  config::Errors errors_;
};

TEST_F(TracingConfigTest, NothingAsked) {
  EXPECT_EQ(Compile("stat_prefix: s"), nullptr);
  const auto config = Compile("tracing: {}");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->provider, nullptr);
  EXPECT_EQ(config->sampling.random.otherwise, (runtime::Fraction{1, 1}));
  EXPECT_EQ(config->max_path_bytes, 256u);
}

TEST_F(TracingConfigTest, ConnectionManager) {
  const auto config = Compile(R"(
use_remote_address: true
request_id_extension:
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig
    pack_trace_reason: false
    use_request_id_for_trace_sampling: false
tracing:
  client_sampling: {value: 2}
  random_sampling: {value: 0.5}
  overall_sampling: {value: 99.99}
  verbose: true
  max_path_tag_length: 7
  spawn_upstream_span: true
  no_context_propagation: true
  operation: "%REQ(:METHOD)%"
  upstream_operation: up
  custom_tags:
  - {tag: b, literal: {value: x}}
  - {tag: a, value: "%PROTOCOL%"}
  - {tag: b, literal: {value: why}}
  - tag: m
    metadata: {kind: {request: {}}, metadata_key: {key: k, path: [{key: p}]}, default_value: d}
)");
  ASSERT_TRUE(errors_.ok()) << errors_.ToStatus();
  EXPECT_EQ(config->sampling.client.otherwise, (runtime::Fraction{200, 10'000}));
  EXPECT_EQ(config->sampling.random.otherwise, (runtime::Fraction{50, 10'000}));
  EXPECT_EQ(config->sampling.overall.otherwise, (runtime::Fraction{9999, 10'000}));
  EXPECT_TRUE(config->distrusts_ids && config->verbose && config->spawn_upstream_span);
  EXPECT_FALSE(config->request_id.pack_reason || config->request_id.decides_sampling);
  EXPECT_FALSE(config->propagate);
  EXPECT_EQ(config->max_path_bytes, 7u);
  ASSERT_EQ(config->tags.size(), 3u);
  EXPECT_EQ(config->tags[0].format, 0u);
  EXPECT_EQ(config->tags[1].otherwise, "why");
  EXPECT_EQ(config->tags[2].kind, route::CustomTag::Kind::kRequestMetadata);
  EXPECT_EQ(config->tags[2].path, std::vector<std::string>{"p"});
  EXPECT_EQ(config->operation, 1u);
  EXPECT_EQ(config->formats.size(), 3u);
}

TEST_F(TracingConfigTest, WrongFormatsAndTags) {
  Compile(R"(
tracing:
  operation: "%NOPE%"
  custom_tags: [{tag: a, value: "%NOPE%"}, {tag: b, metadata: {kind: {host: {}}}}]
)");
  ASSERT_EQ(errors_.count(), 3u);
  EXPECT_EQ(errors_.list()[0].path, "hcm.tracing.custom_tags[0].value");
  EXPECT_EQ(errors_.list()[1].path, "hcm.tracing.custom_tags[1].metadata.kind");
  EXPECT_EQ(errors_.list()[2].path, "hcm.tracing.operation");
}

TEST_F(TracingConfigTest, Zipkin) {
  const auto provider = CompileTracer(kZipkin, R"(
      collector_cluster: z
      collector_endpoint: /api/v2/spans
      collector_endpoint_version: HTTP_PROTO
      collector_hostname: host
      trace_id_128bit: true
      shared_span_context: false
      trace_context_option: USE_B3_WITH_W3C_PROPAGATION
)");
  ASSERT_TRUE(errors_.ok()) << errors_.ToStatus();
  ASSERT_TRUE(provider->route.http.has_value());
  EXPECT_EQ(provider->route.cluster(), "z");
  EXPECT_EQ(provider->route.http->authority, "host");
  EXPECT_EQ(provider->route.http->path, "/api/v2/spans");
  EXPECT_TRUE(provider->proto && provider->wide_ids && provider->w3c_too);
  EXPECT_FALSE(provider->shared_spans);
}

TEST_F(TracingConfigTest, ZipkinWithoutCollector) {
  EXPECT_EQ(CompileTracer(kZipkin, "      collector_endpoint_version: GRPC\n"), nullptr);
  ASSERT_EQ(errors_.count(), 3u);
  EXPECT_EQ(errors_.list()[0].path, "hcm.tracing.provider.typed_config.collector_endpoint_version");
  EXPECT_EQ(errors_.list()[1].path, "hcm.tracing.provider.typed_config");
  EXPECT_EQ(errors_.list()[2].path, "hcm.tracing.provider.typed_config.collector_endpoint");
}

TEST_F(TracingConfigTest, CollectorService) {
  const auto provider = CompileTracer(kZipkin, R"(
      collector_endpoint_version: HTTP_JSON
      collector_service:
        http_uri: {uri: /api/v2/spans, cluster: z, timeout: 1s}
        request_headers_to_add: [{header: {key: X-Key, value: v}}]
)");
  ASSERT_TRUE(errors_.ok()) << errors_.ToStatus();
  EXPECT_EQ(provider->route.http->authority, "z");
  EXPECT_EQ(provider->route.headers[0].first, "x-key");
  CompileTracer(kZipkin, R"(
      collector_endpoint_version: HTTP_JSON
      collector_service:
        http_uri: {uri: /, cluster: z, timeout: 1s}
        request_headers_to_add: [{header: {key: Host, value: "%REQ(a)%"}}]
)");
  EXPECT_EQ(errors_.count(), 2u);
}

TEST_F(TracingConfigTest, OpenTelemetry) {
  const auto provider = CompileTracer(kOpenTelemetry, R"(
      grpc_service: {envoy_grpc: {cluster_name: c}, timeout: 0.25s}
      service_name: edge
      max_cache_size: 7
      resource_detectors:
      - name: fixed
        typed_config:
          "@type": "type.googleapis.com/envoy.extensions.tracers.opentelemetry.\
            resource_detectors.v3.StaticConfigResourceDetectorConfig"
          attributes: {service.name: other, k: v}
      sampler:
        name: parent
        typed_config:
          "@type": "type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.\
            ParentBasedSamplerConfig"
          wrapped_sampler:
            name: ratio
            typed_config:
              "@type": "type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.\
                TraceIdRatioBasedSamplerConfig"
              sampling_percentage: {numerator: 5, denominator: TEN_THOUSAND}
)");
  ASSERT_TRUE(errors_.ok()) << errors_.ToStatus();
  EXPECT_EQ(provider->route.grpc->options.path,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
  EXPECT_EQ(provider->max_spans, 7u);
  const Attributes wanted = {{"telemetry.sdk.language", "cpp"},
                             {"telemetry.sdk.name", "proxenos"},
                             {"service.name", "other"},
                             {"k", "v"}};
  EXPECT_EQ(provider->speaker.resource, wanted);
  EXPECT_EQ(provider->sampler.kind, Sampler::Kind::kTraceIdRatio);
  EXPECT_TRUE(provider->sampler.parent_based);
}

TEST_F(TracingConfigTest, OpenTelemetryWithoutCollectorTellsNobody) {
  const auto provider = CompileTracer(kOpenTelemetry, "");
  ASSERT_TRUE(errors_.ok()) << errors_.ToStatus();
  EXPECT_FALSE(provider->route.set());
}

TEST(SamplerTest, Samples) {
  TraceContext sampled, unsampled;
  sampled.sampled = true;
  Sampler sampler;
  EXPECT_TRUE(sampler.Samples(0, true, nullptr));
  EXPECT_FALSE(sampler.Samples(0, true, &unsampled));
  EXPECT_TRUE(sampler.Samples(0, false, &sampled));
  sampler.kind = Sampler::Kind::kAlwaysOn;
  EXPECT_TRUE(sampler.Samples(0, true, &unsampled));
  EXPECT_FALSE(sampler.Samples(0, false, &sampled));
  sampler.kind = Sampler::Kind::kTraceIdRatio;
  sampler.ratio = {50, 100};
  EXPECT_TRUE(sampler.Samples(149, true, nullptr));
  EXPECT_FALSE(sampler.Samples(150, true, &sampled));
  sampler.parent_based = true;
  EXPECT_TRUE(sampler.Samples(150, true, &sampled));
}

}  // namespace
}  // namespace proxenos::tracing
