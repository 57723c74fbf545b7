// raw_buffer, tls, and a PROXY header before either.
#include "source/upstream/transport_socket_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.pb.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/config/typed_config.h"
#include "source/json/flat_struct_config.h"
#include "source/tls/context_config.h"
#include "source/upstream/proxy_tlv_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
using envoy::config::cluster::v3::Cluster;
using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;

constexpr char kMetadataKey[] = "envoy.transport_socket_match";
constexpr char kRawBuffer[] = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
constexpr char kRawBufferName[] = "envoy.transport_sockets.raw_buffer";
constexpr char kTls[] = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
constexpr char kInternal[] =
    "envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport";
constexpr char kProxyProtocol[] =
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

class SocketCompiler {
 public:
  SocketCompiler(config::Errors& errors, ClusterConfig& to) : errors_(errors), to_(to) {}

  TransportSocket Compile(const core::TransportSocket& proto, const config::Path& path) {
    TransportSocket socket;
    const std::string type = config::TypedConfigType(proto.typed_config());
    if (type == kProxyProtocol) {
      SetProxyHeader(proto, path, socket);
    } else if (type == kInternal) {
      // Without metadata to pass on it adds nothing to what it wraps.
      envoy::extensions::transport_sockets::internal_upstream::v3::InternalUpstreamTransport
          wrapper;
      const config::Path at = path.Field("typed_config");
      if (config::UnpackTypedConfigTo(proto.typed_config(), wrapper, at, errors_)) {
        SetInner(wrapper.transport_socket(), at.Field("transport_socket"), socket);
      }
    } else {
      SetInner(proto, path, socket);
    }
    return socket;
  }

 private:
  // Where nothing but a name is written, one that means TLS must not come to plain text.
  static bool IsPlain(absl::string_view name) { return name.empty() || name == kRawBufferName; }

  void SetInner(const core::TransportSocket& proto, const config::Path& path,
                TransportSocket& socket) {
    const std::string type = config::TypedConfigType(proto.typed_config());
    if (type == kRawBuffer || (type.empty() && IsPlain(proto.name()))) return;
    if (type != kTls) {
      errors_.AddValue(path.Field("typed_config"), type.empty() ? "without a type" : type,
                       absl::StrCat(kRawBuffer, ", ", kTls, " or ", kProxyProtocol));
      return;
    }
    auto compiled = tls::CompileUpstreamTransport(proto, to_.name, path, errors_);
    if (compiled == nullptr) return;
    socket.tls = to_.tls.size();
    to_.tls.push_back(std::move(compiled));
  }

  void SetProxyHeader(const core::TransportSocket& proto, const config::Path& path,
                      TransportSocket& socket) {
    ProxyProtocolUpstreamTransport wrapper;
    const config::Path at = path.Field("typed_config");
    if (!config::UnpackTypedConfigTo(proto.typed_config(), wrapper, at, errors_)) return;
    socket.proxy_header = wrapper.config().version() == core::ProxyProtocolConfig::V2
                              ? ProxyHeader::kV2
                              : ProxyHeader::kV1;
    socket.proxy_tlvs = CompileProxyTlvs(wrapper.config(), errors_, at.Field("config"));
    SetInner(wrapper.transport_socket(), at.Field("transport_socket"), socket);
  }

  config::Errors& errors_;
  ClusterConfig& to_;
};

}  // namespace

void CompileTransportSockets(const Cluster& proto, config::Errors& errors, const config::Path& path,
                             ClusterConfig& to) {
  SocketCompiler compiler(errors, to);
  const size_t before = errors.count();
  if (proto.has_transport_socket()) {
    to.transport_socket =
        compiler.Compile(proto.transport_socket(), path.Field("transport_socket"));
  }
  bool all_tls = to.transport_socket.tls != TransportSocket::kPlaintext;
  for (int i = 0; i < proto.transport_socket_matches_size(); ++i) {
    const auto& each = proto.transport_socket_matches(i);
    const config::Path at = path.Field("transport_socket_matches").Index(i);
    to.transport_matches.push_back(
        {each.name(), json::FlattenStruct(each.match()),
         compiler.Compile(each.transport_socket(), at.Field("transport_socket"))});
    all_tls &= to.transport_matches.back().socket.tls != TransportSocket::kPlaintext;
  }
  if (to.protocol == HttpProtocol::kAuto && !all_tls && errors.count() == before) {
    errors.Add(path.Field("transport_socket"),
               "TLS is required with auto_config: its ALPN chooses the protocol");
  }
}

FlatStruct CompileTransportMatch(const core::Metadata& metadata) {
  const auto found = metadata.filter_metadata().find(kMetadataKey);
  return found == metadata.filter_metadata().end() ? FlatStruct()
                                                   : json::FlattenStruct(found->second);
}

std::shared_ptr<const FlatStruct> CompileLbMetadata(const core::Metadata& metadata) {
  const auto found = metadata.filter_metadata().find("envoy.lb");
  if (found == metadata.filter_metadata().end()) return nullptr;
  return std::make_shared<const FlatStruct>(json::FlattenStruct(found->second));
}

base::Sparse<std::string> KeepMetadata(const core::Metadata& metadata) {
  base::Sparse<std::string> kept;
  if (metadata.filter_metadata().empty()) return kept;
  core::Metadata known;
  *known.mutable_filter_metadata() = metadata.filter_metadata();
  google::protobuf::io::StringOutputStream stream(&kept.Mutable());
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  known.SerializeToCodedStream(&out);
  return kept;
}

}  // namespace proxenos::upstream
