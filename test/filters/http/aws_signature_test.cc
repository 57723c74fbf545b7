// Signatures of AWS: its published examples, and the steps that lead to them.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/filters/http/aws_request_signing/signature.h"

namespace proxenos::filters::aws_request_signing {
namespace {

using Headers = std::vector<std::pair<absl::string_view, absl::string_view>>;

constexpr char kDate[] = "20150830T123600Z";
const Credentials kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

std::string HashOf(absl::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Hex();
}

// The signature of a request of AWS' test suite for version 4.
std::string SignatureOf(absl::string_view method, absl::string_view path, Headers more = {},
                        absl::string_view body = "") {
  more.emplace_back("host", "example.amazonaws.com");
  more.emplace_back("x-amz-date", kDate);
  const std::string hash = HashOf(body);
  const std::string value = Authorization(kExample, {"service", "us-east-1", kDate},
                                          {method, path, std::move(more), hash});
  return value.substr(value.rfind('=') + 1);
}

TEST(AwsSignatureTest, ExamplesOfTheSuite) {
  EXPECT_EQ(SignatureOf("GET", "/"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(SignatureOf("GET", "/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(SignatureOf("POST", "/"),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  EXPECT_EQ(SignatureOf("POST", "/", {{"content-type", "application/x-www-form-urlencoded"}},
                        "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  EXPECT_EQ(SignatureOf("GET", "/", {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\" "}}),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  EXPECT_EQ(
      SignatureOf("GET", "/",
                  {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}}),
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  EXPECT_EQ(SignatureOf("GET", "/example space/"),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
  EXPECT_EQ(SignatureOf("GET", "/\xe1\x88\xb4"),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

TEST(AwsSignatureTest, PathsOfTheSuiteAreResolved) {
  const std::string plain = SignatureOf("GET", "/");
  for (const char* path : {"//", "/./", "/foo/..", "/foo/bar/../.."}) {
    EXPECT_EQ(SignatureOf("GET", path), plain) << path;
  }
}

TEST(AwsSignatureTest, TheExampleOfS3) {
  const std::string hash = HashOf("");
  const std::string value =
      Authorization({"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                    {"s3", "us-east-1", "20130524T000000Z", /*normalizes=*/false},
                    {"GET",
                     "/test.txt",
                     {{"range", "bytes=0-9"},
                      {"x-amz-date", "20130524T000000Z"},
                      {"host", "examplebucket.s3.amazonaws.com"},
                      {"x-amz-content-sha256", hash}},
                     hash});
  EXPECT_EQ(value,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsSignatureTest, Paths) {
  EXPECT_EQ(CanonicalPath("/a/./b//../c/", true), "/a/c/");
  EXPECT_EQ(CanonicalPath("/a%20b", true), "/a%2520b");
  EXPECT_EQ(CanonicalPath("", true), "/");
  EXPECT_EQ(CanonicalPath("/../..", true), "/");
  EXPECT_EQ(CanonicalPath("/a//b/../c", false), "/a//b/../c");
  EXPECT_EQ(CanonicalPath("/a%20b%2f(1)", false), "/a%20b/%281%29");
  EXPECT_EQ(CanonicalPath("/%zz%4", false), "/%25zz%254");
}

TEST(AwsSignatureTest, Queries) {
  EXPECT_EQ(CanonicalQuery(""), "");
  EXPECT_EQ(CanonicalQuery("b=2&a&a=1&c=x=y"), "a=&a=1&b=2&c=x%3Dy");
  EXPECT_EQ(CanonicalQuery("p=a%2Fb/c+d&&q=~%7E"), "p=a%2Fb%2Fc%2Bd&q=~~");
}

TEST(AwsSignatureTest, Dates) { EXPECT_EQ(DateText(int64_t{1'440'938'160} * 1'000'000), kDate); }

}  // namespace
}  // namespace proxenos::filters::aws_request_signing
