// Matching of names: every type of matcher against every type of name.
#include "source/tls/san_match.h"

#include <string>

#include "gtest/gtest.h"
#include "source/tls/certificate.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

using match::Regex;
using match::StringMatcher;
using Kind = match::StringMatcher::Kind;
using Type = SanMatcher::Type;
using testing::CertificateWish;
using testing::TestCertificate;

bool Matches(Type type, StringMatcher matcher, const SubjectNames& names,
             const std::string& oid = "") {
  return MatchesAny({SanMatcher{type, std::move(matcher), oid}}, names);
}
StringMatcher Exact(const std::string& text) { return StringMatcher(Kind::kExact, text, false); }

SubjectNames NamesOf(const CertificateWish& wish) {
  return SubjectNamesOf(TestCertificate(wish).x509());
}

TEST(SanMatch, EachTypeSeesItsOwnNames) {
  CertificateWish wish;
  wish.dns = {"www.example.com"};
  wish.uris = {"spiffe://cluster/ns/a"};
  wish.ips = {"192.0.2.1", "2001:db8::1"};
  wish.emails = {"ops@example.com"};
  wish.others = {{"1.3.6.1.4.1.311.20.2.3", "user@domain"}};
  const SubjectNames names = NamesOf(wish);
  struct Case {
    Type type;
    const char* text;
  };
  const Case own[] = {{Type::kDns, "www.example.com"},
                      {Type::kUri, "spiffe://cluster/ns/a"},
                      {Type::kIpAddress, "192.0.2.1"},
                      {Type::kIpAddress, "2001:db8::1"},
                      {Type::kEmail, "ops@example.com"}};
  for (const Case& name : own) {
    for (const Type type : {Type::kDns, Type::kUri, Type::kIpAddress, Type::kEmail}) {
      EXPECT_EQ(Matches(type, Exact(name.text), names), type == name.type) << name.text;
    }
    EXPECT_TRUE(Matches(Type::kAny, Exact(name.text), names));
    EXPECT_FALSE(Matches(Type::kAny, Exact(std::string(name.text) + "x"), names));
  }
  EXPECT_TRUE(Matches(Type::kOtherName, Exact("user@domain"), names, "1.3.6.1.4.1.311.20.2.3"));
  EXPECT_FALSE(Matches(Type::kOtherName, Exact("user@domain"), names, "1.3.6.1.4.1.311.20.2.4"));
  EXPECT_FALSE(Matches(Type::kOtherName, Exact("user"), names, "1.3.6.1.4.1.311.20.2.3"));
  EXPECT_FALSE(Matches(Type::kAny, Exact("user@domain"), names));
}

TEST(SanMatch, EveryKindOfPattern) {
  CertificateWish wish;
  wish.uris = {"spiffe://cluster/ns/blue/sa/web"};
  const SubjectNames names = NamesOf(wish);
  EXPECT_TRUE(Matches(Type::kUri, StringMatcher(Kind::kPrefix, "spiffe://cluster/", false), names));
  EXPECT_FALSE(Matches(Type::kUri, StringMatcher(Kind::kPrefix, "cluster/", false), names));
  EXPECT_TRUE(Matches(Type::kUri, StringMatcher(Kind::kSuffix, "/sa/web", false), names));
  EXPECT_TRUE(Matches(Type::kUri, StringMatcher(Kind::kContains, "/ns/blue/", false), names));
  EXPECT_TRUE(Matches(Type::kUri, StringMatcher(Kind::kContains, "/NS/BLUE/", true), names));
  EXPECT_FALSE(Matches(Type::kUri, StringMatcher(Kind::kContains, "/NS/BLUE/", false), names));
  EXPECT_TRUE(Matches(Type::kUri, StringMatcher(*Regex::Compile("spiffe://[a-z]+/ns/.*")), names));
  EXPECT_FALSE(Matches(Type::kUri, StringMatcher(*Regex::Compile("spiffe://[a-z]+/ns")), names));
}

TEST(SanMatch, WildcardsCoverExactHostsOnly) {
  CertificateWish wish;
  wish.dns = {"*.example.com"};
  const SubjectNames names = NamesOf(wish);
  EXPECT_TRUE(Matches(Type::kDns, Exact("www.example.com"), names));
  EXPECT_TRUE(Matches(Type::kDns, Exact("*.example.com"), names));
  EXPECT_FALSE(Matches(Type::kDns, Exact("example.com"), names));
  EXPECT_FALSE(Matches(Type::kDns, Exact("a.www.example.com"), names));
  EXPECT_FALSE(Matches(Type::kDns, StringMatcher(Kind::kPrefix, "www.", false), names));
}

TEST(SanMatch, DnsNames) {
  EXPECT_TRUE(DnsNameCovers("www.example.com", "WWW.Example.COM"));
  EXPECT_TRUE(DnsNameCovers("*.example.com", "a.EXAMPLE.com"));
  EXPECT_FALSE(DnsNameCovers("*.example.com", ".example.com"));
  EXPECT_FALSE(DnsNameCovers("*.com", "example.com"));
  EXPECT_FALSE(DnsNameCovers("*", "example"));
  EXPECT_FALSE(DnsNameCovers("*.", "a."));
  EXPECT_FALSE(DnsNameCovers("w*.example.com", "www.example.com"));
  EXPECT_FALSE(DnsNameCovers("*.*.example.com", "a.b.example.com"));
  EXPECT_FALSE(DnsNameCovers("", ""));
}

TEST(SanMatch, HostsAndAddresses) {
  CertificateWish wish;
  wish.dns = {"www.example.com", "10.0.0.1"};
  wish.ips = {"192.0.2.1", "2001:db8::1"};
  const SubjectNames names = NamesOf(wish);
  EXPECT_TRUE(NamesHost(names, "www.example.com"));
  EXPECT_TRUE(NamesHost(names, "192.0.2.1"));
  EXPECT_TRUE(NamesHost(names, "2001:DB8:0::1"));
  EXPECT_FALSE(NamesHost(names, "192.0.2.2"));
  // An address is never a DNS name.
  EXPECT_FALSE(NamesHost(names, "10.0.0.1"));
  EXPECT_FALSE(NamesHost(names, ""));
}

TEST(SanMatch, NulBytesHideNothing) {
  CertificateWish wish;
  wish.dns = {std::string("www.example.com\0.evil.example", 29), "good.example.com"};
  wish.uris = {std::string("spiffe://a\0b", 12)};
  const SubjectNames names = NamesOf(wish);
  EXPECT_EQ(names.dns, std::vector<std::string>{"good.example.com"});
  EXPECT_TRUE(names.uri.empty());
  EXPECT_FALSE(NamesHost(names, "www.example.com"));
}

TEST(SanMatch, ACertificateWithoutNames) {
  CertificateWish wish;
  wish.common_name = "www.example.com";
  const SubjectNames names = NamesOf(wish);
  EXPECT_TRUE(names.empty());
  EXPECT_FALSE(NamesHost(names, "www.example.com"));
  EXPECT_FALSE(Matches(Type::kDns, Exact("www.example.com"), names));
}

}  // namespace
}  // namespace proxenos::tls
