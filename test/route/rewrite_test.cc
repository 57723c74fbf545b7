// What a matched route makes of a request.
#include "source/route/rewrite.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

std::shared_ptr<const RouteTable> TableOf(const std::string& match, const std::string& action) {
  return Compile(absl::StrCat("virtual_hosts { name: 'v' domains: '*' routes { match { ", match,
                              " } ", action, " } }"));
}

struct Rewritten {
  std::string path;
  std::string original;
};

Rewritten RewritePath(const std::string& match, const std::string& rewrite,
                      const std::string& path) {
  const auto table = TableOf(match, absl::StrCat("route { cluster: 'c' ", rewrite, " }"));
  Request request(path);
  const Route* route = table->Match(request.Input());
  if (route == nullptr) return {"no route", ""};
  const absl::string_view original = ApplyPathRewrite(*route, request.head);
  return {std::string(request.head.path), std::string(original)};
}

TEST(RewriteTest, Paths) {
  const struct {
    const char *match, *rewrite, *path, *result;
  } cases[] = {
      {"prefix: '/prefix/'", "prefix_rewrite: '/'", "/prefix/etc?q=1", "/etc?q=1"},
      {"prefix: '/prefix'", "prefix_rewrite: '/'", "/prefix", "/"},
      {"prefix: '/prefix'", "prefix_rewrite: '/'", "/prefix/etc", "//etc"},
      {"prefix: '/P' case_sensitive {}", "prefix_rewrite: '/new'", "/px", "/newx"},
      {"path: '/a'", "prefix_rewrite: '/b'", "/a?x", "/b?x"},
      {"path_separated_prefix: '/api'", "prefix_rewrite: '/v2'", "/api/x", "/v2/x"},
      {"safe_regex { regex: '/r.*' }", "prefix_rewrite: '/new'", "/r/1?x", "/new?x"},
      {"prefix: '/'",
       "regex_rewrite { pattern { regex: '^/service/([^/]+)(/.*)$' } "
       "substitution: '\\\\2/instance/\\\\1' }",
       "/service/foo/v1/api?q=/service/", "/v1/api/instance/foo?q=/service/"},
      {"prefix: '/'", "regex_rewrite { pattern { regex: 'one' } substitution: 'two' }",
       "/one/one?one", "/two/two?one"},
      {"prefix: '/a'", "prefix_rewrite: 'b/'", "/a/c", "/b//c"},
  };
  for (const auto& c : cases) {
    const Rewritten result = RewritePath(c.match, c.rewrite, c.path);
    EXPECT_EQ(result.path, c.result) << c.match << " " << c.path;
    EXPECT_EQ(result.original, c.path);
  }
}

TEST(RewriteTest, PathsThatStay) {
  EXPECT_EQ(RewritePath("prefix: '/'", "", "/a").original, "");
  EXPECT_EQ(RewritePath("prefix: '/'", "", "/a").path, "/a");
  const std::string vanish = "regex_rewrite { pattern { regex: '.*' } substitution: '' }";
  EXPECT_EQ(RewritePath("prefix: '/'", vanish, "/a?b").path, "/a?b");
  EXPECT_EQ(RewritePath("prefix: '/'", vanish, "/a?b").original, "");
}

TEST(RewriteTest, PrefixesThatThePathDoesNotBeginWith) {
  const auto table = Compile(R"(
    ignore_path_parameters_in_path_matching: true
    virtual_hosts { name: 'v' domains: '*' routes {
      match { prefix: '/a/' } route { cluster: 'c' prefix_rewrite: '/b/' } } })");
  const struct {
    const char *path, *result;
  } cases[] = {{"/a/x;y", "/b/x;y"}, {"/a;x/y?z", "/a;x/y?z"}, {"/a;/", "/a;/"}};
  for (const auto& c : cases) {
    Request request(c.path);
    const Route* route = table->Match(request.Input());
    ASSERT_NE(route, nullptr) << c.path;
    ApplyPathRewrite(*route, request.head);
    EXPECT_EQ(std::string(request.head.path), c.result);
  }
}

struct Host {
  std::string authority, forwarded, original;
};

Host RewriteHost(const std::string& action, const Request::Fields& fields) {
  const auto table = TableOf("prefix: '/'", absl::StrCat("route { ", action, " }"));
  Request request("/region-eu/x?q", "old.com", fields);
  const Route* route = table->Match(request.Input());
  const ClusterPick pick = PickCluster(*route, request.Input());
  const absl::string_view original = ApplyHostRewrite(*route, pick.weighted, request.head);
  return {std::string(request.head.authority),
          std::string(request.head.headers.Get(http::HeaderId::kXForwardedHost)),
          std::string(original)};
}

TEST(RewriteTest, Hosts) {
  const std::string c = "cluster: 'c' ";
  EXPECT_EQ(RewriteHost(c, {}).authority, "old.com");
  EXPECT_EQ(RewriteHost(c, {}).original, "");
  EXPECT_EQ(RewriteHost(c + "host_rewrite_literal: 'new.com'", {}).authority, "new.com");
  EXPECT_EQ(RewriteHost(c + "host_rewrite_literal: 'new.com'", {}).original, "old.com");
  EXPECT_EQ(RewriteHost(c + "host_rewrite_header: 'X-To'", {{"x-to", "h.com"}}).authority, "h.com");
  EXPECT_EQ(RewriteHost(c + "host_rewrite_header: 'X-To'", {}).authority, "old.com");
  EXPECT_EQ(RewriteHost(c + "host_rewrite_path_regex { pattern { regex: '^/region-([a-z]+)/.*$' } "
                            "substitution: '\\\\1.com' }",
                        {})
                .authority,
            "eu.com");
  EXPECT_EQ(RewriteHost(c + "auto_host_rewrite { value: true }", {}).authority, "old.com");
  const Host appended =
      RewriteHost(c + "host_rewrite_literal: 'new.com' append_x_forwarded_host: true",
                  {{"x-forwarded-host", "first"}, {"x-forwarded-host", "second"}});
  EXPECT_EQ(appended.forwarded, "first,second,old.com");
  const std::string weighted =
      "weighted_clusters { clusters { name: 'c' weight { value: 1 } host_rewrite_literal: 'w.com' "
      "} } ";
  EXPECT_EQ(RewriteHost(weighted, {}).authority, "w.com");
  EXPECT_EQ(RewriteHost(weighted + "host_rewrite_literal: 'r.com'", {}).authority, "r.com");
}

TEST(RewriteTest, Redirects) {
  const struct {
    const char *match, *redirect, *host, *path;
    bool https;
    const char* location;
  } cases[] = {
      {"prefix: '/'", "https_redirect: true", "a.com", "/x?y", false, "https://a.com/x?y"},
      {"prefix: '/'", "https_redirect: true", "a.com:80", "/", false, "https://a.com/"},
      {"prefix: '/'", "https_redirect: true", "a.com:8080", "/", false, "https://a.com:8080/"},
      {"prefix: '/'", "https_redirect: true", "[::1]:80", "/", false, "https://[::1]/"},
      {"prefix: '/'", "https_redirect: true", "[::1]", "/", false, "https://[::1]/"},
      {"prefix: '/'", "scheme_redirect: 'http'", "a.com:443", "/", true, "http://a.com/"},
      {"prefix: '/'", "host_redirect: 'b.com'", "a.com:80", "/x", false, "http://b.com/x"},
      {"prefix: '/'", "host_redirect: 'b.com' port_redirect: 81", "a.com", "/x", false,
       "http://b.com:81/x"},
      {"prefix: '/'", "port_redirect: 8443 https_redirect: true", "a.com:80", "/x", false,
       "https://a.com:8443/x"},
      {"prefix: '/'", "path_redirect: '/new'", "a.com:80", "/x?y", false, "http://a.com:80/new?y"},
      {"prefix: '/'", "path_redirect: '/new' strip_query: true", "a.com", "/x?y", false,
       "http://a.com/new"},
      {"prefix: '/'", "path_redirect: '/new?foo=1' strip_query: true", "a.com", "/x?y", false,
       "http://a.com/new?foo=1"},
      {"prefix: '/'", "path_redirect: '/new?foo=1'", "a.com", "/x?y", false,
       "http://a.com/new?foo=1"},
      {"prefix: '/old'", "prefix_rewrite: '/new'", "a.com", "/old/x?y", false,
       "http://a.com/new/x?y"},
      {"prefix: '/old'", "prefix_rewrite: '/new' strip_query: true", "a.com", "/old/x?y", false,
       "http://a.com/new/x"},
      {"path: '/old'", "prefix_rewrite: '/new'", "a.com", "/old?y", false, "http://a.com/new?y"},
      {"prefix: '/'",
       "regex_rewrite { pattern { regex: '^/([0-9]+)$' } substitution: '/id/\\\\1' }", "a.com",
       "/12?y", false, "http://a.com/id/12?y"},
      {"prefix: '/'", "strip_query: true host_redirect: 'b.com'", "a.com", "/x?y?z", false,
       "http://b.com/x"},
  };
  for (const auto& c : cases) {
    const auto table = TableOf(c.match, absl::StrCat("redirect { ", c.redirect, " }"));
    Request request(c.path, c.host);
    if (c.https) request.head.scheme = "https";
    MatchInput input = request.Input();
    input.is_https = c.https;
    const Route* route = table->Match(input);
    ASSERT_NE(route, nullptr) << c.redirect;
    EXPECT_EQ(RedirectLocation(*route, input), c.location) << c.redirect;
    EXPECT_EQ(route->redirect()->status, 301);
  }
}

TEST(PickClusterTest, NameAndHeader) {
  const auto named = TableOf("prefix: '/'", "route { cluster: 'c' }");
  const Request plain("/");
  const ClusterPick pick = PickCluster(*named->Match(plain.Input()), plain.Input());
  EXPECT_EQ(pick.name, "c");
  ASSERT_LT(pick.index, named->cluster_names().size());
  EXPECT_EQ(named->cluster_names()[pick.index], "c");

  const auto by_header = TableOf("prefix: '/'", "route { cluster_header: 'X-Cluster' }");
  EXPECT_EQ(PickCluster(*by_header->Match(plain.Input()), plain.Input()).name, "");
  const Request with("/", "h", {{"x-cluster", "first"}, {"x-cluster", "second"}});
  const ClusterPick found = PickCluster(*by_header->Match(with.Input()), with.Input());
  EXPECT_EQ(found.name, "first");
  EXPECT_EQ(found.index, ClusterRef::kDynamic);
}

TEST(PickClusterTest, Weights) {
  const auto table = TableOf("prefix: '/'", R"pb(route {
                                                   weighted_clusters {
                                                     clusters {
                                                       name: "a"
                                                       weight { value: 1 }
                                                     }
                                                     clusters {
                                                       name: "none"
                                                       weight { value: 0 }
                                                     }
                                                     clusters {
                                                       name: "b"
                                                       weight { value: 3 }
                                                     }
                                                     clusters {
                                                       cluster_header: "x-c"
                                                       weight { value: 4 }
                                                     }
                                                   }
                                                 })pb");
  const Request request("/", "h", {{"x-c", "dynamic"}});
  std::map<std::string, int> counts;
  for (uint64_t random = 0; random < 80'000; ++random) {
    const MatchInput input = request.Input(random);
    const ClusterPick pick = PickCluster(*table->Match(input), input);
    ASSERT_NE(pick.weighted, nullptr);
    ++counts[std::string(pick.name)];
  }
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_NEAR(counts["a"], 10'000, 500);
  EXPECT_NEAR(counts["b"], 30'000, 500);
  EXPECT_NEAR(counts["dynamic"], 40'000, 500);
}

TEST(PickClusterTest, WeightsOfTheRuntime) {
  const auto table = TableOf("prefix: '/'", R"pb(route {
                                                   weighted_clusters {
                                                     runtime_key_prefix: "split"
                                                     clusters {
                                                       name: "a"
                                                       weight { value: 1 }
                                                     }
                                                     clusters {
                                                       name: "b"
                                                       weight { value: 3 }
                                                     }
                                                   }
                                                 })pb");
  const Request request("/");
  const auto share_of_a = [&](const runtime::Snapshot* snapshot) {
    int a = 0;
    for (uint64_t random = 0; random < 10'000; ++random) {
      MatchInput input = request.Input(random);
      input.runtime = snapshot;
      a += PickCluster(*table->Match(input), input).name == "a";
    }
    return a;
  };
  const auto snapshot = [](uint64_t a, uint64_t b) {
    auto layer = std::make_shared<runtime::Layer>();
    layer->values["split.a"].integer = a;
    layer->values["split.b"].integer = b;
    return runtime::Snapshot({layer});
  };
  EXPECT_NEAR(share_of_a(nullptr), 2500, 200);
  const runtime::Snapshot other = snapshot(3, 1);
  EXPECT_NEAR(share_of_a(&other), 7500, 200);
  const runtime::Snapshot huge = snapshot(UINT64_MAX, 0);
  EXPECT_EQ(share_of_a(&huge), 10'000);
  // No weight at all cannot be meant.
  const runtime::Snapshot nothing = snapshot(0, 0);
  EXPECT_NEAR(share_of_a(&nothing), 2500, 200);
}

TEST(PickClusterTest, WeightsByHeader) {
  const auto table = TableOf("prefix: '/'", R"pb(route {
                                                   weighted_clusters {
                                                     header_name: "x-n"
                                                     clusters {
                                                       name: "a"
                                                       weight { value: 1 }
                                                     }
                                                     clusters {
                                                       name: "b"
                                                       weight { value: 1 }
                                                     }
                                                   }
                                                 })pb");
  const auto pick = [&](const std::string& value, uint64_t random) {
    const Request request("/", "h", {{"x-n", value}});
    const MatchInput input = request.Input(random);
    return std::string(PickCluster(*table->Match(input), input).name);
  };
  for (uint64_t random = 0; random < 100; ++random) {
    EXPECT_EQ(pick("0", random), "a");
    EXPECT_EQ(pick("1", random), "b");
    EXPECT_EQ(pick("18446744073709551614", random), "a");
  }
  int a = 0;
  for (uint64_t random = 0; random < 1000; ++random) a += pick("no number", random) == "a";
  EXPECT_NEAR(a, 500, 100);
}

TEST(RewriteTest, WholePaths) {
  const struct {
    const char *made, *path, *result, *original;
  } cases[] = {
      {"/new", "/a?b=c", "/new?b=c", "/a?b=c"},
      {"new", "/a", "/new", "/a"},
      {"", "/a?b", "/a?b", ""},
      {"/p q\r\n#x", "/a?b", "/p%20q%0D%0A%23x?b", "/a?b"},
      {"/x?y", "/a?b", "/x?y?b", "/a?b"},
      {"/new", "", "", ""},
  };
  for (const auto& each : cases) {
    Request request(each.path);
    EXPECT_EQ(ReplacePath(each.made, request.head), each.original);
    EXPECT_EQ(request.head.path, each.result);
  }
}

TEST(ParseRetryOnTest, Words) {
  absl::string_view unknown;
  EXPECT_EQ(ParseRetryOn("5xx, connect-failure,unavailable", &unknown),
            uint32_t{kRetryOn5xx | kRetryOnConnectFailure | kRetryOnGrpcUnavailable});
  EXPECT_EQ(unknown, "");
  EXPECT_EQ(ParseRetryOn("reset,what,reset", &unknown), uint32_t{kRetryOnReset});
  EXPECT_EQ(unknown, "what");
  EXPECT_EQ(ParseRetryOn("", nullptr), 0u);
}

}  // namespace
}  // namespace proxenos::route
