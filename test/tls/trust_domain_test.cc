// SPIFFE: each workload by the bundle of its own trust domain.
#include <string>

#include "gtest/gtest.h"
#include "source/tls/certificate.h"
#include "source/tls/verifier.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

using testing::CertificateWish;
using testing::MakeCa;
using testing::TestCertificate;

class TrustDomainTest : public ::testing::Test {
 protected:
  TrustDomainTest() {
    validation_.trust_domains = {{"one.example", one_.pem(), "one"},
                                 {"two.example", two_.pem(), "two"}};
  }
  static TestCertificate Workload(const std::string& uri, const TestCertificate& issuer,
                                  bool is_ca = false, const std::string& second_uri = "") {
    CertificateWish wish;
    wish.common_name = "workload";
    if (!uri.empty()) wish.uris = {uri};
    if (!second_uri.empty()) wish.uris.push_back(second_uri);
    wish.is_ca = is_ca;
    return TestCertificate(wish, &issuer);
  }
  // What is wrong with it; empty: nothing.
  std::string Fault(const TestCertificate& leaf) {
    auto verifier = Verifier::Make(validation_, Verifier::Peer::kClient);
    EXPECT_TRUE(verifier.ok()) << verifier.status();
    if (!verifier.ok()) return "no verifier";
    EXPECT_TRUE((*verifier)->verifies());
    const bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> chain(sk_CRYPTO_BUFFER_new_null());
    bssl::PushToStack(chain.get(), EncodeCertificate(leaf.x509()));
    const Verifier::Verdict verdict = (*verifier)->Verify(chain.get(), {});
    EXPECT_EQ(verdict.verified, verdict.fault == Verifier::Fault::kNone);
    return verdict.detail;
  }

  const TestCertificate one_ = MakeCa("one");
  const TestCertificate two_ = MakeCa("two");
  Validation validation_;
};

TEST_F(TrustDomainTest, EachByItsOwnBundle) {
  EXPECT_EQ(Fault(Workload("spiffe://one.example/ns/a", one_)), "");
  EXPECT_EQ(Fault(Workload("spiffe://two.example/ns/a", two_)), "");
  EXPECT_EQ(Fault(Workload("spiffe://one.example", one_)), "");
  // Signed by an authority that is trusted, but not with this domain.
  EXPECT_NE(Fault(Workload("spiffe://one.example/ns/a", two_)).find("X509_verify_cert"),
            std::string::npos);
}

TEST_F(TrustDomainTest, WhoIsInNoDomainIsRefused) {
  EXPECT_NE(Fault(Workload("spiffe://three.example/a", one_)).find("trust domain three.example"),
            std::string::npos);
  EXPECT_NE(Fault(Workload("spiffe://one.example.evil/a", one_)).find("no bundle"),
            std::string::npos);
  EXPECT_NE(Fault(Workload("https://one.example/a", one_)).find("no SPIFFE ID"), std::string::npos);
  EXPECT_NE(Fault(Workload("", one_)).find("no SPIFFE ID"), std::string::npos);
}

// An authority could name a workload of another domain beside its own.
TEST_F(TrustDomainTest, OneIdentityIsEnough) {
  for (const char* second : {"spiffe://two.example/admin", "https://one.example/"}) {
    EXPECT_NE(Fault(Workload("spiffe://one.example/ns/a", one_, false, second)).find("several URI"),
              std::string::npos);
  }
}

TEST_F(TrustDomainTest, AuthorityIsNoWorkload) {
  EXPECT_NE(Fault(Workload("spiffe://one.example/ca", one_, /*is_ca=*/true)).find("no SVID"),
            std::string::npos);
}

TEST_F(TrustDomainTest, NamesAreMatchedToo) {
  validation_.san_matchers.push_back(SanMatcher{
      SanMatcher::Type::kUri,
      match::StringMatcher(match::StringMatcher::Kind::kPrefix, "spiffe://one.example/ns/", false),
      ""});
  EXPECT_EQ(Fault(Workload("spiffe://one.example/ns/a", one_)), "");
  EXPECT_NE(Fault(Workload("spiffe://one.example/other", one_)).find("SAN matcher"),
            std::string::npos);
}

// Sessions of one policy are not resumed under another.
TEST_F(TrustDomainTest, BundlesAreAPartOfThePolicy) {
  const auto hash = [this] {
    return (*Verifier::Make(validation_, Verifier::Peer::kClient))->policy_hash();
  };
  const std::string before = hash();
  validation_.trust_domains[1].bundle_pem = one_.pem();
  EXPECT_NE(hash(), before);
}

TEST_F(TrustDomainTest, BundleThatIsNone) {
  validation_.trust_domains[0].bundle_pem = "nonsense";
  EXPECT_FALSE(Verifier::Make(validation_, Verifier::Peer::kClient).ok());
}

}  // namespace
}  // namespace proxenos::tls
