// x-forwarded-client-cert in every mode.
#include "source/downstream/client_cert_header.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/client_cert_config.h"
#include "source/downstream/origin_rules_config.h"
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
    http::RequestHead head(arena_);
    head.path = path_;
    http::HeaderMap& headers = head.headers;
    if (!before.empty()) headers.Add(http::HeaderId::kXForwardedClientCert, before);
    connection_.tls = tls ? &session_ : nullptr;
    MutateClientCertHeader(config_, connection_, head);
    if (!headers.Has(http::HeaderId::kXForwardedClientCert)) return "-";
    return std::string(headers.Get(http::HeaderId::kXForwardedClientCert));
  }

  buffer::Arena arena_;
  HttpConfig config_;
  filter::ConnectionInfo connection_;
  std::string path_ = "/";
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

TEST_F(ClientCertHeader, AppendLosesNoneOfSeveralLines) {
  config_.forward_client_cert = Mode::kAppendForward;
  connection_.tls = &session_;
  http::RequestHead head(arena_);
  head.headers.Add(http::HeaderId::kXForwardedClientCert, "Hash=1");
  head.headers.Add(http::HeaderId::kXForwardedClientCert, "Hash=2");
  MutateClientCertHeader(config_, connection_, head);
  ASSERT_EQ(head.headers.size(), 2u);
  EXPECT_EQ(head.headers.begin()->value(), "Hash=1");
  EXPECT_EQ((head.headers.begin() + 1)->value(), "Hash=2,By=spiffe://mesh/proxy;Hash=ab12");
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

// forward_client_cert_matcher: by the field as it came, and by the path.
class ClientCertChoiceTest : public ClientCertHeader {
 protected:
  static std::string Action(const std::string& mode, const std::string& details) {
    return absl::StrCat(
        "{action: {name: a, typed_config: {'@type': type.googleapis.com/",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.",
        "ForwardClientCertConfig, forward_client_cert_details: ", mode,
        ", set_current_client_cert_details: {", details, "}}}}");
  }
  static std::string Entry(const std::string& header, const std::string& match,
                           const std::string& action) {
    return absl::StrCat(
        "{predicate: {single_predicate: {input: {name: i, typed_config: {'@type': ",
        "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput, header_name: '",
        header, "'}}, value_match: {", match, "}}}, on_match: ", action, "}");
  }
  std::string Compile(const std::string& matcher) {
    config::Errors errors;
    ForwardingManager proto;
    config::ParseYaml("forward_client_cert_matcher: " + matcher, proto, errors);
    config_.origin = CompileOrigin(proto, config::Path(), errors);
    return std::string(errors.ToStatus().message());
  }
};

TEST_F(ClientCertChoiceTest, TheRequestDecides) {
  config_.client_cert_details.dns = true;
  ASSERT_EQ(
      Compile(absl::StrCat("{matcher_list: {matchers: [",
                           Entry("x-forwarded-client-cert", "contains: trusted",
                                 Action("APPEND_FORWARD", "uri: true")),
                           ", ", Entry(":path", "exact: /none", Action("SANITIZE", "")), "]}}")),
      "");
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, "By=trusted"),
            "By=trusted,By=spiffe://mesh/proxy;Hash=ab12;URI=spiffe://mesh/client");
  // Nothing is found: the connection manager's own fields decide.
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, "By=x"),
            "By=spiffe://mesh/proxy;Hash=ab12;DNS=client.example;DNS=other.example");
  path_ = "/none";
  EXPECT_EQ(Mutate(Mode::kSanitizeSet, "By=x"), "-");
}

TEST_F(ClientCertChoiceTest, ElseTheTreesOwnLastWord) {
  ASSERT_EQ(Compile("{on_no_match: " + Action("ALWAYS_FORWARD_ONLY", "") + "}"), "");
  EXPECT_EQ(Mutate(Mode::kSanitize, "By=x", false), "By=x");
}

TEST_F(ClientCertChoiceTest, WhatIsWrong) {
  EXPECT_NE(Compile("{on_no_match: {action: {name: a, typed_config: {'@type': "
                    "type.googleapis.com/google.protobuf.Empty}}}}")
                .find("forward_client_cert_matcher.on_no_match.action.typed_config"),
            std::string::npos);
}

}  // namespace
}  // namespace proxenos::downstream
