// Peers, certificates, metadata.
#include "source/filter/check_wire.h"

#include "source/base/utf8.h"
#include "source/http/percent.h"
#include "source/tls/session_info.h"

namespace proxenos::filter {
namespace {

using rpc::WireWriter;

// Field numbers of what messages of envoy.service.auth.v3 are made of.
enum PeerField : uint32_t {
  kAddress = 1,
  kService = 2,
  kLabels = 3,
  kPrincipal = 4,
  kCertificate = 5,
};
enum AddressField : uint32_t { kSocketAddress = 1, kPipe = 2 };
enum SocketField : uint32_t { kIp = 2, kPort = 3 };

void WriteAddress(WireWriter& peer, const net::Address& address) {
  peer.Message(kAddress, [&address](WireWriter& out) {
    if (address.family() == net::Address::Family::kUnix) {
      out.Message(kPipe, [&address](WireWriter& pipe) { pipe.Text(1, address.ToString()); });
      return;
    }
    out.Message(kSocketAddress, [&address](WireWriter& socket) {
      socket.Text(kIp, address.IpString());
      socket.Number(kPort, address.port());
    });
  });
}

// Who it is by its certificate: the first URI, else the subject.
absl::string_view PrincipalOf(const tls::SessionInfo::Certificate& certificate) {
  return certificate.uri_sans.empty() ? certificate.subject : certificate.uri_sans[0];
}

// As in x-forwarded-client-cert: whatever is not unreserved in a URI is escaped.
std::string UrlEncoded(absl::string_view text) {
  return http::PercentEncoded(text, http::IsUnreserved);
}

}  // namespace

std::string CheckText(absl::string_view bytes) { return base::AsUtf8(bytes, '!'); }

void WriteCheckSource(WireWriter& attributes, const ConnectionInfo& connection,
                      absl::string_view service, bool with_certificate) {
  attributes.Message(kCheckSource, [&connection, service, with_certificate](WireWriter& peer) {
    WriteAddress(peer, connection.remote());
    if (!service.empty()) peer.Text(kService, CheckText(service));
    const auto* certificate = connection.tls == nullptr ? nullptr : connection.tls->peer();
    if (certificate == nullptr) return;
    peer.Text(kPrincipal, CheckText(PrincipalOf(*certificate)));
    if (with_certificate) peer.Text(kCertificate, UrlEncoded(certificate->pem));
  });
}

void WriteCheckDestination(WireWriter& attributes, const ConnectionInfo& connection,
                           const LocalNode* node, const std::string& labels_key) {
  attributes.Message(kCheckDestination, [&connection, node, &labels_key](WireWriter& peer) {
    WriteAddress(peer, connection.local);
    if (!labels_key.empty() && node != nullptr) {
      const auto found = node->metadata.find(labels_key);
      const json::Object* labels = found == node->metadata.end() ? nullptr : found->second.object();
      for (const auto& [name, value] : labels == nullptr ? json::Object() : *labels) {
        if (value.text() != nullptr) peer.Entry(kLabels, name, *value.text());
      }
    }
    const auto* certificate = connection.tls == nullptr ? nullptr : connection.tls->local();
    if (certificate != nullptr) peer.Text(kPrincipal, CheckText(PrincipalOf(*certificate)));
  });
}

void WriteCheckMetadata(WireWriter& attributes, CheckAttribute field,
                        const std::vector<std::string>& namespaces, const json::Object* spaces) {
  if (namespaces.empty()) return;
  attributes.Message(field, [&namespaces, spaces](WireWriter& metadata) {
    for (const std::string& space : namespaces) {
      const json::Value* values = spaces == nullptr ? nullptr : json::FindPath(*spaces, {space});
      if (values == nullptr || values->object() == nullptr) continue;
      metadata.Message(1, [&space, values](WireWriter& entry) {
        entry.Text(1, space);
        entry.Struct(2, *values->object());
      });
    }
  });
}

void WriteCheckSession(WireWriter& attributes, const ConnectionInfo& connection) {
  if (connection.tls == nullptr) return;
  attributes.Message(kCheckTlsSession, [&connection](WireWriter& session) {
    session.Text(1, CheckText(connection.tls->sni()));
  });
}

}  // namespace proxenos::filter
