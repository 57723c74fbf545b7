// A cluster, written as anybody else would write it.
#include "source/rpc/google_target_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/http/chars.h"
#include "source/rpc/google_target_uri.h"
#include "source/upstream/cluster_config.h"

namespace proxenos::rpc {
namespace {

namespace v3 = envoy::config::cluster::v3;
namespace tls_v3 = envoy::extensions::transport_sockets::tls::v3;
using GoogleGrpc = envoy::config::core::v3::GrpcService::GoogleGrpc;
using ChannelArg = GoogleGrpc::ChannelArgs::Value;
using Http2Options = envoy::config::core::v3::Http2ProtocolOptions;

constexpr char kTypePrefix[] = "type.googleapis.com/";
constexpr int64_t kMostMessageBytes = 64 << 20;  // Of those received, whatever is configured.

class Compiler {
 public:
  Compiler(const GoogleGrpc& proto, const config::Path& path, config::Errors& errors,
           GrpcService& service)
      : proto_(proto), path_(path), errors_(errors), service_(service) {}

  void Compile();

 private:
  bool ReadTarget();
  void ReadArgs();
  void ReadArg(const std::string& name, const ChannelArg& value, const config::Path& at);
  int64_t Number(const ChannelArg& value, const config::Path& at);
  std::string Text(const ChannelArg& value, const config::Path& at);
  void ReadCallCredentials();
  void AddEndpoints();
  void AddProtocol();
  void AddCredentials();
  void AddTls(const GoogleGrpc::SslCredentials& ssl);

  const GoogleGrpc& proto_;
  const config::Path& path_;
  config::Errors& errors_;
  GrpcService& service_;
  GoogleTarget target_;
  std::string tls_name_;  // That the server's certificate has to be for.
  Http2Options http2_;
  v3::Cluster cluster_;
};

bool Compiler::ReadTarget() {
  absl::StatusOr<GoogleTarget> target = ParseGoogleTarget(proto_.target_uri());
  if (!target.ok()) {
    errors_.Add(path_.Field("target_uri"), std::string(target.status().message()));
    return false;
  }
  target_ = *std::move(target);
  tls_name_ = target_.host();
  service_.options.authority = target_.authority;
  return true;
}

int64_t Compiler::Number(const ChannelArg& value, const config::Path& at) {
  if (value.value_specifier_case() != ChannelArg::kIntValue) {
    errors_.Add(at, "expected int_value");
    return 1;
  }
  return value.int_value();
}

std::string Compiler::Text(const ChannelArg& value, const config::Path& at) {
  const std::string& text = value.string_value();
  bool good = value.value_specifier_case() == ChannelArg::kStringValue && !text.empty();
  for (const char c : text) good &= http::IsTargetChar(c);
  if (!good) errors_.Add(at, "expected string_value, a host");
  return text;
}

void Compiler::ReadArg(const std::string& name, const ChannelArg& value, const config::Path& at) {
  if (name == "grpc.default_authority") {
    service_.options.authority = Text(value, at);
  } else if (name == "grpc.ssl_target_name_override") {
    tls_name_ = Text(value, at);
  } else if (name == "grpc.max_receive_message_length") {
    const int64_t most = Number(value, at);
    service_.options.max_message_bytes =
        static_cast<uint32_t>(most < 0 || most > kMostMessageBytes ? kMostMessageBytes : most);
  } else if (name == "grpc.keepalive_time_ms" || name == "grpc.keepalive_timeout_ms") {
    const int64_t milliseconds = Number(value, at);
    if (milliseconds <= 0 || milliseconds > INT32_MAX) {
      return errors_.Add(at, "expected milliseconds, at least 1");
    }
    auto& keepalive = *http2_.mutable_connection_keepalive();
    auto& to = name == "grpc.keepalive_time_ms" ? *keepalive.mutable_interval()
                                                : *keepalive.mutable_timeout();
    to.set_seconds(milliseconds / 1000);
    to.set_nanos(static_cast<int32_t>(milliseconds % 1000) * 1'000'000);
  } else {
    errors_.Add(at,
                "is not honoured for calls of filters: expected grpc.default_authority, "
                "grpc.ssl_target_name_override, grpc.max_receive_message_length, "
                "grpc.keepalive_time_ms, grpc.keepalive_timeout_ms; or write envoy_grpc");
  }
}

void Compiler::ReadArgs() {
  for (const auto& [name, value] : proto_.channel_args().args()) {
    ReadArg(name, value, path_.Field("channel_args").Field("args").Key(name));
  }
  if (!http2_.has_connection_keepalive()) return;
  auto& keepalive = *http2_.mutable_connection_keepalive();
  // As gRPC has it.
  if (!keepalive.has_timeout()) keepalive.mutable_timeout()->set_seconds(20);
}

void Compiler::ReadCallCredentials() {
  const config::Path at = path_.Field("call_credentials");
  for (int i = 0; i < proto_.call_credentials_size(); ++i) {
    const std::string& token = proto_.call_credentials(i).access_token();
    bool good = !token.empty();
    for (const char c : token) good &= http::IsValueChar(c);
    if (!good) {
      errors_.Add(
          at.Index(i),
          "for calls of filters access_token alone is honoured; or write authorization into "
          "initial_metadata");
    }
    service_.options.metadata.emplace_back("authorization", absl::StrCat("Bearer ", token));
  }
  const bool encrypts = proto_.channel_credentials().has_ssl_credentials();
  const bool local = proto_.channel_credentials().has_local_credentials();
  if (proto_.call_credentials_size() > 0 && !encrypts && !local) {
    errors_.Add(at, "need channel_credentials that encrypt");
  }
}

void Compiler::AddEndpoints() {
  cluster_.set_type(v3::Cluster::STATIC);
  if (target_.kind == GoogleTarget::Kind::kName) {
    // One host of all addresses, of which that is taken which answers: as gRPC's own pick_first.
    cluster_.set_type(v3::Cluster::LOGICAL_DNS);
    cluster_.set_dns_lookup_family(v3::Cluster::ALL);
  }
  auto& locality = *cluster_.mutable_load_assignment()->add_endpoints();
  if (target_.kind == GoogleTarget::Kind::kPath) {
    auto& endpoint = *locality.add_lb_endpoints()->mutable_endpoint();
    endpoint.mutable_address()->mutable_pipe()->set_path(target_.path);
  }
  for (const GoogleTarget::Endpoint& each : target_.endpoints) {
    auto& endpoint = *locality.add_lb_endpoints()->mutable_endpoint();
    auto& address = *endpoint.mutable_address()->mutable_socket_address();
    address.set_address(each.host);
    address.set_port_value(each.port);
  }
}

void Compiler::AddProtocol() {
  envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
  *options.mutable_explicit_http_config()->mutable_http2_protocol_options() = http2_;
  (*cluster_.mutable_typed_extension_protocol_options())
      ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
          .PackFrom(options, kTypePrefix);
}

void Compiler::AddTls(const GoogleGrpc::SslCredentials& ssl) {
  if (ssl.has_private_key() != ssl.has_cert_chain()) {
    errors_.Add(path_.Field("channel_credentials").Field("ssl_credentials"),
                "private_key and cert_chain: both or none must be given");
    return;
  }
  tls_v3::UpstreamTlsContext tls;
  auto& common = *tls.mutable_common_tls_context();
  common.add_alpn_protocols("h2");
  if (ssl.has_private_key()) {
    auto& certificate = *common.add_tls_certificates();
    *certificate.mutable_private_key() = ssl.private_key();
    *certificate.mutable_certificate_chain() = ssl.cert_chain();
  }
  auto& validation = *common.mutable_validation_context();
  if (ssl.has_root_certs()) {
    *validation.mutable_trusted_ca() = ssl.root_certs();
  } else {
    validation.mutable_system_root_certs();
  }
  const absl::StatusOr<GoogleTarget> named = ParseGoogleTarget(absl::StrCat("dns:", tls_name_));
  const bool is_address = named.ok() && named->kind == GoogleTarget::Kind::kAddresses;
  auto& name = *validation.add_match_typed_subject_alt_names();
  name.set_san_type(is_address ? tls_v3::SubjectAltNameMatcher::IP_ADDRESS
                               : tls_v3::SubjectAltNameMatcher::DNS);
  name.mutable_matcher()->set_exact(tls_name_);
  if (!is_address) tls.set_sni(tls_name_);
  auto& socket = *cluster_.mutable_transport_socket();
  socket.set_name("envoy.transport_sockets.tls");
  socket.mutable_typed_config()->PackFrom(tls, kTypePrefix);
}

void Compiler::AddCredentials() {
  const auto& credentials = proto_.channel_credentials();
  const config::Path at = path_.Field("channel_credentials");
  if (credentials.has_ssl_credentials()) AddTls(credentials.ssl_credentials());
  if (credentials.has_google_default()) {
    errors_.Add(at.Field("google_default"),
                "is for subscriptions alone: write ssl_credentials, or envoy_grpc");
  }
  if (credentials.has_local_credentials() && !target_.local()) {
    errors_.Add(at.Field("local_credentials"), "need a target on this machine");
  }
}

void Compiler::Compile() {
  if (!ReadTarget()) return;
  ReadArgs();
  ReadCallCredentials();
  cluster_.set_alt_stat_name(absl::StrCat("google_grpc.", proto_.stat_prefix()));
  // As gRPC waits for a connection.
  cluster_.mutable_connect_timeout()->set_seconds(20);
  AddEndpoints();
  AddProtocol();
  AddCredentials();
  if (!errors_.ok()) return;
  const std::string key = cluster_.SerializeAsString();
  cluster_.set_name("google_grpc");
  if (upstream::CompileCluster(cluster_, errors_, path_) == nullptr) return;
  service_.own =
      OwnTargets::OfProcess().Name(proto_.stat_prefix(), key, [this](const std::string& cluster) {
        cluster_.set_name(cluster);
        cluster_.mutable_load_assignment()->set_cluster_name(cluster);
        return cluster_.SerializeAsString();
      });
  service_.cluster = service_.own->cluster;
}

}  // namespace

void CompileGoogleTarget(const GoogleGrpc& proto, const config::Path& path, config::Errors& errors,
                         GrpcService& service) {
  Compiler(proto, path, errors, service).Compile();
}

}  // namespace proxenos::rpc
