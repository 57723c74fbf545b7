// SPIFFE trust bundle maps: JSON to roots in PEM.
#include "source/tls/trust_bundle.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

using testing::MakeCa;
using testing::TestCertificate;

std::string Key(const TestCertificate& ca) {
  return absl::StrCat("{\"kty\":\"EC\",\"use\":\"x509-svid\",\"x5c\":[\"",
                      absl::Base64Escape(ca.der()), "\"]}");
}
std::string Map(const std::string& domains) {
  return absl::StrCat("{\"trust_domains\":{", domains, "}}");
}
std::string Fault(const std::string& json) {
  const auto read = ReadTrustBundles(json, "bundles.json");
  return read.ok() ? "" : std::string(read.status().message());
}

TEST(TrustBundleTest, RootsByDomain) {
  const TestCertificate one = MakeCa("one");
  const TestCertificate two = MakeCa("two");
  const TestCertificate next = MakeCa("next");
  const auto read = ReadTrustBundles(
      Map(absl::StrCat("\"two.example\":{\"spiffe_sequence\":7,\"keys\":[", Key(two),
                       ",{\"use\":\"jwt-svid\",\"kid\":\"k\"},", Key(next),
                       "]},\"one.example\":{\"keys\":[", Key(one), "]}")),
      "bundles.json");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].name, "one.example");
  EXPECT_EQ((*read)[0].origin, "bundles.json");
  EXPECT_EQ((*read)[0].bundle_pem, one.pem());
  EXPECT_EQ((*read)[1].bundle_pem, two.pem() + next.pem());
}

TEST(TrustBundleTest, Faults) {
  EXPECT_EQ(Fault("nonsense"), "trust bundles bundles.json: not JSON of an object");
  EXPECT_EQ(Fault("{}"), "trust bundles bundles.json: there are no trust_domains");
  EXPECT_EQ(Fault(Map("")), "trust bundles bundles.json: there are no trust_domains");
  EXPECT_NE(Fault(Map("\"a\":7")).find("'a' has no keys"), std::string::npos);
  EXPECT_NE(Fault(Map("\"a\":{\"keys\":[]}")).find("no key of use x509-svid"), std::string::npos);
  for (const char* key :
       {"7", "{}", "{\"use\":\"x509-svid\"}", "{\"use\":\"x509-svid\",\"x5c\":[]}",
        "{\"use\":\"x509-svid\",\"x5c\":[\"AA==\",\"AA==\"]}",
        "{\"use\":\"x509-svid\",\"x5c\":[\"?\"]}", "{\"use\":\"x509-svid\",\"x5c\":[7]}"}) {
    EXPECT_NE(Fault(Map(absl::StrCat("\"a\":{\"keys\":[", key, "]}"))).find("keys[0]"),
              std::string::npos)
        << key;
  }
}

}  // namespace
}  // namespace proxenos::tls
