// x-forwarded-client-cert in every mode.
#include "source/downstream/client_cert_header.h"

#include <string>

#include "gtest/gtest.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::downstream {
namespace {

using Mode = HttpConfig::ForwardClientCert;

class ClientCertHeader : public ::testing::Test {
 protected:
  ClientCertHeader() {
    session_.local_certificate.uri_sans = {"spiffe://mesh/proxy"};
    session_.peer_certificate.sha256_hex = "ab12";
    session_.peer_certificate.subject = "CN=client,O=test";
    session_.peer_certificate.pem = "-----BEGIN C-----\na+/=\n";
    session_.peer_certificate.uri_sans = {"spiffe://mesh/client"};
    session_.peer_certificate.dns_sans = {"client.example", "other.example"};
  }
  // The header after a request with `before` (none when empty) has passed; "-": there is none.
  std::string Mutate(Mode mode, const std::string& before, bool tls = true) {
    config_.forward_client_cert = mode;
    http::HeaderMap headers(arena_);
    if (!before.empty()) headers.Add(http::HeaderId::kXForwardedClientCert, before);
    MutateClientCertHeader(config_, tls ? &session_ : nullptr, headers);
    if (!headers.Has(http::HeaderId::kXForwardedClientCert)) return "-";
    return std::string(headers.Get(http::HeaderId::kXForwardedClientCert));
  }

  buffer::Arena arena_;
  HttpConfig config_;
  testing::FakeTlsSession session_;
};

TEST_F(ClientCertHeader, SanitizeRemoves) {
  EXPECT_EQ(Mutate(Mode::kSanitize, "Hash=1"), "-");
  EXPECT_EQ(Mutate(Mode::kSanitize, "Hash=1", false), "-");
}

TEST_F(ClientCertHeader, OnlyAlwaysForwardTrustsAClientWithoutCertificate) {
  for (const bool tls : {true, false}) {
    session_.presented = false;
    EXPECT_EQ(Mutate(Mode::kForwardOnly, "Hash=1", tls), "-");
    EXPECT_EQ(Mutate(Mode::kAppendForward, "Hash=1", tls), "-");
    EXPECT_EQ(Mutate(Mode::kSanitizeSet, "Hash=1", tls), "-");
    EXPECT_EQ(Mutate(Mode::kAlwaysForwardOnly, "Hash=1", tls), "Hash=1");
  }
}

TEST_F(ClientCertHeader, ForwardOnlyLeavesItAsItIs) {
  EXPECT_EQ(Mutate(Mode::kForwardOnly, "Hash=1"), "Hash=1");
  EXPECT_EQ(Mutate(Mode::kForwardOnly, ""), "-");
}

TEST_F(ClientCertHeader, SetReplacesAndAppendAdds) {
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, "Hash=1"), "By=spiffe://mesh/proxy;Hash=ab12");
  EXPECT_EQ(Mutate(Mode::kAppendForward, "Hash=1"), "Hash=1,By=spiffe://mesh/proxy;Hash=ab12");
  EXPECT_EQ(Mutate(Mode::kAppendForward, ""), "By=spiffe://mesh/proxy;Hash=ab12");
}

TEST_F(ClientCertHeader, DetailsAreThoseAskedFor) {
  config_.client_cert_details = {true, true, true, true, true};
  session_.chain_pem = "chain";
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, ""),
            "By=spiffe://mesh/proxy;Hash=ab12;Cert=\"-----BEGIN%20C-----%0Aa%2B%2F%3D%0A\";"
            "Chain=\"chain\";Subject=\"CN=client,O=test\";URI=spiffe://mesh/client;"
            "DNS=client.example;DNS=other.example");
}

TEST_F(ClientCertHeader, SubjectAndUriAreThereEvenWhenEmpty) {
  config_.client_cert_details = {true, true, true, true, true};
  session_.peer_certificate = testing::FakeTlsSession::Certificate();
  session_.local_certificate.uri_sans.clear();
  session_.peer_certificate.sha256_hex = "00";
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, ""), "Hash=00;Subject=\"\";URI=");
}

TEST_F(ClientCertHeader, NamesCannotForgeElements) {
  config_.client_cert_details.uri = true;
  session_.peer_certificate.uri_sans = {"spiffe://x,Hash=1;URI=\"y"};
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, ""),
            "By=spiffe://mesh/proxy;Hash=ab12;URI=\"spiffe://x,Hash=1;URI=\\\"y\"");
}

}  // namespace
}  // namespace proxenos::downstream
