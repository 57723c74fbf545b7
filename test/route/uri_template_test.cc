// Templates of paths: what they match, what rewrites make of it, and what is no template. The table
// of matches was read off Envoy.
#include "source/route/uri_template.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/match/regex.h"

namespace proxenos::route {
namespace {

using Paths = std::set<std::string>;

const char* const kPaths[] = {"/a",     "/ab",    "/a/b",     "/aXb",    "/a/",        "/ps",
                              "/pxs",   "/px/s",  "/v/x",     "/v1/x",   "/.json",     "/q.json",
                              "/a=b",   "/x/1",   "/x/",      "/b",      "//b",        "/q/b",
                              "/q/r/b", "/a/c/d", "/a/q.mpd", "/a/.mpd", "/a/c/q.mpd", "/x",
                              "/qx",    "/",      "/xqy/r",   "/a-1-c",  "/1s/2t",     "/xyz"};

Paths Matched(const std::string& text) {
  const auto pattern = ParseUriTemplate(text);
  EXPECT_TRUE(pattern.ok()) << text << ": " << pattern.status();
  if (!pattern.ok()) return {};
  const auto regex = match::Regex::Compile(pattern->regex);
  EXPECT_TRUE(regex.ok()) << regex.status();
  Paths matched;
  for (const char* path : kPaths) {
    if (regex->FullMatch(path)) matched.insert(path);
  }
  return matched;
}

TEST(UriTemplateTest, Matches) {
  EXPECT_EQ(Matched("/"), Paths({"/"}));
  EXPECT_EQ(Matched("/p{a}s"), Paths({"/pxs"}));
  EXPECT_EQ(Matched("/v{a}/x"), Paths({"/v1/x"}));
  EXPECT_EQ(Matched("/{a}.json"), Paths({"/q.json"}));
  EXPECT_EQ(Matched("/a=b"), Paths({"/a=b"}));
  EXPECT_EQ(Matched("/{a=x/*}"), Paths({"/x/1"}));
  EXPECT_EQ(Matched("/{a=**}/b"), Paths({"/a/b", "//b", "/q/b", "/q/r/b"}));
  EXPECT_EQ(Matched("/a/**"),
            Paths({"/a/b", "/a/", "/a/c/d", "/a/q.mpd", "/a/.mpd", "/a/c/q.mpd"}));
  EXPECT_EQ(Matched("/a/**.mpd"), Paths({"/a/q.mpd", "/a/.mpd", "/a/c/q.mpd"}));
  EXPECT_EQ(Matched("/*x"), Paths({"/qx"}));
  EXPECT_EQ(Matched("/x{a}y/{b}"), Paths({"/xqy/r"}));
  EXPECT_EQ(Matched("/a-{b=*}-c"), Paths({"/a-1-c"}));
  EXPECT_EQ(Matched("/x{b=**}"), Paths({"/x", "/x/", "/x/1", "/xqy/r", "/xyz"}));
  EXPECT_EQ(Matched("/{b}s/{c}t"), Paths({"/1s/2t"}));
  EXPECT_EQ(Matched("/x{b=y}z"), Paths({"/xyz"}));
  EXPECT_EQ(Matched("/a/"), Paths({"/a/"}));
  EXPECT_EQ(Matched("/**").size(), std::size(kPaths));
}

TEST(UriTemplateTest, VariablesInOrder) {
  const auto pattern = ParseUriTemplate("/{b=x/*}/{a_1}/v{c}");
  ASSERT_TRUE(pattern.ok());
  EXPECT_EQ(pattern->variables, (std::vector<std::string>{"b", "a_1", "c"}));
}

TEST(UriTemplateTest, WhatIsNoTemplate) {
  for (const char* text :
       {"", "a", "//", "/a//b", "/{a}{b}", "/{a=}", "/{}", "/{1a}", "/{a", "/a}", "/{a}/{a}",
        "/{abcdefghijklmnopq}", "/{a}/{b}/{c}/{d}/{e}/{f}", "/**/{a}", "/**/*", "/{a=**}/*",
        "/{a=*x}", "/**x/y", "/*a/b", "/a{b}c{d}", "/{a}-{b}", "/*{b}", "/*.{b}", "/x{b=a/*}",
        "/x{b", "/a b", "/a?b", "/{a=x/}", "/{a=/x}", "/\x80", "/***",
        // Envoy takes these, as repetitions of the byte before.
        "/a*", "/a*b", "/{b}*", "/a*{c}", "/x{b=a*}"}) {
    EXPECT_FALSE(ParseUriTemplate(text).ok()) << text;
  }
}

std::string Rewritten(const std::string& text, const std::string& rewrite,
                      const std::string& path) {
  const auto pattern = ParseUriTemplate(text);
  if (!pattern.ok()) return pattern.status().ToString();
  const auto substitution = UriTemplateSubstitution(rewrite, *pattern);
  if (!substitution.ok()) return std::string(substitution.status().message());
  const auto regex = match::Regex::Compile(absl::StrCat("^(?:", pattern->regex, ")$"));
  if (!regex->CheckSubstitution(*substitution).ok()) return "bad substitution";
  return regex->ReplaceAll(path, *substitution).value_or("too large");
}

TEST(UriTemplateTest, Rewrites) {
  EXPECT_EQ(Rewritten("/{one}/{two}", "/{two}/{one}", "/cat/dog"), "/dog/cat");
  EXPECT_EQ(Rewritten("/videos/{language=lang/*}/*", "/{language}", "/videos/lang/en/v.m4s"),
            "/lang/en");
  EXPECT_EQ(Rewritten("/content/{format}/{lang}/{id}/{file}.vtt", "/{lang}/{format}/{file}.vtt",
                      "/content/hls/en-us/12345/en_193913.vtt"),
            "/en-us/hls/en_193913.vtt");
  EXPECT_EQ(Rewritten("/{a}", "/{a}{a}", "/x"), "/xx");
  EXPECT_EQ(Rewritten("/{a=**}", "/v*=/{a}", "/x/y"), "/v*=/x/y");
  EXPECT_EQ(Rewritten("/a/**", "/b", "/a/x"), "/b");
}

TEST(UriTemplateTest, WhatIsNoRewrite) {
  EXPECT_EQ(Rewritten("/{a}", "/{b}", "/x"), "has a variable that the template lacks: 'b'");
  EXPECT_EQ(Rewritten("/{a}", "x", "/x"), "does not begin with '/'");
  EXPECT_EQ(Rewritten("/{a}", "", "/x"), "does not begin with '/'");
  EXPECT_EQ(Rewritten("/{a}", "/x//y", "/x"), "has '//'");
  EXPECT_EQ(Rewritten("/{a}", "/x?y", "/x"), "has a byte which paths do not");
  EXPECT_EQ(Rewritten("/{a}", "/\\1", "/x"), "has a byte which paths do not");
  EXPECT_EQ(Rewritten("/{a}", "/{a", "/x"), "has a variable without '}'");
}

}  // namespace
}  // namespace proxenos::route
