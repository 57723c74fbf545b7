// Canonical paths, query parameters, ports of authorities.
#include "source/http/path.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

struct Case {
  std::string path;
  PathVerdict verdict;
  std::string result;  // Of kChanged and kRedirect.
};

void Check(const Case& c, const PathOptions& options) {
  SCOPED_TRACE(c.path);
  buffer::Arena arena;
  const PathResult result = NormalizePath(c.path, options, arena);
  EXPECT_EQ(static_cast<int>(result.verdict), static_cast<int>(c.verdict));
  const bool changed = c.verdict == PathVerdict::kChanged || c.verdict == PathVerdict::kRedirect;
  EXPECT_EQ(result.path, changed ? c.result : c.path);
  if (!changed) {
    EXPECT_EQ(result.path.data(), c.path.data()) << "what is kept is not copied";
    return;
  }
  const PathResult again = NormalizePath(result.path, options, arena);
  EXPECT_EQ(static_cast<int>(again.verdict), static_cast<int>(PathVerdict::kKeep));
}

constexpr PathVerdict kKeep = PathVerdict::kKeep;
constexpr PathVerdict kChanged = PathVerdict::kChanged;
constexpr PathVerdict kReject = PathVerdict::kReject;
constexpr PathVerdict kRedirect = PathVerdict::kRedirect;

TEST(NormalizePathTest, Normalize) {
  const Case cases[] = {
      {"/", kKeep, ""},
      {"/a/b?x=../y//z", kKeep, ""},
      {"/a/b/", kKeep, ""},
      {"/a//b", kKeep, ""},
      {"/.well-known/x", kKeep, ""},
      {"/..a/.b./c..", kKeep, ""},
      {"/a;p=1/b", kKeep, ""},
      {"*", kKeep, ""},
      {"", kKeep, ""},
      {"a/../b", kKeep, ""},
      {"/a/./b", kChanged, "/a/b"},
      {"/a/../b", kChanged, "/b"},
      {"/a/..", kChanged, "/"},
      {"/a/.", kChanged, "/a/"},
      {"/.", kChanged, "/"},
      {"/..", kChanged, "/"},
      {"/../../../etc/passwd", kChanged, "/etc/passwd"},
      {"/a/b/../../c/./d/..?q", kChanged, "/c/?q"},
      {"/a//../b", kChanged, "/a/b"},
      {"/a//..", kChanged, "/a/"},
      {"/a/..;/b", kChanged, "/b"},
      {"/a/b/..;x=y;z/c", kChanged, "/a/c"},
      {"/a/.;x/b", kChanged, "/a/b"},
      {"/a/..;", kChanged, "/"},
      {"/a/.;x?q;/..;/", kChanged, "/a/?q;/..;/"},
      {"/a/%2e%2E;/b", kChanged, "/b"},
      {"/a/..;%2fb/c", kChanged, "/c"},
      {"/a\\..;\\b", kChanged, "/b"},
      {"/a/..;x/../b", kChanged, "/b"},
      {"/a/...;/..x;/;/..%3B/b", kKeep, ""},
      {"/%61dmin", kChanged, "/admin"},
      {"/a/%2e%2E/b", kChanged, "/b"},
      {"/%2e%2e%2fb", kChanged, "/..%2Fb"},
      {"/x%2fy", kChanged, "/x%2Fy"},
      {"/x%2Fy", kKeep, ""},
      {"/%7e%2D%5f%2e", kChanged, "/~-_."},
      {"/%25%32%65", kChanged, "/%252e"},
      {"/%252e", kKeep, ""},
      {"/a\\b", kChanged, "/a/b"},
      {"/a\\..\\b", kChanged, "/b"},
      {"/a b", kChanged, "/a%20b"},
      {"/{id}", kChanged, "/%7Bid%7D"},
      {"/\xc3\xa9", kChanged, "/%C3%A9"},
      {"/%", kReject, ""},
      {"/%4", kReject, ""},
      {"/%zz", kReject, ""},
      {"/%4g", kReject, ""},
      {"/a%00b", kReject, ""},
      {std::string("/a\0b", 4), kReject, ""},
      {"/a#b", kReject, ""},
      {"/a?b#c", kReject, ""},
      {"/a?%zz", kKeep, ""},
  };
  PathOptions options;
  options.normalize = true;
  for (const Case& c : cases) Check(c, options);
}

TEST(NormalizePathTest, NothingAskedForKeepsAllButFragments) {
  for (const char* path : {"/a/../b", "/%zz", "//", "/%2f", "/a b", "/a\\b"}) {
    Check({path, kKeep, ""}, {});
  }
  Check({"/a#b", kReject, ""}, {});
}

TEST(NormalizePathTest, MergeSlashes) {
  const Case cases[] = {
      {"//", kChanged, "/"},
      {"/a//b///c//", kChanged, "/a/b/c/"},
      {"/a/b?c//d", kKeep, ""},
      {"/a/../b", kKeep, ""},
  };
  PathOptions options;
  options.merge_slashes = true;
  for (const Case& c : cases) Check(c, options);
  options.normalize = true;
  Check({"/a//.././/b", kChanged, "/a/b"}, options);
  Check({"/a//..", kChanged, "/a/"}, options);
}

TEST(NormalizePathTest, EscapedSlashes) {
  PathOptions options;
  options.escaped_slashes = EscapedSlashes::kReject;
  Check({"/a%2fb", kReject, ""}, options);
  Check({"/a%5Cb", kReject, ""}, options);
  Check({"/a%2gb?%2f", kKeep, ""}, options);
  options.escaped_slashes = EscapedSlashes::kUnescapeAndForward;
  Check({"/a%2Fb%5cc?%2f", kChanged, "/a/b\\c?%2f"}, options);
  Check({"/a%252fb", kKeep, ""}, options);
  options.escaped_slashes = EscapedSlashes::kUnescapeAndRedirect;
  Check({"/a%2f%2e%2e%2fb", kRedirect, "/a/%2e%2e/b"}, options);
  options.normalize = true;
  options.merge_slashes = true;
  Check({"/a%2f%2e%2e%2fb%5c%2fc", kRedirect, "/b/c"}, options);
  Check({"/a/../b", kChanged, "/b"}, options);
  Check({"/a%2f%zz", kReject, ""}, options);
}

TEST(PathTest, QueryParameters) {
  const auto find = [](absl::string_view path, absl::string_view name) -> std::string {
    absl::string_view value = "?";
    return FindQueryParameter(path, name, &value) ? std::string(value) : "none";
  };
  EXPECT_EQ(find("/p?a=1&b=2", "a"), "1");
  EXPECT_EQ(find("/p?a=1&b=2", "b"), "2");
  EXPECT_EQ(find("/p?a=1&a=2", "a"), "1") << "the first counts";
  EXPECT_EQ(find("/p?a&b=", "a"), "");
  EXPECT_EQ(find("/p?a&b=", "b"), "");
  EXPECT_EQ(find("/p?a=b=c", "a"), "b=c");
  EXPECT_EQ(find("/p?aa=1&&&a=2&", "a"), "2");
  EXPECT_EQ(find("/p?aa=1", "a"), "none");
  EXPECT_EQ(find("/p", "a"), "none");
  EXPECT_EQ(find("/p?", "a"), "none");
  EXPECT_EQ(find("/p?=1", ""), "1");
  EXPECT_EQ(find("/p?a=1#&b=2", "b"), "none");
  EXPECT_EQ(WithoutQuery("/p?a#b"), "/p");
  EXPECT_EQ(WithoutQuery("/p#b?a"), "/p");
  EXPECT_EQ(WithoutQuery("/p"), "/p");
  EXPECT_EQ(QueryOf("/p?a=1?2#b"), "a=1?2");
  EXPECT_EQ(QueryOf("/p#b?a"), "");
}

TEST(PathTest, Ports) {
  EXPECT_EQ(StripPort("a.com:80"), "a.com");
  EXPECT_EQ(StripPort("a.com"), "a.com");
  EXPECT_EQ(StripPort("a.com:"), "a.com:");
  EXPECT_EQ(StripPort("a.com:http"), "a.com:http");
  EXPECT_EQ(StripPort("a.com:65536"), "a.com:65536");
  EXPECT_EQ(StripPort("[::1]:8080"), "[::1]");
  EXPECT_EQ(StripPort("[::1]"), "[::1]");
  EXPECT_EQ(StripPort("a.com:8080", 8080), "a.com");
  EXPECT_EQ(StripPort("a.com:8080", 80), "a.com:8080");
  buffer::Arena arena;
  EXPECT_EQ(StripTrailingDot("a.com.", arena), "a.com");
  EXPECT_EQ(StripTrailingDot("a.com.:80", arena), "a.com:80");
  EXPECT_EQ(StripTrailingDot("a.com:80", arena), "a.com:80");
  EXPECT_EQ(StripTrailingDot("", arena), "");
}

}  // namespace
}  // namespace proxenos::http
