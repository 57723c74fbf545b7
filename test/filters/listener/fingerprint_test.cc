// Fingerprints against those that are public, and what of a hello they are made of.
#include "source/filters/listener/tls_inspector/fingerprint.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::filters::tls_inspector {
namespace {

// Of Chrome 103 and later, the example in JA4's own description. GREASE is left out by the reader.
HelloShape Chrome() {
  HelloShape shape;
  shape.legacy_version = 0x0303;
  shape.version = 0x0304;
  shape.names_server = true;
  shape.ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                   0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
  shape.extensions = {0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005,
                      0x000d, 0x0012, 0x0033, 0x002d, 0x002b, 0x001b, 0x4469, 0x0015};
  shape.groups = {29, 23, 24};
  shape.point_formats = {0};
  shape.signature_algorithms = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601};
  shape.first_protocol = "h2";
  return shape;
}

TEST(FingerprintTest, Ja4OfChrome) {
  EXPECT_EQ(Ja4(Chrome()), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(FingerprintTest, Ja4IsThatOfShuffledExtensions) {
  HelloShape shape = Chrome();
  std::swap(shape.extensions.front(), shape.extensions.back());
  std::swap(shape.ciphers.front(), shape.ciphers.back());
  EXPECT_EQ(Ja4(shape), Ja4(Chrome()));
  EXPECT_NE(Ja3(shape), Ja3(Chrome()));
  std::swap(shape.signature_algorithms.front(), shape.signature_algorithms.back());
  EXPECT_NE(Ja4(shape), Ja4(Chrome()));  // Their order is a choice.
}

TEST(FingerprintTest, Ja3OfChrome) {
  EXPECT_EQ(Ja3Text(Chrome()),
            "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
            "0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,29-23-24,0");
  EXPECT_EQ(Ja3(Chrome()), "cd08e31494f9531f560d64c695473da9");
}

// The two examples of JA3's own description.
TEST(FingerprintTest, Ja3OfOlderClients) {
  HelloShape shape;
  shape.legacy_version = 769;
  shape.ciphers = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
  shape.extensions = {0, 10, 11};
  shape.groups = {23, 24, 25};
  shape.point_formats = {0};
  EXPECT_EQ(Ja3(shape), "ada70206e40642a3e4461f35503241d5");
  HelloShape bare;
  bare.legacy_version = 769;
  bare.ciphers = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99};
  EXPECT_EQ(Ja3Text(bare), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
  EXPECT_EQ(Ja3(bare), "de350869b8c85de67a350c8d186f11e6");
}

TEST(FingerprintTest, Ja4OfWhatHasNone) {
  EXPECT_EQ(Ja4(HelloShape()), "t00i000000_000000000000_000000000000");
  HelloShape shape;
  shape.names_server = true;
  shape.extensions = {0, 16};  // Neither is hashed.
  EXPECT_EQ(Ja4(shape), "t00d000200_000000000000_000000000000");
}

TEST(FingerprintTest, Ja4CountsUpTo99) {
  HelloShape shape;
  shape.ciphers.assign(100, 0x1301);
  shape.extensions.assign(2000, 5);
  EXPECT_EQ(Ja4(shape).substr(0, 10), "t00i999900");
}

TEST(FingerprintTest, Ja4OfVersionsAndProtocols) {
  const std::pair<uint16_t, const char*> kVersions[] = {
      {0x0304, "t13"}, {0x0303, "t12"}, {0x0302, "t11"}, {0x0301, "t10"},
      {0x0300, "ts3"}, {0x0002, "t00"}, {0xfeff, "t00"},
  };
  for (const auto& [version, text] : kVersions) {
    HelloShape shape;
    shape.version = version;
    EXPECT_EQ(Ja4(shape).substr(0, 3), text) << version;
  }
  const std::pair<std::string, const char*> kProtocols[] = {
      {"http/1.1", "h1"}, {"h", "hh"},         {"", "00"},
      {"\xab", "ab"},     {"\xab\xcd", "ad"},  {"0\xab", "3b"},
      {"\x30\x31", "01"}, {"h2\xff\x1", "61"}, {"\x0a\x0a", "0a"},
  };
  for (const auto& [name, ends] : kProtocols) {
    HelloShape shape;
    shape.first_protocol = name;
    EXPECT_EQ(Ja4(shape).substr(8, 2), ends) << name;
  }
}

}  // namespace
}  // namespace proxenos::filters::tls_inspector
