// Loading of certificates and keys: every format, and a clear line for every fault.
#include "source/tls/identity.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "openssl/evp.h"
#include "source/tls/key_log.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::CertificateWish;
using testing::KeyKind;
using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

class IdentityTest : public ::testing::Test {
 protected:
  static std::string Fault(const Identity& identity) {
    const auto loaded = LoadIdentity(identity);
    return loaded.ok() ? "none" : std::string(loaded.status().message());
  }
  static std::string ServerFault(const ServerOptions& options) {
    const auto made = ServerContext::Make(options);
    return made.ok() ? "none" : std::string(made.status().message());
  }
  static std::string ClientFault(const ClientOptions& options) {
    const auto made = ClientContext::Make(options);
    return made.ok() ? "none" : std::string(made.status().message());
  }

  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
  const TestCertificate rsa_ = MakeLeaf(ca_, "rsa.example.com", KeyKind::kRsa2048);
};

TEST_F(IdentityTest, KeysOfEveryFormat) {
  for (const TestCertificate* certificate : {&leaf_, &rsa_}) {
    Identity identity = IdentityOf(*certificate);
    EXPECT_EQ(Fault(identity), "none");
    identity.key_pem = certificate->traditional_key_pem();
    EXPECT_EQ(Fault(identity), "none");
    identity.key_pem = certificate->encrypted_key_pem("secret");
    EXPECT_EQ(Fault(identity), "private key <inline>: is encrypted, and no password was given");
    identity.password = "secret";
    EXPECT_EQ(Fault(identity), "none");
    identity.password = "wrong";
    EXPECT_EQ(
        Fault(identity).find("private key <inline>: cannot be read, or the password is wrong"), 0u);
  }
  for (const KeyKind kind : {KeyKind::kP384, KeyKind::kP521, KeyKind::kEd25519}) {
    EXPECT_EQ(Fault(IdentityOf(MakeLeaf(ca_, "x.example.com", kind))), "none");
  }
}

TEST_F(IdentityTest, Pkcs12Bundles) {
  Identity identity;
  identity.origin = "bundle.p12";
  identity.pkcs12 = leaf_.pkcs12("secret", {&ca_});
  identity.password = "secret";
  const auto loaded = LoadIdentity(identity);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->chain.size(), 2u);
  EXPECT_EQ(BytesOf(*loaded->chain[0]), leaf_.der());
  EXPECT_EQ(BytesOf(*loaded->chain[1]), ca_.der());
  identity.password = "wrong";
  EXPECT_EQ(Fault(identity), "PKCS#12 bundle.p12: the password is wrong");
  identity.pkcs12 = "nonsense";
  EXPECT_EQ(Fault(identity).find("PKCS#12 bundle.p12: cannot be read"), 0u);
  identity.pkcs12 = leaf_.pkcs12("");
  identity.password.clear();
  EXPECT_EQ(Fault(identity), "none");
}

TEST_F(IdentityTest, FaultsOfCertificates) {
  Identity identity = IdentityOf(leaf_);
  identity.chain_pem = "";
  EXPECT_EQ(Fault(identity), "certificate chain <inline>: is empty");
  identity.chain_pem = "hello";
  EXPECT_EQ(Fault(identity), "certificate chain <inline>: not PEM");
  identity.chain_pem =
      leaf_.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(Fault(identity).find("certificate chain <inline>: certificate 2 cannot be read"), 0u);
  identity.chain_pem = leaf_.pem().substr(0, 200);
  EXPECT_EQ(Fault(identity).find("certificate chain <inline>: certificate 1 cannot be read"), 0u);
  identity.chain_pem.clear();
  for (int i = 0; i < 33; ++i) identity.chain_pem += leaf_.pem();
  EXPECT_EQ(Fault(identity), "certificate chain <inline>: has 33 certificates, more than 32");
}

TEST_F(IdentityTest, FaultsOfKeys) {
  Identity identity = IdentityOf(leaf_);
  identity.key_pem = "";
  EXPECT_EQ(Fault(identity), "private key <inline>: is empty");
  identity.key_pem = leaf_.pem();
  EXPECT_EQ(Fault(identity), "private key <inline>: not PEM");
  identity.key_pem = rsa_.key_pem();
  EXPECT_EQ(Fault(identity), "private key <inline>: does not match the certificate");
  EXPECT_EQ(Fault(IdentityOf(MakeLeaf(ca_, "weak.example.com", KeyKind::kRsa1024))),
            "private key <inline>: the RSA key has 1024 bits, at least 2048 are needed");
}

TEST_F(IdentityTest, FaultsOfContexts) {
  ServerOptions server = ServerWith(leaf_);
  server.common.cipher_suites = "ECDHE-ECDSA-AES128-GCM-SHA256:NO-SUCH-SUITE";
  EXPECT_NE(ServerFault(server).find("unknown: NO-SUCH-SUITE"), std::string::npos)
      << ServerFault(server);
  server = ServerWith(leaf_);
  server.common.groups = {"X25519", "P-9000"};
  EXPECT_EQ(ServerFault(server), "key exchange group P-9000: unknown");
  server = ServerWith(leaf_);
  server.common.signature_algorithms = {"rot13"};
  EXPECT_EQ(ServerFault(server), "signature algorithm rot13: unknown");
  server = ServerWith(leaf_);
  server.common.min_version = Version::kTls13;
  server.common.max_version = Version::kTls12;
  EXPECT_EQ(ServerFault(server), "the lowest TLS version is above the highest");
  server = ServerWith(leaf_);
  server.common.validation.trusted_ca_pem = "hello";
  server.common.validation.origin = "ca.pem";
  EXPECT_EQ(ServerFault(server), "trusted CA ca.pem: not PEM");
  server.common.validation.trusted_ca_pem = ca_.pem();
  server.common.validation.crl_pem = "hello";
  EXPECT_EQ(ServerFault(server), "CRL ca.pem: not PEM");
  server = ServerWith(leaf_);
  server.common.alpn = {std::string(256, 'x')};
  EXPECT_EQ(ServerFault(server), "an ALPN protocol has 1 to 255 bytes");
  server = ServerWith(leaf_);
  server.common.key_log.path = "/nonexistent/folder/keys";
  EXPECT_EQ(ServerFault(server).find("key log /nonexistent/folder/keys: cannot be opened"), 0u);
  EXPECT_EQ(ServerFault(ServerOptions()), "a server needs a certificate");
  ClientOptions client = ClientTrusting(ca_);
  client.allow_renegotiation = true;
  EXPECT_EQ(ClientFault(client), "TLS renegotiation is never allowed");
}

TEST_F(IdentityTest, SystemRootsAreReadWhenTheContextIsMade) {
  ClientOptions options;
  options.common.name = "public";
  options.common.validation.system_roots = true;
  const auto context = ClientContext::Make(options);
  // A machine may have none; then that is said.
  if (!context.ok()) {
    EXPECT_EQ(context.status().message(),
              "the system's trusted roots are not where they are known");
    return;
  }
  EXPECT_GT((*context)->ca_certificates().size(), 10u);
  TlsPair refused(Make(ServerWith(leaf_)), *context);
  EXPECT_FALSE(refused.Shake());
  EXPECT_EQ(refused.client_stats.fail_verify_error.value(), 1u);
}

TEST_F(IdentityTest, FaultsOfStaples) {
  ServerOptions server = ServerWith(leaf_);
  server.common.identities[0].ocsp_staple = rsa_.ocsp(-60, 3600);
  EXPECT_EQ(ServerFault(server),
            "certificate <inline>: OCSP response: it does not match its TLS certificate");
  server.common.identities[0].ocsp_staple = "hello";
  EXPECT_EQ(ServerFault(server), "certificate <inline>: OCSP response: not DER of an OCSPResponse");
  CertificateWish wish;
  wish.dns = {"www.example.com"};
  wish.must_staple = true;
  const TestCertificate promising(wish, &ca_);
  EXPECT_EQ(ServerFault(ServerWith(promising)),
            "certificate <inline>: it promises an OCSP staple, and none is given");
}

TEST_F(IdentityTest, DetailsAreShown) {
  CertificateWish wish;
  wish.common_name = "many";
  wish.dns = {"a.example.com", "b.example.com"};
  wish.uris = {"spiffe://cluster/ns/x"};
  wish.ips = {"192.0.2.7", "2001:db8::7"};
  const TestCertificate many(wish, &ca_);
  ServerOptions options = ServerWith(many);
  options.common.identities[0].ocsp_staple = many.ocsp(-60, 3600);
  options.common.validation.trusted_ca_pem = ca_.pem();
  options.common.validation.origin = "ca.pem";
  const auto context = Make(options);
  ASSERT_EQ(context->certificates().size(), 1u);
  const CertificateDetails& details = context->certificates()[0];
  EXPECT_EQ(details.path, "<inline>");
  EXPECT_EQ(details.serial_number, many.serial_hex());
  EXPECT_EQ(details.dns_sans, wish.dns);
  EXPECT_EQ(details.uri_sans, wish.uris);
  EXPECT_EQ(details.ip_sans, wish.ips);
  EXPECT_EQ(details.expires_s - details.valid_from_s, wish.valid_until - wish.valid_from);
  ASSERT_TRUE(details.ocsp_expires_s.has_value());
  EXPECT_EQ(*details.ocsp_expires_s - *details.ocsp_from_s, 3660);
  ASSERT_EQ(context->ca_certificates().size(), 1u);
  EXPECT_EQ(context->ca_certificates()[0].path, "ca.pem");
}

TEST_F(IdentityTest, KeyLogTellsTheSecrets) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/keys.log";
  ServerOptions options = ServerWith(leaf_);
  options.common.key_log.path = path;
  TlsPair pair(Make(options), Make(ClientTrusting(ca_)));
  ASSERT_TRUE(pair.Shake());
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_NE(text.str().find("CLIENT_TRAFFIC_SECRET_0 "), std::string::npos);
  EXPECT_NE(text.str().find("SERVER_HANDSHAKE_TRAFFIC_SECRET "), std::string::npos);
}

TEST_F(IdentityTest, KeyLogOfSomeAddressesOnly) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
  const auto wants = [client](KeyLogOptions options) {
    options.path = "/dev/null";
    return (*KeyLog::Open(options))->Wants(client);
  };
  EXPECT_TRUE(wants({}));
  EXPECT_TRUE(wants({"", {{"10.0.0.0", 8}, {"127.0.0.0", 8}}, {}}));
  EXPECT_TRUE(wants({"", {{"127.0.0.0", 8}}, {{"127.0.0.1", 32}}}));
  EXPECT_FALSE(wants({"", {{"127.0.0.0", 8}}, {{"10.0.0.0", 8}}}));
  EXPECT_FALSE(wants({"", {{"::", 0}}, {}}));
  close(client);
  close(listener);
  EXPECT_FALSE(KeyLog::Open({"/dev/null", {{"somewhere", 8}}, {}}).ok());
  EXPECT_FALSE(KeyLog::Open({"/dev/null", {}, {{"10.0.0.0", 33}}}).ok());
}

}  // namespace
}  // namespace proxenos::tls
