// Handshakes: versions, ALPN, the choice of certificates, client certificates, verification.
#include <string>

#include "gtest/gtest.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::CertificateWish;
using testing::KeyKind;
using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

class HandshakeTest : public ::testing::Test {
 protected:
  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate other_ca_ = MakeCa("other root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
  const TestCertificate rsa_ = MakeLeaf(ca_, "www.example.com", KeyKind::kRsa2048);
  const TestCertificate client_leaf_ = MakeLeaf(ca_, "client.example.com");

  ServerOptions MutualServer() const {
    ServerOptions options = ServerWith(leaf_);
    options.require_client_certificate = true;
    options.common.validation.trusted_ca_pem = ca_.pem();
    return options;
  }
  ClientOptions ClientShowing(const TestCertificate& certificate) const {
    ClientOptions options = ClientTrusting(ca_);
    options.common.identities.push_back(IdentityOf(certificate));
    return options;
  }
};

TEST_F(HandshakeTest, CarriesBytesBothWays) {
  TlsPair pair(Make(ServerWith(leaf_)), Make(ClientTrusting(ca_)), {"www.example.com", {}, ""});
  ASSERT_TRUE(pair.Shake()) << pair.server().transport().failure()
                            << pair.client().transport().failure();
  EXPECT_TRUE(pair.ToServer("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(pair.ToClient("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_EQ(pair.server_stats.handshake.value(), 1u);
  EXPECT_EQ(pair.server_stats.no_certificate.value(), 1u);
  EXPECT_EQ(pair.client_stats.handshake.value(), 1u);
  EXPECT_EQ(pair.client_stats.no_certificate.value(), 0u);
  const SessionInfo& server = pair.server().session();
  EXPECT_EQ(server.version(), "TLSv1.3");
  EXPECT_EQ(server.cipher().substr(0, 4), "TLS_");
  EXPECT_EQ(server.sni(), "www.example.com");
  EXPECT_FALSE(server.peer_presented());
  EXPECT_EQ(server.peer(), nullptr);
  ASSERT_NE(server.local(), nullptr);
  EXPECT_EQ(server.local()->subject, "CN=www.example.com,O=Proxenos Test");
  EXPECT_EQ(server.local()->serial_hex, leaf_.serial_hex());
  EXPECT_EQ(server.local()->pem, leaf_.pem());
  EXPECT_FALSE(server.resumed());
  const SessionInfo& client = pair.client().session();
  EXPECT_TRUE(client.peer_validated());
  ASSERT_NE(client.peer(), nullptr);
  EXPECT_EQ(client.peer()->dns_sans, std::vector<std::string>{"www.example.com"});
  EXPECT_EQ(client.peer_chain_pem(), leaf_.pem());
}

TEST_F(HandshakeTest, TheServerToldInOneSpelling) {
  TlsPair pair(Make(ServerWith(leaf_)), Make(ClientTrusting(ca_)), {"WWW.Example.COM", {}, ""});
  ASSERT_TRUE(pair.Shake());
  EXPECT_EQ(pair.server().session().sni(), "www.example.com");
}

TEST_F(HandshakeTest, NoHandshakeWithoutTheNameThatIsWanted) {
  const std::string longest(255, 'a');
  TlsPair said(Make(ServerWith(leaf_)), Make(ClientTrusting(ca_)), {longest, {}, ""});
  EXPECT_TRUE(said.Shake());
  TlsPair unsaid(Make(ServerWith(leaf_)), Make(ClientTrusting(ca_)), {longest + "a", {}, ""});
  EXPECT_FALSE(unsaid.Shake());
  EXPECT_EQ(unsaid.client().transport().failure(), "a server name that is too long for SNI");
}

TEST_F(HandshakeTest, MeetsAtTheHighestCommonVersion) {
  struct Case {
    Version server_min, server_max, client_min, client_max;
    const char* agreed;
  };
  const Case cases[] = {
      {Version::kTls12, Version::kTls13, Version::kTls12, Version::kTls13, "TLSv1.3"},
      {Version::kTls12, Version::kTls12, Version::kTls12, Version::kTls13, "TLSv1.2"},
      {Version::kTls12, Version::kTls13, Version::kTls12, Version::kTls12, "TLSv1.2"},
      {Version::kTls13, Version::kTls13, Version::kTls12, Version::kTls12, nullptr},
      {Version::kTls12, Version::kTls12, Version::kTls13, Version::kTls13, nullptr},
      {Version::kTls12, Version::kTls13, Version::kTls10, Version::kTls11, nullptr},
      {Version::kTls10, Version::kTls13, Version::kTls10, Version::kTls10, "TLSv1"},
  };
  for (const Case& c : cases) {
    ServerOptions server = ServerWith(leaf_);
    server.common.min_version = c.server_min;
    server.common.max_version = c.server_max;
    ClientOptions client = ClientTrusting(ca_);
    client.common.min_version = c.client_min;
    client.common.max_version = c.client_max;
    // The old versions know no authenticated encryption.
    server.common.cipher_suites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA";
    client.common.cipher_suites = server.common.cipher_suites;
    TlsPair pair(Make(server), Make(client));
    EXPECT_EQ(pair.Shake(), c.agreed != nullptr);
    if (c.agreed != nullptr) {
      EXPECT_EQ(pair.server().session().version(), c.agreed);
      EXPECT_TRUE(pair.ToServer("hello"));
    } else {
      EXPECT_EQ(pair.server_stats.connection_error.value(), 1u);
      EXPECT_NE(pair.server().transport().failure(), "");
    }
  }
}

TEST_F(HandshakeTest, AlpnIsTheServersChoice) {
  ServerOptions server = ServerWith(leaf_);
  server.common.alpn = {"h2", "http/1.1"};
  ClientOptions client = ClientTrusting(ca_);
  client.common.alpn = {"http/1.1", "h2"};
  TlsPair pair(Make(server), Make(client));
  ASSERT_TRUE(pair.Shake());
  EXPECT_EQ(pair.server().transport().protocol(), "h2");
  EXPECT_EQ(pair.client().transport().protocol(), "h2");
  EXPECT_EQ(pair.server().session().alpn(), "h2");

  // Without a common protocol none is chosen, and the connection goes on.
  TlsPair strange(Make(server), Make(client), {"", {"acme"}, ""});
  ASSERT_TRUE(strange.Shake());
  EXPECT_EQ(strange.server().transport().protocol(), "");
}

TEST_F(HandshakeTest, KeyTypeFollowsWhatTheClientCan) {
  ServerOptions options = ServerWith(rsa_);
  options.common.identities.push_back(IdentityOf(leaf_));
  const auto server = Make(options);
  {
    TlsPair pair(server, Make(ClientTrusting(ca_)), {"www.example.com", {}, ""});
    ASSERT_TRUE(pair.Shake());
    EXPECT_EQ(pair.client().session().peer()->serial_hex, leaf_.serial_hex());
    EXPECT_EQ(pair.server().session().local()->serial_hex, leaf_.serial_hex());
  }
  for (const char* name : {"www.example.com", "", "unknown.example.org"}) {
    ClientOptions old = ClientTrusting(ca_);
    old.common.signature_algorithms = {"rsa_pss_rsae_sha256", "rsa_pkcs1_sha256"};
    TlsPair pair(server, Make(old), {name, {}, ""});
    // The test CA's own signature is ECDSA: only the leaf's key is restricted here.
    ASSERT_TRUE(pair.Shake()) << name << pair.client().transport().failure();
    EXPECT_EQ(pair.client().session().peer()->serial_hex, rsa_.serial_hex());
    EXPECT_EQ(pair.server().session().local()->serial_hex, rsa_.serial_hex());
  }
}

TEST_F(HandshakeTest, ServerNameChoosesTheCertificate) {
  const TestCertificate api = MakeLeaf(ca_, "api.example.com");
  const TestCertificate wild = MakeLeaf(ca_, "*.example.com");
  CertificateWish wish;
  wish.common_name = "old.example.org";
  const TestCertificate common_name(wish, &ca_);
  const TestCertificate rsa = MakeLeaf(ca_, "rsa.example.net", KeyKind::kRsa2048);
  ServerOptions options = ServerWith(leaf_);
  for (const TestCertificate* one : {&wild, &api, &common_name, &rsa}) {
    options.common.identities.push_back(IdentityOf(*one));
  }
  const auto server = Make(options);
  struct Case {
    const char* name;
    const TestCertificate* expected;
  };
  for (const Case& c : {Case{"www.example.com", &leaf_}, Case{"API.example.com", &api},
                        Case{"any.example.com", &wild}, Case{"a.b.example.com", &leaf_},
                        Case{"old.example.org", &common_name}, Case{"rsa.example.net", &rsa},
                        Case{"other.example.net", &leaf_}, Case{"", &leaf_}}) {
    TlsPair pair(server, Make(ClientTrusting(ca_)), {c.name, {}, ""});
    ASSERT_TRUE(pair.Shake()) << c.name;
    EXPECT_EQ(pair.client().session().peer()->serial_hex, c.expected->serial_hex()) << c.name;
    EXPECT_EQ(pair.server().session().local()->serial_hex, c.expected->serial_hex()) << c.name;
  }
  // A client that cannot use the default certificate, for a name that none has.
  ClientOptions rsa_only = ClientTrusting(ca_);
  rsa_only.common.signature_algorithms = {"rsa_pss_rsae_sha256"};
  TlsPair refused(server, Make(rsa_only), {"other.example.net", {}, ""});
  EXPECT_FALSE(refused.Shake());
  options.full_scan_certs_on_sni_mismatch = true;
  // A certificate with the name, but with a key of the wrong kind, is as good as none.
  for (const char* name : {"other.example.net", "api.example.com"}) {
    TlsPair scanned(Make(options), Make(rsa_only), {name, {}, ""});
    ASSERT_TRUE(scanned.Shake()) << name;
    EXPECT_EQ(scanned.client().session().peer()->serial_hex, rsa.serial_hex()) << name;
  }
}

// Who names no server gets what fits its algorithms, full_scan_certs_on_sni_mismatch or not.
TEST_F(HandshakeTest, WithoutAServerNameTheKindOfKeyChooses) {
  const TestCertificate rsa = MakeLeaf(ca_, "rsa.example.net", KeyKind::kRsa2048);
  ServerOptions options = ServerWith(rsa);
  options.common.identities.push_back(IdentityOf(leaf_));
  ClientOptions rsa_only = ClientTrusting(ca_);
  rsa_only.common.signature_algorithms = {"rsa_pss_rsae_sha256"};
  TlsPair modern(Make(options), Make(ClientTrusting(ca_)));
  ASSERT_TRUE(modern.Shake());
  EXPECT_EQ(modern.client().session().peer()->serial_hex, leaf_.serial_hex());
  TlsPair old(Make(options), Make(rsa_only));
  ASSERT_TRUE(old.Shake());
  EXPECT_EQ(old.client().session().peer()->serial_hex, rsa.serial_hex());
  // For a name that none has it stays with the first.
  TlsPair named(Make(options), Make(ClientTrusting(ca_)), {"other.example.org", {}, ""});
  ASSERT_TRUE(named.Shake());
  EXPECT_EQ(named.client().session().peer()->serial_hex, rsa.serial_hex());
}

TEST_F(HandshakeTest, RequiredServerName) {
  ServerOptions options = ServerWith(leaf_);
  options.require_sni = true;
  TlsPair without(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_FALSE(without.Shake());
  EXPECT_EQ(without.server_stats.connection_error.value(), 1u);
  TlsPair with(Make(options), Make(ClientTrusting(ca_)), {"x.example.com", {}, ""});
  EXPECT_TRUE(with.Shake());
}

TEST_F(HandshakeTest, ClientCertificateRequired) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerOptions options = MutualServer();
    options.common.max_version = version;
    const auto server = Make(options);
    {
      TlsPair pair(server, Make(ClientShowing(client_leaf_)));
      ASSERT_TRUE(pair.Shake());
      const SessionInfo& session = pair.server().session();
      EXPECT_TRUE(session.peer_presented());
      EXPECT_TRUE(session.peer_validated());
      EXPECT_EQ(session.peer()->serial_hex, client_leaf_.serial_hex());
      EXPECT_EQ(session.peer_chain().size(), 1u);
      EXPECT_EQ(pair.server_stats.no_certificate.value(), 0u);
      EXPECT_TRUE(pair.ToServer("hello"));
    }
    {
      TlsPair pair(server, Make(ClientTrusting(ca_)));
      EXPECT_FALSE(pair.Shake());
      EXPECT_EQ(pair.server_result, Handshake::kFailed);
      EXPECT_EQ(pair.server_stats.fail_verify_no_cert.value(), 1u);
      EXPECT_EQ(pair.server_stats.connection_error.value(), 0u);
    }
    {
      const TestCertificate stranger = MakeLeaf(other_ca_, "client.example.com");
      TlsPair pair(server, Make(ClientShowing(stranger)));
      EXPECT_FALSE(pair.Shake());
      EXPECT_EQ(pair.server_stats.fail_verify_error.value(), 1u);
      EXPECT_EQ(pair.server_stats.connection_error.value(), 0u);
      EXPECT_NE(pair.server().transport().failure().find("unable to get local issuer"),
                absl::string_view::npos)
          << pair.server().transport().failure();
    }
  }
}

TEST_F(HandshakeTest, ClientCertificateAskedForButNotRequired) {
  ServerOptions options = MutualServer();
  options.require_client_certificate = false;
  TlsPair without(Make(options), Make(ClientTrusting(ca_)));
  ASSERT_TRUE(without.Shake());
  EXPECT_FALSE(without.server().session().peer_presented());
  EXPECT_FALSE(without.server().session().peer_validated());
  TlsPair with(Make(options), Make(ClientShowing(client_leaf_)));
  ASSERT_TRUE(with.Shake());
  EXPECT_TRUE(with.server().session().peer_validated());
}

TEST_F(HandshakeTest, UntrustedCertificateAccepted) {
  ServerOptions options = MutualServer();
  options.common.validation.accept_untrusted = true;
  const auto server = Make(options);
  const TestCertificate stranger = MakeLeaf(other_ca_, "client.example.com");
  TlsPair pair(server, Make(ClientShowing(stranger)));
  ASSERT_TRUE(pair.Shake());
  EXPECT_TRUE(pair.server().session().peer_presented());
  EXPECT_FALSE(pair.server().session().peer_validated());
  EXPECT_EQ(pair.server_stats.fail_verify_error.value(), 1u);
  TlsPair trusted(server, Make(ClientShowing(client_leaf_)));
  ASSERT_TRUE(trusted.Shake());
  EXPECT_TRUE(trusted.server().session().peer_validated());
}

TEST_F(HandshakeTest, UntrustedCertificateIsAskedForWithNothingToHoldAgainstIt) {
  ServerOptions options = ServerWith(leaf_);
  options.common.validation.accept_untrusted = true;
  TlsPair pair(Make(options), Make(ClientShowing(client_leaf_)));
  ASSERT_TRUE(pair.Shake());
  EXPECT_TRUE(pair.server().session().peer_presented());
  EXPECT_FALSE(pair.server().session().peer_validated());
  // Without any of it, a client is not asked.
  TlsPair plain(Make(ServerWith(leaf_)), Make(ClientShowing(client_leaf_)));
  ASSERT_TRUE(plain.Shake());
  EXPECT_FALSE(plain.server().session().peer_presented());
}

TEST_F(HandshakeTest, RequiredCertificateWithoutValidation) {
  ServerOptions options = ServerWith(leaf_);
  options.require_client_certificate = true;
  TlsPair with(Make(options), Make(ClientShowing(client_leaf_)));
  ASSERT_TRUE(with.Shake());
  EXPECT_FALSE(with.server().session().peer_validated());
  TlsPair without(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_FALSE(without.Shake());
  EXPECT_EQ(without.server_stats.fail_verify_no_cert.value(), 1u);
}

TEST_F(HandshakeTest, ExpiredCertificate) {
  CertificateWish wish;
  wish.dns = {"client.example.com"};
  wish.valid_from = -1000;
  wish.valid_until = -10;
  const TestCertificate expired(wish, &ca_);
  TlsPair refused(Make(MutualServer()), Make(ClientShowing(expired)));
  EXPECT_FALSE(refused.Shake());
  EXPECT_EQ(refused.server_stats.fail_verify_error.value(), 1u);
  ServerOptions options = MutualServer();
  options.common.validation.allow_expired = true;
  TlsPair allowed(Make(options), Make(ClientShowing(expired)));
  EXPECT_TRUE(allowed.Shake());
}

TEST_F(HandshakeTest, RevokedCertificate) {
  const TestCertificate revoked = MakeLeaf(ca_, "client.example.com");
  ServerOptions options = MutualServer();
  options.common.validation.crl_pem = ca_.crl_pem({&revoked});
  const auto server = Make(options);
  TlsPair refused(server, Make(ClientShowing(revoked)));
  EXPECT_FALSE(refused.Shake());
  EXPECT_NE(refused.server().transport().failure().find("certificate revoked"),
            absl::string_view::npos)
      << refused.server().transport().failure();
  TlsPair accepted(server, Make(ClientShowing(client_leaf_)));
  EXPECT_TRUE(accepted.Shake());
  // The same list beside the authority.
  options.common.validation.trusted_ca_pem += options.common.validation.crl_pem;
  options.common.validation.crl_pem.clear();
  TlsPair beside(Make(options), Make(ClientShowing(revoked)));
  EXPECT_FALSE(beside.Shake());
  TlsPair good(Make(options), Make(ClientShowing(client_leaf_)));
  EXPECT_TRUE(good.Shake());
}

TEST_F(HandshakeTest, ChainThroughAnIntermediate) {
  CertificateWish wish;
  wish.common_name = "intermediate";
  wish.is_ca = true;
  const TestCertificate intermediate(wish, &ca_);
  const TestCertificate leaf = MakeLeaf(intermediate, "deep.example.com");
  ServerOptions options = ServerWith(leaf);
  TlsPair broken(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_FALSE(broken.Shake());
  options.common.identities[0].chain_pem += intermediate.pem();
  TlsPair whole(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_TRUE(whole.Shake());
  EXPECT_EQ(whole.client().session().peer_chain().size(), 2u);
  // Two authorities stand behind the leaf, the trusted one among them.
  for (const uint32_t depth : {0u, 1u, 2u}) {
    ClientOptions limited = ClientTrusting(ca_);
    limited.common.validation.max_verify_depth = depth;
    TlsPair pair(Make(options), Make(limited));
    EXPECT_EQ(pair.Shake(), depth == 2) << depth;
  }
  // The intermediate alone is an anchor.
  TlsPair partial(Make(ServerWith(leaf)), Make(ClientTrusting(intermediate)));
  EXPECT_TRUE(partial.Shake());
}

TEST_F(HandshakeTest, Pins) {
  struct Case {
    bool spki_matches, certificate_matches, accepted;
  };
  for (const Case& c : {Case{true, false, true}, Case{false, true, true}, Case{false, false, false},
                        Case{true, true, true}}) {
    ServerOptions options = MutualServer();
    options.common.validation.trusted_ca_pem.clear();
    options.common.validation.spki_pins = {c.spki_matches ? client_leaf_.spki_sha256()
                                                          : leaf_.spki_sha256()};
    options.common.validation.certificate_pins = {c.certificate_matches ? client_leaf_.sha256()
                                                                        : leaf_.sha256()};
    TlsPair pair(Make(options), Make(ClientShowing(client_leaf_)));
    EXPECT_EQ(pair.Shake(), c.accepted);
    EXPECT_EQ(pair.server_stats.fail_verify_cert_hash.value(), c.accepted ? 0u : 1u);
    if (c.accepted) {
      EXPECT_TRUE(pair.server().session().peer_validated());
    }
  }
}

TEST_F(HandshakeTest, NamesAndPinsWantACertificate) {
  for (const bool by_name : {true, false}) {
    for (const bool untrusted : {false, true}) {
      ServerOptions options = MutualServer();
      options.require_client_certificate = false;
      Validation& validation = options.common.validation;
      validation.accept_untrusted = untrusted;
      if (by_name) {
        validation.san_matchers = {SanMatcher{
            SanMatcher::Type::kDns,
            match::StringMatcher(match::StringMatcher::Kind::kExact, "client.example.com", false),
            ""}};
      } else {
        validation.spki_pins = {client_leaf_.spki_sha256()};
      }
      TlsPair pair(Make(options), Make(ClientTrusting(ca_)));
      EXPECT_EQ(pair.Shake(), untrusted) << by_name;
      EXPECT_EQ(pair.server_stats.fail_verify_no_cert.value(), untrusted ? 0u : 1u);
    }
  }
}

TEST_F(HandshakeTest, NamesOfThePeer) {
  ServerOptions options = MutualServer();
  options.common.validation.san_matchers.push_back(SanMatcher{
      SanMatcher::Type::kDns,
      match::StringMatcher(match::StringMatcher::Kind::kExact, "other.example.com", false), ""});
  TlsPair refused(Make(options), Make(ClientShowing(client_leaf_)));
  EXPECT_FALSE(refused.Shake());
  EXPECT_EQ(refused.server_stats.fail_verify_san.value(), 1u);
  options.common.validation.san_matchers.push_back(
      SanMatcher{SanMatcher::Type::kDns,
                 match::StringMatcher(match::StringMatcher::Kind::kPrefix, "client.", false), ""});
  TlsPair accepted(Make(options), Make(ClientShowing(client_leaf_)));
  EXPECT_TRUE(accepted.Shake());
}

TEST_F(HandshakeTest, ClientChecksTheServer) {
  const auto server = Make(ServerWith(leaf_));
  TlsPair wrong_ca(server, Make(ClientTrusting(other_ca_)));
  EXPECT_FALSE(wrong_ca.Shake());
  EXPECT_EQ(wrong_ca.client_stats.fail_verify_error.value(), 1u);
  TlsPair wrong_name(server, Make(ClientTrusting(ca_)), {"www.example.com", {}, "api.example.com"});
  EXPECT_FALSE(wrong_name.Shake());
  EXPECT_EQ(wrong_name.client_stats.fail_verify_san.value(), 1u);
  TlsPair right_name(server, Make(ClientTrusting(ca_)), {"www.example.com", {}, "www.example.com"});
  EXPECT_TRUE(right_name.Shake());
  TlsPair any_name(server, Make(ClientTrusting(ca_)), {"elsewhere.example.com", {}, ""});
  EXPECT_TRUE(any_name.Shake());
  ClientOptions by_sni = ClientTrusting(ca_);
  by_sni.auto_sni_san_validation = true;
  TlsPair sni_checked(server, Make(by_sni), {"elsewhere.example.com", {}, ""});
  EXPECT_FALSE(sni_checked.Shake());
  // It goes before the names of the configuration, and with those of the connection.
  by_sni.common.validation.san_matchers = {SanMatcher{
      SanMatcher::Type::kDns,
      match::StringMatcher(match::StringMatcher::Kind::kExact, "other.example.com", false), ""}};
  TlsPair by_sni_alone(server, Make(by_sni), {"www.example.com", {}, ""});
  EXPECT_TRUE(by_sni_alone.Shake());
  TlsPair without_sni(server, Make(by_sni), {"", {}, ""});
  EXPECT_FALSE(without_sni.Shake());
  TlsPair by_both(server, Make(by_sni), {"www.example.com", {}, "api.example.com"});
  EXPECT_FALSE(by_both.Shake());
  TlsPair other_sni(server, Make(by_sni), {"elsewhere.example.com", {}, "www.example.com"});
  EXPECT_FALSE(other_sni.Shake());
  ClientOptions trusting;
  trusting.common.name = "nobody";
  TlsPair unverified(server, Make(trusting));
  ASSERT_TRUE(unverified.Shake());
  EXPECT_FALSE(unverified.client().session().peer_validated());
}

TEST_F(HandshakeTest, GroupsAndCiphers) {
  ServerOptions options = ServerWith(leaf_);
  options.common.groups = {"P-384"};
  TlsPair no_group(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_FALSE(no_group.Shake());
  options.common.groups = {"P-256"};  // A second ClientHello: the client guessed another group.
  TlsPair retried(Make(options), Make(ClientTrusting(ca_)));
  EXPECT_TRUE(retried.Shake());
  options.common.max_version = Version::kTls12;
  options.common.cipher_suites = "ECDHE-ECDSA-CHACHA20-POLY1305";
  TlsPair chosen(Make(options), Make(ClientTrusting(ca_)));
  ASSERT_TRUE(chosen.Shake());
  EXPECT_EQ(chosen.server().session().cipher(), "ECDHE-ECDSA-CHACHA20-POLY1305");
}

// Whatever else is configured: the policy goes before it.
TEST_F(HandshakeTest, CompliancePolicies) {
  struct Case {
    Compliance policy;
    const TestCertificate* certificate;
    const char* cipher;  // Null: the two do not meet.
    const char* group;
  };
  const Case cases[] = {
      {Compliance::kFips202205, &leaf_, "TLS_AES_128_GCM_SHA256", "P-256"},
      {Compliance::kFips202205, &rsa_, "TLS_AES_128_GCM_SHA256", "P-256"},
      {Compliance::kCnsa1, &rsa_, "TLS_AES_256_GCM_SHA384", "P-384"},
      {Compliance::kCnsa1, &leaf_, nullptr, nullptr},  // It cannot sign with P-384.
      {Compliance::kCnsa2, &rsa_, nullptr, nullptr},   // The client knows no ML-KEM-1024.
  };
  for (const Case& c : cases) {
    ServerOptions server = ServerWith(*c.certificate);
    server.common.compliance = c.policy;
    server.common.groups = {"X25519"};
    server.common.signature_algorithms = {"ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"};
    ClientOptions client = ClientTrusting(ca_);
    client.common.groups = {"X25519", "P-256", "P-384"};
    if (c.policy != Compliance::kFips202205) client.common.groups = {"X25519", "P-384"};
    TlsPair pair(Make(server), Make(client));
    ASSERT_EQ(pair.Shake(), c.cipher != nullptr) << pair.server().transport().failure();
    if (c.cipher == nullptr) continue;
    EXPECT_EQ(pair.server().session().cipher(), c.cipher);
    EXPECT_EQ(pair.server().session().group(), c.group);
  }
}

TEST_F(HandshakeTest, CompliancePolicyOfAClient) {
  ClientOptions client = ClientTrusting(ca_);
  client.common.compliance = Compliance::kCnsa2;
  ServerOptions server = ServerWith(rsa_);
  TlsPair strange(Make(server), Make(client));
  EXPECT_FALSE(strange.Shake());
  server.common.compliance = Compliance::kCnsa2;
  TlsPair pair(Make(server), Make(client));
  ASSERT_TRUE(pair.Shake()) << pair.server().transport().failure();
  EXPECT_EQ(pair.server().session().cipher(), "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(pair.server().session().version(), "TLSv1.3");
}

TEST_F(HandshakeTest, EveryKindOfKey) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kRsa2048}) {
    const TestCertificate leaf = MakeLeaf(ca_, "www.example.com", kind);
    ClientOptions client = ClientTrusting(ca_);
    client.common.signature_algorithms = {"ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384",
                                          "ecdsa_secp521r1_sha512", "rsa_pss_rsae_sha256"};
    TlsPair pair(Make(ServerWith(leaf)), Make(client));
    EXPECT_TRUE(pair.Shake()) << static_cast<int>(kind);
  }
}

// RFC 9155: neither side signs or believes with SHA-1 unless it is told to.
TEST_F(HandshakeTest, NoSignaturesWithSha1) {
  const std::vector<std::string> weak = {"rsa_pkcs1_sha1"};
  ServerOptions server = ServerWith(rsa_);
  server.common.max_version = Version::kTls12;
  ClientOptions client = ClientTrusting(ca_);
  ServerOptions weak_server = server;
  weak_server.common.signature_algorithms = weak;
  ClientOptions weak_client = client;
  weak_client.common.signature_algorithms = weak;
  EXPECT_FALSE(TlsPair(Make(server), Make(weak_client)).Shake());
  EXPECT_FALSE(TlsPair(Make(weak_server), Make(client)).Shake());
  EXPECT_TRUE(TlsPair(Make(server), Make(client)).Shake());
  EXPECT_TRUE(TlsPair(Make(weak_server), Make(weak_client)).Shake());
}

}  // namespace
}  // namespace proxenos::tls
