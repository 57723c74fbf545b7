// Command operators of TLS, of both sides. The set of them is that of Envoy 1.40.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/access_log/formatter.h"
#include "test/access_log/stream_fixture.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::access_log {
namespace {

using testing::FakeTlsSession;

class TlsOperatorsTest : public ::testing::Test {
 protected:
  std::string Line(const std::string& format) {
    absl::StatusOr<Formatter> compiled = Formatter::Compile(format);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    std::string out;
    if (compiled.ok()) compiled->Format(fixture_.Input(), out);
    return out;
  }
  static void Fill(const std::string& who, FakeTlsSession& session) {
    session.cipher_text = who + "-cipher";
    session.group_text = who + "-group";
    session.sni_text = who + "-sni";
    session.session_id = who + "1d";
    FakeTlsSession::Certificate& peer = session.peer_certificate;
    peer.subject = "CN=" + who;
    peer.issuer = "CN=ca";
    peer.serial_hex = "05";
    peer.sha1_hex = "a1";
    peer.sha256_hex = "a256";
    peer.pem = "-----BEGIN C-----\na+/=\n";
    peer.uri_sans = {"spiffe://x/" + who, "urn:2"};
    peer.dns_sans = {who + ".example"};
    peer.ip_sans = {"192.0.2.1"};
    peer.email_sans = {"a@" + who};
    peer.other_sans = {"other@" + who};
    peer.valid_from_s = 0;
    peer.expires_s = 86400;
    session.local_certificate = peer;
    session.local_certificate.subject = "CN=local of " + who;
    session.chain = {peer, peer};
    session.chain[1].sha1_hex = "b1";
    session.chain[1].sha256_hex = "b256";
    session.chain[1].serial_hex = "06";
  }

  StreamFixture fixture_;
};

TEST_F(TlsOperatorsTest, WithoutTlsThereAreNone) {
  EXPECT_EQ(Line("%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_PEER_CERT% %DOWNSTREAM_PEER_CHAIN_SERIALS%"),
            "- - -");
  EXPECT_EQ(Line("%UPSTREAM_TLS_VERSION% %UPSTREAM_PEER_SUBJECT% %UPSTREAM_PROTOCOL%"), "- - -");
}

TEST_F(TlsOperatorsTest, Downstream) {
  FakeTlsSession session;
  Fill("client", session);
  fixture_.connection.tls = &session;
  EXPECT_EQ(Line("%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_TLS_GROUP% "
                 "%DOWNSTREAM_TLS_SESSION_ID%"),
            "TLSv1.3 client-cipher client-group client1d");
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER% %DOWNSTREAM_PEER_SERIAL% "
                 "%DOWNSTREAM_PEER_FINGERPRINT_1% %DOWNSTREAM_PEER_FINGERPRINT_256%"),
            "CN=client CN=ca 05 a1 a256");
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_DNS_SAN% %DOWNSTREAM_PEER_IP_SAN% "
                 "%DOWNSTREAM_PEER_EMAIL_SAN% %DOWNSTREAM_PEER_OTHERNAME_SAN%"),
            "spiffe://x/client,urn:2 client.example 192.0.2.1 a@client other@client");
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1% %DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256% "
                 "%DOWNSTREAM_PEER_CHAIN_SERIALS%"),
            "a1,b1 a256,b256 05,06");
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256% %DOWNSTREAM_PEER_ISSUER_SERIAL%"),
            "b256 06");
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_CERT_V_START% %DOWNSTREAM_PEER_CERT_V_END(%Y-%m-%d)%"),
            "1970-01-01T00:00:00.000Z 1970-01-02");
  EXPECT_EQ(Line("%DOWNSTREAM_LOCAL_SUBJECT% %DOWNSTREAM_LOCAL_EMAIL_SAN% "
                 "%DOWNSTREAM_LOCAL_OTHERNAME_SAN% %DOWNSTREAM_LOCAL_URI_SAN%"),
            "CN=local of client a@client other@client spiffe://x/client,urn:2");
}

TEST_F(TlsOperatorsTest, CertificateIsOneWord) {
  FakeTlsSession session;
  Fill("client", session);
  fixture_.connection.tls = &session;
  EXPECT_EQ(Line("%DOWNSTREAM_PEER_CERT%"), "-----BEGIN%20C-----%0Aa%2B%2F%3D%0A");
  session.presented = false;
  FakeTlsSession none;
  none.presented = false;
  fixture_.connection.tls = &none;
  EXPECT_EQ(
      Line("%DOWNSTREAM_PEER_CERT% %DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER_SERIAL%"),
      "- - -");
}

TEST_F(TlsOperatorsTest, Upstream) {
  auto session = std::make_unique<FakeTlsSession>();
  Fill("host", *session);
  fixture_.stream.upstream_tls = base::Rc<tls::SessionInfo>(std::move(session));
  fixture_.stream.upstream_protocol = http::Version::kHttp2;
  EXPECT_EQ(Line("%UPSTREAM_PROTOCOL% %UPSTREAM_TLS_VERSION% %UPSTREAM_TLS_CIPHER% "
                 "%UPSTREAM_TLS_GROUP% %UPSTREAM_TLS_SESSION_ID% %UPSTREAM_SERVER_NAME%"),
            "HTTP/2 TLSv1.3 host-cipher host-group host1d host-sni");
  EXPECT_EQ(Line("%UPSTREAM_PEER_SUBJECT% %UPSTREAM_PEER_ISSUER% %UPSTREAM_PEER_URI_SAN% "
                 "%UPSTREAM_PEER_DNS_SAN% %UPSTREAM_PEER_IP_SAN%"),
            "CN=host CN=ca spiffe://x/host,urn:2 host.example 192.0.2.1");
  EXPECT_EQ(Line("%UPSTREAM_LOCAL_URI_SAN% %UPSTREAM_LOCAL_DNS_SAN% %UPSTREAM_LOCAL_IP_SAN% "
                 "%UPSTREAM_PEER_CERT_V_END(%s)%"),
            "spiffe://x/host,urn:2 host.example 192.0.2.1 86400");
  EXPECT_EQ(Line("%UPSTREAM_PEER_CERT%"), "-----BEGIN%20C-----%0Aa%2B%2F%3D%0A");
}

}  // namespace
}  // namespace proxenos::access_log
