// What a cluster's configuration makes of a request's needs.
#include "source/upstream/connection_kind.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/tls/tls_transport.h"

namespace proxenos::upstream {

ConnectionKind::ConnectionKind(const ClusterConfig& config, const ConnectionNeeds& needs)
    : raw(needs.raw), priority(needs.priority) {
  if (config.protocol == HttpProtocol::kDownstream) http2 = needs.http2;
  if (config.auto_sni) sni = std::string(needs.sni);
  if (config.auto_san_validation) san = std::string(needs.san);
  if (config.pool_per_client) client = needs.client;
  if (!config.SendsProxyHeader()) return;
  if (needs.source != nullptr) source = *needs.source;
  if (needs.destination != nullptr) destination = *needs.destination;
  if (needs.tlvs != nullptr && config.PassesProxyTlvs()) tlvs = *needs.tlvs;
}

std::string ConnectionKind::Key() const {
  // No NUL is in any of them.
  constexpr absl::string_view kNul("\0", 1);
  std::string key = absl::StrCat(raw     ? "raw"
                                 : http2 ? "2"
                                         : "1",
                                 priority == RoutingPriority::kHigh ? "h" : "", kNul, sni, kNul,
                                 san, kNul, source.ToString(), kNul, destination.ToString());
  if (client != 0) absl::StrAppend(&key, kNul, "client:", client);
  for (const net::ProxyTlv& tlv : tlvs) {
    absl::StrAppend(&key, kNul, tlv.type, ":", tlv.value.size(), ":", tlv.value);
  }
  return key;
}

HttpProtocol ProtocolOf(const ClusterConfig& config, const ConnectionKind& kind) {
  if (config.protocol != HttpProtocol::kDownstream) return config.protocol;
  return kind.http2 ? HttpProtocol::kHttp2 : HttpProtocol::kHttp1;
}

std::unique_ptr<net::Transport> MakeTlsTransport(base::Held<tls::ClientContext> context,
                                                 const ClusterConfig& config,
                                                 const ConnectionKind& kind, const Host& host,
                                                 stats::TlsStats& stats) {
  const tls::ClientOptions& options = (*context)->options();
  tls::ClientTarget target;
  target.sni = options.sni;
  if (options.auto_host_sni && !host.hostname().empty()) target.sni = host.hostname();
  if (!kind.sni.empty()) target.sni = kind.sni;
  target.verify_san = kind.san;
  if (!config.alpn->empty()) {
    target.alpn = *config.alpn;
  } else if (options.common.alpn.empty() && !kind.raw) {
    switch (ProtocolOf(config, kind)) {
      case HttpProtocol::kHttp2:
        target.alpn = {"h2"};
        break;
      case HttpProtocol::kAuto:
        target.alpn = {"h2", "http/1.1"};
        break;
      case HttpProtocol::kHttp1:
      case HttpProtocol::kDownstream:
        target.alpn = {"http/1.1"};
        break;
    }
  }
  return tls::MakeClientTransport(std::move(context), target, stats);
}

}  // namespace proxenos::upstream
