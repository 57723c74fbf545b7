// OCSP responses: whose they are, who signed them, and how they are broken.
#include "source/tls/ocsp.h"

#include <string>

#include "gtest/gtest.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

using testing::CertificateWish;
using testing::MakeCa;
using testing::MakeLeaf;
using testing::OcspWish;
using testing::TestCertificate;

TestCertificate MakeResponder(const TestCertificate& issuer, bool for_ocsp,
                              int64_t valid_until = 3600) {
  CertificateWish wish;
  wish.common_name = "responder";
  wish.ocsp_signing = for_ocsp;
  wish.valid_until = valid_until;
  return TestCertificate(wish, &issuer);
}

class OcspTest : public ::testing::Test {
 protected:
  std::string Fault(const std::string& der, bool knows_issuer = true) const {
    const auto checked = CheckOcspResponse(der, leaf_.x509(), knows_issuer ? &ca_.x509() : nullptr);
    return checked.ok() ? "" : std::string(checked.status().message());
  }

  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
};

TEST_F(OcspTest, SignedByTheIssuer) {
  for (const bool by_key : {false, true}) {
    OcspWish wish;
    wish.issuer = &ca_;
    wish.by_key = by_key;
    const auto times = CheckOcspResponse(leaf_.ocsp(wish), leaf_.x509(), &ca_.x509());
    ASSERT_TRUE(times.ok()) << times.status();
    EXPECT_EQ(times->next_update_s.value_or(0) - times->this_update_s, 3660);
    EXPECT_EQ(Fault(leaf_.ocsp(wish), /*knows_issuer=*/false), "");
  }
}

TEST_F(OcspTest, SignedByWhomTheIssuerAsked) {
  const TestCertificate responder = MakeResponder(ca_, true);
  OcspWish wish;
  wish.issuer = &ca_;
  wish.signer = &responder;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), "");
  wish.by_key = true;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), "");
}

TEST_F(OcspTest, SignedByNobodyWhoMay) {
  const std::string kStranger =
      "OCSP response: whoever signed it may not speak for the certificate's issuer";
  OcspWish wish;
  wish.issuer = &ca_;
  const TestCertificate ordinary = MakeResponder(ca_, /*for_ocsp=*/false);
  wish.signer = &ordinary;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), kStranger);
  const TestCertificate expired = MakeResponder(ca_, true, /*valid_until=*/-10);
  wish.signer = &expired;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), kStranger);
  // One of the same name as the issuer that has another key: it signs as the issuer would.
  const TestCertificate impostor = MakeCa("root");
  const TestCertificate accomplice = MakeResponder(impostor, true);
  wish.signer = &accomplice;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), kStranger);
  wish.signer = &impostor;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), "OCSP response: its signature is wrong");
  // Who does not know the issuer cannot tell.
  EXPECT_EQ(Fault(leaf_.ocsp(wish), /*knows_issuer=*/false), "");
}

TEST_F(OcspTest, AboutAnother) {
  const std::string kOther = "OCSP response: it does not match its TLS certificate";
  OcspWish wish;
  wish.issuer = &ca_;
  EXPECT_EQ(Fault(MakeLeaf(ca_, "www.example.com").ocsp(wish)), kOther);
  // The same issuer's name, another key.
  const TestCertificate impostor = MakeCa("root");
  wish.issuer = &impostor;
  wish.signer = &ca_;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), kOther);
  EXPECT_EQ(Fault(leaf_.ocsp(wish), /*knows_issuer=*/false), "");
}

// The same serial number of another issuer.
TEST_F(OcspTest, AboutAnotherIssuersCertificate) {
  const TestCertificate other_ca = MakeCa("other root");
  const TestCertificate other = MakeLeaf(other_ca, "www.example.com");
  EXPECT_EQ(Fault(other.ocsp(-60, 3600), /*knows_issuer=*/false),
            "OCSP response: it does not match its TLS certificate");
}

TEST_F(OcspTest, Revoked) {
  OcspWish wish;
  wish.issuer = &ca_;
  wish.revoked = true;
  EXPECT_EQ(Fault(leaf_.ocsp(wish)), "OCSP response: it does not call the certificate good");
}

// Wherever it is cut or changed, it is an error or says the same.
TEST_F(OcspTest, CutOrChanged) {
  OcspWish wish;
  wish.issuer = &ca_;
  const std::string good = leaf_.ocsp(wish);
  const auto times = CheckOcspResponse(good, leaf_.x509(), &ca_.x509());
  ASSERT_TRUE(times.ok());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(Fault(good.substr(0, i)), "") << i;
    for (const char bit : {'\x01', '\x20', '\x80'}) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      const auto checked = CheckOcspResponse(changed, leaf_.x509(), &ca_.x509());
      if (!checked.ok()) continue;
      EXPECT_EQ(checked->this_update_s, times->this_update_s) << i;
      EXPECT_EQ(checked->next_update_s, times->next_update_s) << i;
    }
  }
  EXPECT_NE(Fault(good + "x"), "");
  EXPECT_EQ(Fault(std::string(70'000, 'x')), "OCSP response: larger than 64 KiB");
}

}  // namespace
}  // namespace proxenos::tls
