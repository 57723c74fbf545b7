// Client contexts of equal options share what BoringSSL makes of them.
#include "source/tls/client_states.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/tls/context_assembly.h"
#include "test/tls/tls_pair.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::MakeLeaf;
using testing::TestCertificate;

size_t Shared() { return ClientStates::OfProcess().size(); }

class ClientStatesTest : public ::testing::Test {
 protected:
  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
};

TEST_F(ClientStatesTest, TenThousandClustersHoldOne) {
  ClientOptions options = ClientTrusting(ca_);
  std::vector<std::shared_ptr<const ClientContext>> contexts;
  for (int i = 0; i < 10'000; ++i) {
    options.common.name = absl::StrCat("cluster ", i);
    contexts.push_back(Make(options));
  }
  EXPECT_EQ(Shared(), 1u);
  EXPECT_EQ(&contexts.front()->state(), &contexts.back()->state());
  // Sessions are each one's own: one cluster's servers know nothing of another's.
  EXPECT_NE(contexts.front()->sessions(), contexts.back()->sessions());
  contexts.resize(1);
  EXPECT_EQ(Shared(), 1u);
  contexts.clear();
  EXPECT_EQ(Shared(), 0u);
}

TEST_F(ClientStatesTest, WhatDiffersIsNotShared) {
  const ClientOptions plain = ClientTrusting(ca_);
  const std::vector<std::function<void(ClientOptions&)>> changes = {
      [](ClientOptions& options) { options.sni = "a.example"; },
      [](ClientOptions& options) { options.auto_host_sni = true; },
      [](ClientOptions& options) { options.auto_sni_san_validation = true; },
      [](ClientOptions& options) { options.max_session_keys = 0; },
      [](ClientOptions& options) { options.common.max_version = Version::kTls12; },
      [](ClientOptions& options) { options.common.min_version = Version::kTls13; },
      [](ClientOptions& options) { options.common.cipher_suites = "ECDHE-RSA-AES128-GCM-SHA256"; },
      [](ClientOptions& options) { options.common.groups = {"P-256"}; },
      [](ClientOptions& options) { options.common.signature_algorithms = {"ed25519"}; },
      [](ClientOptions& options) { options.common.compliance = Compliance::kCnsa1; },
      [](ClientOptions& options) {
        options.common.alpn = {"h2", "x"};
      },
      [](ClientOptions& options) { options.common.alpn = {"h2x"}; },
      [](ClientOptions& options) { options.common.key_log.path = "/dev/null"; },
      [this](ClientOptions& options) { options.common.identities = {IdentityOf(leaf_)}; },
      [](ClientOptions& options) { options.common.validation.spki_pins = {std::string(32, 'p')}; },
      [](ClientOptions& options) {
        options.common.validation.certificate_pins = {std::string(32, 'p')};
      },
      [](ClientOptions& options) { options.common.validation.accept_untrusted = true; },
      [](ClientOptions& options) { options.common.validation.allow_expired = true; },
      [](ClientOptions& options) { options.common.validation.max_verify_depth = 0; },
      [](ClientOptions& options) {
        options.common.validation.san_matchers.push_back(
            {SanMatcher::Type::kDns,
             match::StringMatcher(match::StringMatcher::Kind::kExact, "a", false), ""});
      },
      [](ClientOptions& options) {
        options.common.validation.san_matchers.push_back(
            {SanMatcher::Type::kUri,
             match::StringMatcher(match::StringMatcher::Kind::kExact, "a", false), ""});
      },
      [this](ClientOptions& options) {
        options.common.validation.trust_domains.push_back({"a.example", ca_.pem(), "x"});
      },
  };
  std::vector<std::shared_ptr<const ClientContext>> contexts = {Make(plain)};
  for (const auto& change : changes) {
    ClientOptions other = plain;
    change(other);
    contexts.push_back(Make(other));
    EXPECT_EQ(Shared(), contexts.size());
  }
  for (const auto& change : changes) {
    ClientOptions other = plain;
    change(other);
    contexts.push_back(Make(other));
  }
  EXPECT_EQ(Shared(), 1 + changes.size());
}

// A secret that rotates makes one state for all whose it is; the old one goes with its last user.
TEST_F(ClientStatesTest, RotatesWithSecrets) {
  ClientTemplate first;
  first.options.common.name = "first";
  first.secrets.validation.emplace();
  ClientTemplate second = first;
  second.options.common.name = "second";
  FoundSecrets secrets;
  Validation roots;
  roots.trusted_ca_pem = ca_.pem();
  secrets.validation = &roots;
  auto a = *Assemble(first, secrets);
  auto b = *Assemble(second, secrets);
  EXPECT_EQ(Shared(), 1u);
  const TestCertificate next = MakeCa("next root");
  roots.trusted_ca_pem = next.pem();
  a = *Assemble(first, secrets);
  EXPECT_EQ(Shared(), 2u);
  b = *Assemble(second, secrets);
  EXPECT_EQ(Shared(), 1u);
  EXPECT_EQ(&a->state(), &b->state());
}

TEST_F(ClientStatesTest, WhatCannotBeMadeIsNotKept) {
  ClientOptions broken = ClientTrusting(ca_);
  broken.common.cipher_suites = "none of these";
  EXPECT_FALSE(ClientContext::Make(broken).ok());
  EXPECT_EQ(Shared(), 0u);
}

// A session that one context may resume is no business of another of equal options.
TEST_F(ClientStatesTest, SessionsStayApart) {
  const auto server = Make(ServerWith(leaf_));
  const auto one = Make(ClientTrusting(ca_));
  const auto other = Make(ClientTrusting(ca_));
  for (const auto& [client, resumes] :
       {std::pair(one, false), std::pair(other, false), std::pair(one, true)}) {
    TlsPair pair(server, client);
    ASSERT_TRUE(pair.Shake() && pair.ToServer("request") && pair.ToClient("response"));
    EXPECT_EQ(pair.server().session().resumed(), resumes);
  }
}

}  // namespace
}  // namespace proxenos::tls
