// The command operators of TLS: of the connection with the client, and of that with the host.
#include "source/access_log/operator_row.h"
#include "source/access_log/tls_operator_reads.h"

namespace proxenos::access_log {
namespace {

constexpr Row kTlsRows[] = {
    {"DOWNSTREAM_LOCAL_DNS_SAN", ReadNames<Downstream, kLocal, &Certificate::dns_sans>},
    {"DOWNSTREAM_LOCAL_EMAIL_SAN", ReadNames<Downstream, kLocal, &Certificate::email_sans>},
    {"DOWNSTREAM_LOCAL_IP_SAN", ReadNames<Downstream, kLocal, &Certificate::ip_sans>},
    {"DOWNSTREAM_LOCAL_OTHERNAME_SAN", ReadNames<Downstream, kLocal, &Certificate::other_sans>},
    {"DOWNSTREAM_LOCAL_SUBJECT", ReadCertificate<Downstream, kLocal, &Certificate::subject>},
    {"DOWNSTREAM_LOCAL_URI_SAN", ReadNames<Downstream, kLocal, &Certificate::uri_sans>},
    {"DOWNSTREAM_PEER_CERT", ReadTlsText<Downstream, &tls::SessionInfo::peer_pem_encoded>},
    {"DOWNSTREAM_PEER_CERT_V_END", ReadPeerTime<Downstream, &Certificate::expires_s>, kMayHave,
     ConfigureTime<false>},
    {"DOWNSTREAM_PEER_CERT_V_START", ReadPeerTime<Downstream, &Certificate::valid_from_s>, kMayHave,
     ConfigureTime<false>},
    {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1", ReadPeerChain<&Certificate::sha1_hex>},
    {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", ReadPeerChain<&Certificate::sha256_hex>},
    {"DOWNSTREAM_PEER_CHAIN_SERIALS", ReadPeerChain<&Certificate::serial_hex>},
    {"DOWNSTREAM_PEER_DNS_SAN", ReadNames<Downstream, kPeer, &Certificate::dns_sans>},
    {"DOWNSTREAM_PEER_EMAIL_SAN", ReadNames<Downstream, kPeer, &Certificate::email_sans>},
    {"DOWNSTREAM_PEER_FINGERPRINT_1", ReadCertificate<Downstream, kPeer, &Certificate::sha1_hex>},
    {"DOWNSTREAM_PEER_FINGERPRINT_256",
     ReadCertificate<Downstream, kPeer, &Certificate::sha256_hex>},
    {"DOWNSTREAM_PEER_IP_SAN", ReadNames<Downstream, kPeer, &Certificate::ip_sans>},
    {"DOWNSTREAM_PEER_ISSUER", ReadCertificate<Downstream, kPeer, &Certificate::issuer>},
    {"DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", ReadPeerIssuer<&Certificate::sha256_hex>},
    {"DOWNSTREAM_PEER_ISSUER_SERIAL", ReadPeerIssuer<&Certificate::serial_hex>},
    {"DOWNSTREAM_PEER_OTHERNAME_SAN", ReadNames<Downstream, kPeer, &Certificate::other_sans>},
    {"DOWNSTREAM_PEER_SERIAL", ReadCertificate<Downstream, kPeer, &Certificate::serial_hex>},
    {"DOWNSTREAM_PEER_SUBJECT", ReadCertificate<Downstream, kPeer, &Certificate::subject>},
    {"DOWNSTREAM_PEER_URI_SAN", ReadNames<Downstream, kPeer, &Certificate::uri_sans>},
    {"DOWNSTREAM_TLS_CIPHER", ReadTls<Downstream, &tls::SessionInfo::cipher>},
    {"DOWNSTREAM_TLS_GROUP", ReadTls<Downstream, &tls::SessionInfo::group>},
    {"DOWNSTREAM_TLS_SESSION_ID", ReadTlsText<Downstream, &tls::SessionInfo::session_id_hex>},
    {"DOWNSTREAM_TLS_VERSION", ReadTls<Downstream, &tls::SessionInfo::version>},
    {"UPSTREAM_LOCAL_DNS_SAN", ReadNames<Upstream, kLocal, &Certificate::dns_sans>},
    {"UPSTREAM_LOCAL_IP_SAN", ReadNames<Upstream, kLocal, &Certificate::ip_sans>},
    {"UPSTREAM_LOCAL_URI_SAN", ReadNames<Upstream, kLocal, &Certificate::uri_sans>},
    {"UPSTREAM_PEER_CERT", ReadTlsText<Upstream, &tls::SessionInfo::peer_pem_encoded>},
    {"UPSTREAM_PEER_CERT_V_END", ReadPeerTime<Upstream, &Certificate::expires_s>, kMayHave,
     ConfigureTime<false>},
    {"UPSTREAM_PEER_CERT_V_START", ReadPeerTime<Upstream, &Certificate::valid_from_s>, kMayHave,
     ConfigureTime<false>},
    {"UPSTREAM_PEER_DNS_SAN", ReadNames<Upstream, kPeer, &Certificate::dns_sans>},
    {"UPSTREAM_PEER_IP_SAN", ReadNames<Upstream, kPeer, &Certificate::ip_sans>},
    {"UPSTREAM_PEER_ISSUER", ReadCertificate<Upstream, kPeer, &Certificate::issuer>},
    {"UPSTREAM_PEER_SUBJECT", ReadCertificate<Upstream, kPeer, &Certificate::subject>},
    {"UPSTREAM_PEER_URI_SAN", ReadNames<Upstream, kPeer, &Certificate::uri_sans>},
    {"UPSTREAM_SERVER_NAME", ReadTls<Upstream, &tls::SessionInfo::sni>},
    {"UPSTREAM_TLS_CIPHER", ReadTls<Upstream, &tls::SessionInfo::cipher>},
    {"UPSTREAM_TLS_GROUP", ReadTls<Upstream, &tls::SessionInfo::group>},
    {"UPSTREAM_TLS_SESSION_ID", ReadTlsText<Upstream, &tls::SessionInfo::session_id_hex>},
    {"UPSTREAM_TLS_VERSION", ReadTls<Upstream, &tls::SessionInfo::version>},
};

}  // namespace

absl::Span<const Row> TlsRows() { return kTlsRows; }

}  // namespace proxenos::access_log
