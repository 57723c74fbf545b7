// Preconditions, ranges, selecting fields, keys, Cache-Status.
#include "source/cache/conditions.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/cache/byte_range.h"
#include "source/cache/cache_status.h"
#include "source/cache/key.h"
#include "source/cache/vary.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

constexpr int64_t kNow = 1795320701;
constexpr char kOld[] = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr char kOlder[] = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr char kNewer[] = "Sunday, 06-Nov-94 08:49:38 GMT";

Condition Against(FieldList stored, FieldList request) {
  const auto kept = Response(200, stored);
  const auto asked = Request(request);
  return Evaluate(asked->request.headers, ValidatorsOf(kept->response.headers, kNow), kNow);
}

TEST(ConditionsTest, EntityTags) {
  const auto matches = [](absl::string_view stored, absl::string_view asked) {
    return Against({{"etag", stored}}, {{"if-none-match", asked}}) == Condition::kNotModified;
  };
  EXPECT_TRUE(matches("\"a\"", "\"a\""));
  EXPECT_TRUE(matches("\"a\"", "\"b\", \"a\""));
  EXPECT_TRUE(matches("\"a\"", "W/\"a\"")) << "comparison is weak";
  EXPECT_TRUE(matches("W/\"a\"", "\"a\""));
  EXPECT_TRUE(matches("\"a,b\"", "\"x\", \"a,b\""));
  EXPECT_TRUE(matches("\"a\"", "*"));
  EXPECT_TRUE(matches("a", "a"));
  EXPECT_FALSE(matches("\"a\"", "\"b\""));
  EXPECT_FALSE(matches("\"a\"", "a"));
  EXPECT_FALSE(matches("W/\"a\"", "w/\"a\""));
  EXPECT_FALSE(matches("", "\"\""));
}

TEST(ConditionsTest, Dates) {
  EXPECT_EQ(Against({{"last-modified", kOld}}, {{"if-modified-since", kOld}}),
            Condition::kNotModified);
  EXPECT_EQ(Against({{"last-modified", kOld}}, {{"if-modified-since", kNewer}}),
            Condition::kNotModified);
  EXPECT_EQ(Against({{"last-modified", kOld}}, {{"if-modified-since", kOlder}}), Condition::kNone);
  EXPECT_EQ(Against({{"last-modified", kOld}}, {{"if-modified-since", "foo"}}), Condition::kNone);
  EXPECT_EQ(Against({{"last-modified", kOld}},
                    {{"if-modified-since", kOld}, {"if-modified-since", kNewer}}),
            Condition::kNone)
      << "of two none counts";
  EXPECT_EQ(Against({{"date", kOld}}, {{"if-modified-since", kNewer}}), Condition::kNotModified);
  // The tag decides where there is one.
  EXPECT_EQ(Against({{"etag", "\"a\""}, {"last-modified", kOld}},
                    {{"if-none-match", "\"b\""}, {"if-modified-since", kNewer}}),
            Condition::kNone);
  EXPECT_EQ(Against({}, {{"if-match", "\"a\""}}), Condition::kForward);
  EXPECT_EQ(Against({}, {{"if-unmodified-since", kOld}}), Condition::kForward);
}

bool RangeHolds(FieldList stored, absl::string_view if_range) {
  const auto kept = Response(200, stored);
  const auto asked = Request({{"if-range", if_range}});
  return IfRangeHolds(asked->request.headers, ValidatorsOf(kept->response.headers, kNow), kNow);
}

TEST(ConditionsTest, IfRangeNeedsStrongValidators) {
  EXPECT_TRUE(RangeHolds({{"etag", "\"a\""}}, "\"a\""));
  EXPECT_FALSE(RangeHolds({{"etag", "\"a\""}}, "\"b\""));
  EXPECT_FALSE(RangeHolds({{"etag", "W/\"a\""}}, "W/\"a\""));
  EXPECT_FALSE(RangeHolds({}, "\"\""));
  EXPECT_TRUE(
      RangeHolds({{"last-modified", kOld}, {"date", "Sun, 06 Nov 1994 09:49:37 GMT"}}, kOld));
  EXPECT_FALSE(RangeHolds({{"last-modified", kOld}, {"date", kNewer}}, kOld)) << "too young";
  EXPECT_FALSE(RangeHolds({{"last-modified", kOlder}}, kOld));
}

std::string Range(absl::string_view value, uint64_t length) {
  const ByteRange range = ReadRange(value, length);
  if (range.kind == ByteRange::Kind::kWhole) return "whole";
  if (range.kind == ByteRange::Kind::kUnsatisfiable) return "none";
  return absl::StrCat(range.first, "+", range.size);
}

TEST(ByteRangeTest, OneRange) {
  EXPECT_EQ(Range("bytes=0-1", 11), "0+2");
  EXPECT_EQ(Range("Bytes=1-", 11), "1+10");
  EXPECT_EQ(Range("bytes=-1", 11), "10+1");
  EXPECT_EQ(Range("bytes=-99", 11), "0+11");
  EXPECT_EQ(Range("bytes=5-99999999999999999999999", 11), "5+6");
  EXPECT_EQ(Range("bytes=10-10", 11), "10+1");
  EXPECT_EQ(Range("bytes=11-", 11), "none");
  EXPECT_EQ(Range("bytes=99999999999999999999999-", 11), "none");
  EXPECT_EQ(Range("bytes=-0", 11), "none");
  EXPECT_EQ(Range("bytes=0-", 0), "none");
  EXPECT_EQ(Range("bytes=-5", 0), "none");
  for (const char* other :
       {"", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "bytes=1", "items=0-1",
        "bytes=0-1,3-4", "bytes=0-0,0-0,0-0", "bytes=-1-2", "bytes= 1 - 2"}) {
    EXPECT_EQ(Range(other, 11), "whole") << other;
  }
}

TEST(ByteRangeTest, WhatAPartSaysOfItself) {
  const auto range = ReadContentRange("Bytes 1-2/9");
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(absl::StrCat(range->first, " ", range->last, " ", range->length), "1 2 9");
  EXPECT_FALSE(range->whole());
  EXPECT_TRUE(ReadContentRange("bytes 0-8/9")->whole());
  for (const char* other :
       {"", "bytes", "bytes ", "bytes 1-2", "bytes 1-2/", "bytes 1-2/*", "bytes */9", "bytes 2-1/9",
        "bytes 1-9/9", "bytes 0-0/0", "bytes 1/2-3", "bytes -1/9", "bytes 1-/9", "items 1-2/9",
        "bytes 1-2/99999999999999999999999x", "bytes=1-2/9", "bytes 1-2-3/9",
        "bytes 99999999999999999999999-99999999999999999999999/99999999999999999999999"}) {
    EXPECT_FALSE(ReadContentRange(other).has_value()) << other;
  }
}

std::string Selecting(absl::string_view vary, FieldList request) {
  const auto heads = Response(200, {{"vary", vary}});
  const auto asked = Request(request);
  const VaryFields fields = ReadVary(heads->response.headers);
  return fields.usable ? SelectingValues(fields.names, asked->request.headers) : "unusable";
}

TEST(VaryTest, WhatMeansTheSameLooksTheSame) {
  EXPECT_EQ(Selecting("Foo", {{"foo", "1,2"}}), Selecting("foo, FOO", {{"foo", " 1 ,  2 "}}));
  EXPECT_EQ(Selecting("Foo", {{"foo", "1, 2"}}), Selecting("foo", {{"foo", "1"}, {"foo", "2"}}));
  EXPECT_EQ(Selecting("a, b", {{"b", "1"}}), Selecting("b,a", {{"b", "1"}, {"c", "2"}}));
  EXPECT_EQ(Selecting("accept-language", {{"accept-language", "en, DE;q=0.5"}}),
            Selecting("accept-language", {{"accept-language", "de; q=0.5,en"}}));
  EXPECT_EQ(Selecting("accept-encoding", {{"accept-encoding", "gzip, br"}}),
            Selecting("accept-encoding", {{"accept-encoding", "br"}, {"accept-encoding", "GZIP"}}));
}

TEST(VaryTest, WhatDiffersLooksDifferent) {
  EXPECT_NE(Selecting("foo", {{"foo", "1"}}), Selecting("foo", {{"foo", "2"}}));
  EXPECT_NE(Selecting("foo", {{"foo", ""}}), Selecting("foo", {}));
  EXPECT_NE(Selecting("foo", {{"foo", "a"}}), Selecting("foo", {{"foo", "A"}}));
  EXPECT_NE(Selecting("foo", {{"foo", "1, 2"}}), Selecting("foo", {{"foo", "2, 1"}}));
  EXPECT_NE(Selecting("a, b", {{"a", "1"}}), Selecting("a, b", {{"b", "1"}}));
  EXPECT_NE(Selecting("a, b", {{"a", "1;1:2"}}), Selecting("a, b", {{"a", "1"}, {"b", "2"}}));
  EXPECT_NE(Selecting("foo", {{"foo", "\"1,2\""}}),
            Selecting("foo", {{"foo", "\"1"}, {"foo", "2\""}}));
}

TEST(VaryTest, WhatCannotBeMatched) {
  for (const char* bad : {"*", "*, *", ", *", "foo, *", "*, foo", "foo bar", "f\"o\""}) {
    EXPECT_EQ(Selecting(bad, {}), "unusable") << bad;
  }
  const auto lines = Response(200, {{"vary", ""}, {"vary", "*"}});
  EXPECT_FALSE(ReadVary(lines->response.headers).usable);
  std::string many;
  for (int i = 0; i < 17; ++i) absl::StrAppend(&many, "f", i, ",");
  EXPECT_EQ(Selecting(many, {}), "unusable");
}

std::string Resolve(absl::string_view path, absl::string_view reference) {
  const auto heads = Request({});
  heads->request.path = path;
  heads->request.authority = "Host:80";
  return ResolveSameOrigin(heads->request, reference, {});
}

TEST(KeyTest, References) {
  EXPECT_EQ(Resolve("/a/b?c", "d"), "http://host/a/d");
  EXPECT_EQ(Resolve("/a/b?c", "../d#e"), "http://host/d");
  EXPECT_EQ(Resolve("/a/b?c", "/x?y"), "http://host/x?y");
  EXPECT_EQ(Resolve("/a/b?c", "?y"), "http://host/a/b?y");
  EXPECT_EQ(Resolve("/a/b?c", ""), "http://host/a/b?c");
  EXPECT_EQ(Resolve("/a/b?c", "//HOST/x"), "http://host/x");
  EXPECT_EQ(Resolve("/a/b?c", "HTTP://host:80/x"), "http://host/x");
  EXPECT_EQ(Resolve("/a/b?c", "http://host"), "http://host/");
  EXPECT_EQ(Resolve("/a/b?c", "http://host?y"), "http://host/?y");
  for (const char* other : {"https://host/x", "http://host:81/x", "http://evil/x", "//evil/x",
                            "http:x", "mailto:x", "http://host@evil/x", "/a b", "/%zz"}) {
    EXPECT_EQ(Resolve("/a/b?c", other), "") << other;
  }
}

TEST(KeyTest, KeepsApartWhatAnOriginMayKeepApart) {
  const auto key = [](absl::string_view path, FieldList fields, absl::string_view host = "host") {
    const auto heads = Request(fields);
    heads->request.path = path;
    heads->request.authority = host;
    const Key made(heads->request, "", {});
    return absl::StrCat(made.url(), "|", made.extra());
  };
  const std::string plain = key("/a?b=1&c=2", {});
  EXPECT_EQ(plain, "http://host/a?b=1&c=2|");
  EXPECT_EQ(key("/a?b=1&c=2", {{"cookie", "x"}, {"user-agent", "y"}}), plain);
  EXPECT_EQ(key("/a?b=1&c=2", {{"forwarded", "for=1.2.3.4"}}), plain);
  for (const char* path : {"/a?c=2&b=1", "/a?b=1&c=2&", "/%61?b=1&c=2", "/A?b=1&c=2", "/a/?b=1&c=2",
                           "/a;x?b=1&c=2", "/a%3fb=1&c=2", "/a?b=1&c=2%00"}) {
    EXPECT_NE(key(path, {}), plain) << path;
  }
  EXPECT_NE(key("/a?b=1&c=2", {}, "host:81"), plain);
  EXPECT_NE(key("/a?b=1&c=2", {{"x-forwarded-host", "evil"}}), plain);
  EXPECT_NE(key("/a?b=1&c=2", {{"forwarded", "for=1;Host=evil"}}), plain);
  for (const char* name :
       {"x-forwarded-scheme", "x-forwarded-protocol", "x-forwarded-ssl", "x-forwarded-path",
        "x-forwarded-uri", "x-original-uri", "x-http-host-override", "x-url-scheme",
        "front-end-https", "x-scheme", "x-original-scheme", "x-original-proto", "x-script-name",
        "x-envoy-original-path", "x-envoy-original-host"}) {
    EXPECT_NE(key("/a?b=1&c=2", {{name, "evil"}}), plain) << name;
  }
  for (const char* name :
       {"x_forwarded_host", "x-forwarded_port", "x_forwarded_proto", "x_host", "front_end_https"}) {
    EXPECT_NE(key("/a?b=1&c=2", {{name, "evil"}}), plain) << name;
  }
  for (const char* name : {"x_foo", "xhost", "x-forwarded-proton"}) {
    EXPECT_EQ(key("/a?b=1&c=2", {{name, "evil"}}), plain) << name;
  }
}

// One URL, to be found and purged by one name; but an origin may redirect to the port that it was
// asked for, or know no host in capitals.
TEST(KeyTest, KeepsApartHowTheHostIsWritten) {
  const auto key = [](absl::string_view host, KeyOptions options = {}) {
    const auto heads = Request({});
    heads->request.authority = host;
    return Key(heads->request, "web", options);
  };
  const Key plain = key("host");
  EXPECT_FALSE(HasClientFields(plain.extra()));
  for (const char* host : {"HOST", "hosT", "host:80", "host:080"}) {
    EXPECT_EQ(key(host).url(), plain.url()) << host;
    EXPECT_NE(key(host).extra(), plain.extra()) << host;
    EXPECT_TRUE(HasClientFields(key(host).extra())) << host;
    EXPECT_EQ(key(host, {false, true}).extra(), plain.extra()) << host;
  }
  EXPECT_NE(key("HOST").extra(), key("host:80").extra());
}

// Another listener, or a route that looks at fields, may lead elsewhere with the same URL.
TEST(KeyTest, WhatOneClusterAnsweredIsNoAnswerOfAnother) {
  const auto heads = Request({});
  const auto key = [&heads](absl::string_view cluster) {
    return Key(heads->request, cluster, {}).extra();
  };
  EXPECT_EQ(key(""), "");
  EXPECT_EQ(key("web"), key("web"));
  EXPECT_NE(key("web"), key("internal"));
  EXPECT_FALSE(HasClientFields(key("")));
  EXPECT_FALSE(HasClientFields(key("web")));
  const auto evil = Request({{"x-host", "evil"}});
  EXPECT_TRUE(HasClientFields(Key(evil->request, "web", {}).extra()));
  EXPECT_TRUE(HasClientFields(Key(evil->request, "", {}).extra()));
}

TEST(KeyTest, Disguises) {
  EXPECT_FALSE(DisguisesItself(Request({{"x-foo", "1"}, {"accept", "2"}})->request.headers));
  for (const char* name :
       {"x-http-method-override", "x-http-method", "x-method-override", "x-original-url",
        "x-rewrite-url", "x_http_method_override", "x_original-url"}) {
    EXPECT_TRUE(DisguisesItself(Request({{name, "1"}})->request.headers)) << name;
  }
}

TEST(CacheStatusTest, Renders) {
  CacheStatus hit;
  hit.hit = true;
  hit.ttl = -3;
  EXPECT_EQ(Render("proxenos", hit), "proxenos; hit; ttl=-3");
  CacheStatus miss;
  miss.forwarded = Forwarded::kUriMiss;
  miss.forward_status = 200;
  miss.stored = true;
  miss.collapsed = true;
  miss.detail = "x";
  EXPECT_EQ(Render("a \"b\"", miss),
            "\"a \\\"b\\\"\"; fwd=uri-miss; fwd-status=200; stored; collapsed; detail=x");
  const auto heads = Response(200, {{"cache-status", "Origin; hit"}});
  AppendCacheStatus("p; hit", heads->response.headers);
  EXPECT_EQ(heads->response.headers.Find("cache-status")->value(), "Origin; hit, p; hit");
}

}  // namespace
}  // namespace proxenos::cache
