// Which protocol, with which options.
#include "source/upstream/http_protocol_config.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/config/typed_config.h"
#include "source/http1/options_config.h"
#include "source/http2/options_config.h"
#include "source/route/hash_policy_config.h"
#include "source/upstream/duration_config.h"
#include "source/upstream/lending_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
using envoy::config::cluster::v3::Cluster;
using envoy::extensions::upstreams::http::v3::HttpProtocolOptions;

constexpr char kHttpProtocolOptions[] = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
// Envoy's default; a host's SETTINGS cut it.
constexpr uint32_t kMaxConcurrentStreams = 1024;

class ProtocolCompiler {
 public:
  ProtocolCompiler(const Cluster& proto, config::Errors& errors, const config::Path& path,
                   ClusterConfig& to)
      : proto_(proto), errors_(errors), path_(path), to_(to) {}

  void Compile() {
    SetDeprecated();
    const config::Path path = path_.Field("typed_extension_protocol_options");
    for (const auto& [name, any] : proto_.typed_extension_protocol_options()) {
      if (name == kConnectionLending) {
        to_.loans = CompileLending(any, errors_, path.Key(name));
        continue;
      }
      if (name != kHttpProtocolOptions) {
        errors_.Add(path.Key(name), absl::StrCat("expected the key ", kHttpProtocolOptions, " or ",
                                                 kConnectionLending));
        continue;
      }
      HttpProtocolOptions options;
      if (!config::UnpackTypedConfigTo(any, options, path.Key(name), errors_)) continue;
      SetOptions(options, path.Key(name));
    }
    // The limits of heads are the same in both protocols.
    if (to_.http2->options.max_headers != to_.max_response_headers ||
        to_.http2->options.max_head_bytes != to_.max_response_head_bytes) {
      http2::Options& options = to_.http2.Mutable().options;
      options.max_headers = to_.max_response_headers;
      options.max_head_bytes = to_.max_response_head_bytes;
    }
  }

 private:
  void SetDeprecated();
  void SetOptions(const HttpProtocolOptions& options, const config::Path& path);
  void SetHttp1(const core::Http1ProtocolOptions& options, const config::Path& path) {
    to_.response_trailers = options.enable_trailers();
    to_.http1_names = http1::CompileNameStyle(options, errors_, path);
    to_.absolute_form = options.send_fully_qualified_url();
    to_.allow_chunked_length = options.allow_chunked_length();
  }
  void SetHttp2(const core::Http2ProtocolOptions& options, const config::Path& path) {
    http2::Options defaults;
    defaults.max_concurrent_streams = kMaxConcurrentStreams;
    to_.http2 = http2::CompileHttp2Options(options, defaults, errors_, path);
  }
  // Both, for the configurations that leave the choice to somebody else.
  template <typename Choices>
  void SetBoth(const Choices& options, const config::Path& path) {
    SetHttp1(options.http_protocol_options(), path.Field("http_protocol_options"));
    SetHttp2(options.http2_protocol_options(), path.Field("http2_protocol_options"));
    if (options.has_http3_protocol_options()) RefuseHttp3(path);
  }
  void RefuseHttp3(const config::Path& path) {
    errors_.Add(path.Field("http3_protocol_options"), "HTTP/3 is not implemented");
  }
  void SetCommon(const core::HttpProtocolOptions& options, const config::Path& path);
  void SetNames(const core::UpstreamHttpProtocolOptions& options);

  const Cluster& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  ClusterConfig& to_;
};

// HttpProtocolOptions replace all of these.
void ProtocolCompiler::SetDeprecated() {
  if (proto_.has_max_requests_per_connection()) {
    to_.max_requests_per_connection = proto_.max_requests_per_connection().value();
  }
  if (proto_.typed_extension_protocol_options().contains(kHttpProtocolOptions)) return;
  SetHttp1(proto_.http_protocol_options(), path_.Field("http_protocol_options"));
  SetHttp2(proto_.http2_protocol_options(), path_.Field("http2_protocol_options"));
  if (proto_.protocol_selection() == Cluster::USE_DOWNSTREAM_PROTOCOL) {
    to_.protocol = HttpProtocol::kDownstream;
  } else if (proto_.has_http2_protocol_options()) {
    to_.protocol = HttpProtocol::kHttp2;
  }
  SetCommon(proto_.common_http_protocol_options(), path_.Field("common_http_protocol_options"));
  SetNames(proto_.upstream_http_protocol_options());
}

void ProtocolCompiler::SetOptions(const HttpProtocolOptions& options, const config::Path& path) {
  switch (options.upstream_protocol_options_case()) {
    case HttpProtocolOptions::kExplicitHttpConfig: {
      const auto& chosen = options.explicit_http_config();
      const config::Path at = path.Field("explicit_http_config");
      if (chosen.has_http2_protocol_options()) to_.protocol = HttpProtocol::kHttp2;
      SetHttp1(chosen.http_protocol_options(), at.Field("http_protocol_options"));
      SetHttp2(chosen.http2_protocol_options(), at.Field("http2_protocol_options"));
      if (chosen.has_http3_protocol_options()) RefuseHttp3(at);
      break;
    }
    case HttpProtocolOptions::kUseDownstreamProtocolConfig:
      to_.protocol = HttpProtocol::kDownstream;
      SetBoth(options.use_downstream_protocol_config(),
              path.Field("use_downstream_protocol_config"));
      break;
    case HttpProtocolOptions::kAutoConfig:
      to_.protocol = HttpProtocol::kAuto;
      SetBoth(options.auto_config(), path.Field("auto_config"));
      break;
    default:
      errors_.Add(path,
                  "one of explicit_http_config, use_downstream_protocol_config and auto_config is "
                  "required");
  }
  SetCommon(options.common_http_protocol_options(), path.Field("common_http_protocol_options"));
  SetNames(options.upstream_http_protocol_options());
  if (!options.hash_policy().empty()) {
    to_.hash_policies = std::make_shared<const std::vector<route::HashPolicy>>(
        route::CompileHashPolicies(options.hash_policy(), errors_, path.Field("hash_policy")));
  }
}

void ProtocolCompiler::SetCommon(const core::HttpProtocolOptions& options,
                                 const config::Path& path) {
  if (options.has_idle_timeout()) {
    to_.idle_timeout = CompileDuration(options.idle_timeout(), errors_, path.Field("idle_timeout"));
  }
  if (options.has_max_connection_duration_jitter()) {
    to_.connecting.Mutable().duration_jitter_percent =
        options.max_connection_duration_jitter().value();
  }
  if (options.has_max_connection_duration()) {
    to_.max_connection_duration = CompileDuration(options.max_connection_duration(), errors_,
                                                  path.Field("max_connection_duration"));
  }
  if (options.has_max_stream_duration()) {
    to_.max_stream_duration =
        CompileDuration(options.max_stream_duration(), errors_, path.Field("max_stream_duration"));
  }
  if (options.has_max_requests_per_connection()) {
    to_.max_requests_per_connection = options.max_requests_per_connection().value();
  }
  if (options.has_max_headers_count()) {
    to_.max_response_headers = options.max_headers_count().value();
  }
  if (options.has_max_response_headers_kb()) {
    // The field's own rule keeps it at or below 8192.
    const uint32_t kib = std::min(options.max_response_headers_kb().value(), 8192u);
    to_.max_response_head_bytes = kib * 1024;
  }
}

void ProtocolCompiler::SetNames(const core::UpstreamHttpProtocolOptions& options) {
  to_.auto_sni = options.auto_sni();
  to_.auto_san_validation = options.auto_san_validation();
  to_.auto_sni_header = absl::AsciiStrToLower(options.override_auto_sni_header());
}

}  // namespace

void CompileHttpProtocol(const Cluster& proto, config::Errors& errors, const config::Path& path,
                         ClusterConfig& to) {
  ProtocolCompiler(proto, errors, path, to).Compile();
}

}  // namespace proxenos::upstream
