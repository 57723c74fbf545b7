// Which route serves a request: hosts, paths, conditions, order.
#include "source/route/route_table.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

std::string HostName(const RouteTable& table, absl::string_view authority) {
  const VirtualHost* host = table.FindVirtualHost(authority);
  return host == nullptr ? "-" : host->name;
}

TEST(RouteTableTest, HostPrecedence) {
  const auto table = Compile(R"pb(
    virtual_hosts { name: "exact" domains: "www.Example.com" domains: "api.example.com:8080" }
    virtual_hosts { name: "suffix" domains: "*.example.com" domains: "*-bar.foo.com" }
    virtual_hosts { name: "longer" domains: "*.api.example.com" }
    virtual_hosts { name: "prefix" domains: "www.*" domains: "foo-*" }
    virtual_hosts { name: "longer-prefix" domains: "www.a.*" }
    virtual_hosts { name: "any" domains: "*" }
  )pb");
  const struct {
    const char *authority, *host;
  } cases[] = {
      {"www.example.com", "exact"},
      {"WWW.EXAMPLE.COM", "exact"},
      {"api.example.com:8080", "exact"},
      {"api.example.com:80", "any"},
      {"api.example.com", "suffix"},
      {"x.API.example.com", "longer"},
      {"baz-bar.foo.com", "suffix"},
      {"-bar.foo.com", "any"},
      {".example.com", "any"},
      {"a.example.com", "suffix"},
      {"www.net", "prefix"},
      {"www.", "any"},
      {"www.a.net", "longer-prefix"},
      {"foo-", "any"},
      {"foo-x", "prefix"},
      {"", "any"},
  };
  for (const auto& c : cases) EXPECT_EQ(HostName(*table, c.authority), c.host) << c.authority;
  const std::string long_host = std::string(5000, 'X') + ".example.com";
  EXPECT_EQ(HostName(*table, long_host), "suffix");
}

TEST(RouteTableTest, HostsWithoutDefault) {
  const auto table = Compile("virtual_hosts { name: 'a' domains: 'a.com' }");
  EXPECT_EQ(HostName(*table, "a.com"), "a");
  EXPECT_EQ(HostName(*table, "b.com"), "-");
  EXPECT_EQ(HostName(*table, ""), "-");
  EXPECT_EQ(RouteName(*table, Request("/", "b.com").Input()), "-");
  EXPECT_EQ(HostName(*Compile(""), "a.com"), "-");
}

// As control planes write it that know no name.
TEST(RouteTableTest, AnEmptyDomainIsForAnEmptyAuthority) {
  const auto table = Compile(R"pb(
    virtual_hosts { name: "none" domains: "" domains: "a.com" }
    virtual_hosts { name: "suffix" domains: "*.com" }
    virtual_hosts { name: "any" domains: "*" }
  )pb");
  EXPECT_EQ(HostName(*table, ""), "none");
  EXPECT_EQ(HostName(*table, "a.com"), "none");
  EXPECT_EQ(HostName(*table, "b.com"), "suffix");
  EXPECT_EQ(HostName(*table, "b.net"), "any");
  const auto alone = Compile("virtual_hosts { name: 'none' domains: '' }");
  EXPECT_EQ(HostName(*alone, ""), "none");
  EXPECT_EQ(HostName(*alone, "a.com"), "-");
}

TEST(RouteTableTest, IgnorePort) {
  const auto table = Compile(R"pb(
    ignore_port_in_host_matching: true
    virtual_hosts { name: "a" domains: "a.com" domains: "[::1]" }
    virtual_hosts { name: "s" domains: "*.a.com" }
  )pb");
  EXPECT_EQ(HostName(*table, "a.com:8080"), "a");
  EXPECT_EQ(HostName(*table, "[::1]:8080"), "a");
  EXPECT_EQ(HostName(*table, "x.a.com:1"), "s");
}

std::string RouteText(const std::string& name, const std::string& match) {
  return absl::StrCat("routes { name: '", name, "' match { ", match,
                      " } route { cluster: 'c' } } ");
}

// The same routes walked as a list, and behind enough others to be indexed.
class Tables {
 public:
  explicit Tables(const std::string& routes, const std::string& options = "") {
    std::string others;
    for (int i = 0; i < 20; ++i) others += RouteText("other", "path: '/other'");
    walked_ =
        Compile(absl::StrCat(options, "virtual_hosts { name: 'v' domains: '*' ", routes, " }"));
    indexed_ = Compile(
        absl::StrCat(options, "virtual_hosts { name: 'v' domains: '*' ", others, routes, " }"));
    EXPECT_NE(indexed_->virtual_hosts()[0].index, nullptr);
  }

  std::string Match(const MatchInput& input) const {
    const std::string name = RouteName(*walked_, input);
    EXPECT_EQ(RouteName(*indexed_, input), name);
    return name;
  }
  std::string Match(const std::string& path) const { return Match(Request(path).Input()); }

 private:
  std::shared_ptr<const RouteTable> walked_;
  std::shared_ptr<const RouteTable> indexed_;
};

TEST(RouteTableTest, FirstMatchWins) {
  const Tables tables(RouteText("exact", "path: '/a/b'") + RouteText("long", "prefix: '/a/b'") +
                      RouteText("regex", "safe_regex { regex: '/a/[0-9]+' }") +
                      RouteText("short", "prefix: '/a'"));
  EXPECT_EQ(tables.Match("/a/b"), "exact");
  EXPECT_EQ(tables.Match("/a/b?q"), "exact");
  EXPECT_EQ(tables.Match("/a/b#f"), "exact");
  EXPECT_EQ(tables.Match("/a/bc"), "long");
  EXPECT_EQ(tables.Match("/a/12"), "regex");
  EXPECT_EQ(tables.Match("/a/12?x=/b"), "regex");
  EXPECT_EQ(tables.Match("/a/12/"), "short");
  EXPECT_EQ(tables.Match("/b"), "-");
  EXPECT_EQ(tables.Match("/A/b"), "-");
  const Tables hidden(RouteText("short", "prefix: '/'") + RouteText("exact", "path: '/a'"));
  EXPECT_EQ(hidden.Match("/a"), "short");
}

TEST(RouteTableTest, PathSeparatedPrefix) {
  const Tables tables(RouteText("r", "path_separated_prefix: '/api/dev'"));
  EXPECT_EQ(tables.Match("/api/dev"), "r");
  EXPECT_EQ(tables.Match("/api/dev/"), "r");
  EXPECT_EQ(tables.Match("/api/dev/v1"), "r");
  EXPECT_EQ(tables.Match("/api/dev?param=true"), "r");
  EXPECT_EQ(tables.Match("/api/developer"), "-");
}

TEST(RouteTableTest, CaseInsensitive) {
  const std::string folded = "case_sensitive { value: false } ";
  const Tables tables(RouteText("exact", folded + "path: '/Exact'") +
                      RouteText("prefix", folded + "prefix: '/Prefix'") +
                      RouteText("separated", folded + "path_separated_prefix: '/Sep'"));
  EXPECT_EQ(tables.Match("/eXACT"), "exact");
  EXPECT_EQ(tables.Match("/prefIXed"), "prefix");
  EXPECT_EQ(tables.Match("/seP/x"), "separated");
  EXPECT_EQ(tables.Match("/sepx"), "-");
  EXPECT_EQ(tables.Match("/PREFIX/" + std::string(1000, 'X')), "prefix");
}

TEST(RouteTableTest, ConditionsLetTheNextRouteTry) {
  const Tables tables(
      RouteText("header", "prefix: '/' headers { name: 'x' string_match { exact: '1' } }") +
      RouteText("query", "path: '/q' query_parameters { name: 'a' string_match { exact: '1' } }") +
      RouteText("grpc", "prefix: '/' grpc {}") + RouteText("rest", "prefix: '/'"));
  EXPECT_EQ(tables.Match(Request("/", "h", {{"X", "1"}}).Input()), "header");
  EXPECT_EQ(tables.Match(Request("/", "h", {{"X", "2"}}).Input()), "rest");
  EXPECT_EQ(tables.Match("/q?b=2&a=1"), "query");
  EXPECT_EQ(tables.Match("/q?b=2&a=2"), "rest");
  const auto with_type = [](const std::string& type) {
    return Request("/", "h", {{"content-type", type}});
  };
  EXPECT_EQ(tables.Match(with_type("application/grpc").Input()), "grpc");
  EXPECT_EQ(tables.Match(with_type("application/grpc+proto").Input()), "grpc");
  EXPECT_EQ(tables.Match(with_type("application/grpc-web").Input()), "rest");
}

TEST(RouteTableTest, RuntimeFraction) {
  const Tables tables(
      RouteText("some", "prefix: '/' runtime_fraction { default_value { numerator: 25 } }") +
      RouteText("all", "prefix: '/whole' runtime_fraction { default_value { numerator: 100 } }") +
      RouteText("none", "prefix: '/' runtime_fraction { default_value { numerator: 0 } }") +
      RouteText("rest", "prefix: '/'"));
  const Request request("/");
  int some = 0;
  for (uint64_t random = 0; random < 1000; ++random) {
    const std::string name = tables.Match(request.Input(random));
    EXPECT_TRUE(name == "some" || name == "rest");
    some += name == "some";
  }
  EXPECT_EQ(some, 250);
  EXPECT_EQ(tables.Match(Request("/whole").Input(99)), "all");
}

TEST(RouteTableTest, FractionOfTheRuntime) {
  const Tables tables(RouteText("some",
                                "prefix: '/' runtime_fraction { default_value { numerator: 100 } "
                                "runtime_key: 'k' }") +
                      RouteText("rest", "prefix: '/'"));
  auto layer = std::make_shared<runtime::Layer>();
  layer->values["k"].integer = 25;
  const runtime::Snapshot snapshot({layer});
  const Request request("/");
  for (uint64_t random = 0; random < 100; ++random) {
    MatchInput input = request.Input(random);
    EXPECT_EQ(tables.Match(input), "some");
    input.runtime = &snapshot;
    EXPECT_EQ(tables.Match(input), random < 25 ? "some" : "rest") << random;
  }
}

TEST(RouteTableTest, Connect) {
  const Tables tables(RouteText("prefix", "prefix: ''") +
                      RouteText("connect", "connect_matcher {}"));
  EXPECT_EQ(tables.Match(Request("", "a.com:443", {}, "CONNECT").Input()), "connect");
  EXPECT_EQ(tables.Match(Request("/", "a.com", {}, "GET").Input()), "prefix");
  const Tables only(RouteText("connect", "connect_matcher {}"));
  EXPECT_EQ(only.Match("/"), "-");
  Request udp("/.well-known/masque/udp/1.2.3.4/53/");
  udp.head.upgrade = "connect-udp";
  EXPECT_EQ(only.Match(udp.Input()), "connect");
}

TEST(RouteTableTest, OptionsAsterisk) {
  const Tables tables(RouteText("slash", "prefix: '/'") + RouteText("all", "prefix: ''"));
  EXPECT_EQ(tables.Match(Request("*", "h", {}, "OPTIONS").Input()), "all");
}

TEST(RouteTableTest, IgnorePathParameters) {
  const std::string routes = RouteText("a", "path: '/a'");
  EXPECT_EQ(Tables(routes).Match("/a;x=1"), "-");
  constexpr char kIgnore[] = "ignore_path_parameters_in_path_matching: true ";
  EXPECT_EQ(Tables(routes, kIgnore).Match("/a;x=1?q"), "a");
  const Tables tables(RouteText("exact", "path: '/admin/x'") +
                          RouteText("admin", "prefix: '/admin/'") +
                          RouteText("regex", "safe_regex { regex: '/re/[a-z]+/end' }") +
                          RouteText("other", "prefix: '/'"),
                      kIgnore);
  for (const char* path : {"/admin/x", "/admin;y/x", "/admin/x;y", "/admin;/x;", "/admin;;a;b/x"}) {
    EXPECT_EQ(tables.Match(path), "exact") << path;
  }
  for (const char* path : {"/admin;a/", "/admin;a/y;b", "/admin/;a/x", "/admin;/b?c;/d"}) {
    EXPECT_EQ(tables.Match(path), "admin") << path;
  }
  EXPECT_EQ(tables.Match("/re;a/b;c/end;d"), "regex");
  for (const char* path : {"/admin;?/x", "/;admin/x", "/ad;min/x", "/admin%3b/x"}) {
    EXPECT_EQ(tables.Match(path), "other") << path;
  }
}

TEST(RouteTableTest, RequireTls) {
  const auto table = Compile(R"pb(
    virtual_hosts {
      name: "all"
      domains: "all"
      require_tls: ALL
      routes {
        name: "r"
        match { prefix: "/" }
        route { cluster: "c" }
      }
    }
    virtual_hosts {
      name: "ext"
      domains: "ext"
      require_tls: EXTERNAL_ONLY
      routes {
        name: "r"
        match { prefix: "/" }
        route { cluster: "c" }
      }
    }
  )pb");
  const auto redirects = [&](const char* host, bool https, bool internal) {
    const Request request("/", host);
    MatchInput input = request.Input();
    input.is_https = https;
    input.is_internal = internal;
    const Route* route = table->Match(input);
    EXPECT_NE(route, nullptr);
    EXPECT_EQ(route->virtual_host->name, host);
    return route->redirect() != nullptr;
  };
  EXPECT_TRUE(redirects("all", false, false));
  EXPECT_TRUE(redirects("all", false, true));
  EXPECT_FALSE(redirects("all", true, false));
  EXPECT_TRUE(redirects("ext", false, false));
  EXPECT_FALSE(redirects("ext", false, true));
  EXPECT_FALSE(redirects("ext", true, false));
}

TEST(RouteTableTest, VirtualClusters) {
  const auto table = Compile(R"pb(
    virtual_hosts {
      name: "v"
      domains: "*"
      virtual_clusters {
        name: "posts"
        headers {
          name: ":method"
          string_match { exact: "POST" }
        }
        headers {
          name: ":path"
          string_match { prefix: "/p" }
        }
      }
      virtual_clusters {
        name: "big"
        headers { name: "x-big" }
      }
    }
    virtual_hosts { name: "none" domains: "none" }
  )pb");
  const VirtualHost& host = table->virtual_hosts()[0];
  EXPECT_EQ(host.FindVirtualCluster(Request("/p", "h", {}, "POST").head)->name, "posts");
  EXPECT_EQ(host.FindVirtualCluster(Request("/p", "h", {{"x-big", "1"}}).head)->name, "big");
  const VirtualCluster* other = host.FindVirtualCluster(Request("/p").head);
  EXPECT_EQ(other->name, "other");
  EXPECT_TRUE(other->catch_all);
  const VirtualHost& none = table->virtual_hosts()[1];
  EXPECT_EQ(none.FindVirtualCluster(Request("/p").head), nullptr);
}

TEST(RouteTableTest, VirtualHostsByAnotherField) {
  const auto table = Compile(R"pb(
    vhost_header: "X-Tenant"
    virtual_hosts {
      name: "a"
      domains: "a.com"
      routes {
        name: "a"
        match { prefix: "/" }
        route { cluster: "c" }
      }
    }
    virtual_hosts {
      name: "rest"
      domains: "*"
      routes {
        name: "rest"
        match { prefix: "/" }
        route { cluster: "c" }
      }
    }
  )pb");
  EXPECT_EQ(RouteName(*table, Request("/", "b", {{"x-tenant", "A.com"}}).Input()), "a");
  EXPECT_EQ(RouteName(*table, Request("/", "a.com", {{"x-tenant", "b"}}).Input()), "rest");
  EXPECT_EQ(RouteName(*table, Request("/", "a.com").Input()), "rest");
}

TEST(RouteTableTest, Cookies) {
  const auto table = Compile(R"pb(
    virtual_hosts {
      name: "v"
      domains: "*"
      routes {
        name: "beta"
        match {
          prefix: "/"
          cookies {
            name: "group"
            string_match { prefix: "beta" }
          }
          cookies {
            name: "out"
            string_match { exact: "1" }
            invert_match: true
          }
        }
        route { cluster: "c" }
      }
      routes {
        name: "rest"
        match { prefix: "/" }
        route { cluster: "c" }
      }
    }
  )pb");
  const auto name = [&table](const Request::Fields& fields) {
    return RouteName(*table, Request("/", "h", fields).Input());
  };
  EXPECT_EQ(name({{"cookie", "a=b; group=beta-2"}}), "beta");
  EXPECT_EQ(name({{"cookie", "a=b"}, {"cookie", "group=beta"}}), "beta");
  EXPECT_EQ(name({{"cookie", "group=beta; out=0"}}), "beta");
  EXPECT_EQ(name({{"cookie", "group=beta; out=1"}}), "rest");
  EXPECT_EQ(name({{"cookie", "group=alpha; group=beta"}}), "rest");  // The first counts.
  EXPECT_EQ(name({{"cookie", "Group=beta"}}), "rest");
  EXPECT_EQ(name({}), "rest");
}

TEST(RouteTableTest, ManyDomains) {
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    absl::StrAppend(&text, "virtual_hosts { name: '", i, "' domains: 'e", i, ".com' domains: '*.s",
                    i, ".com' domains: 'p", i, ".*' }");
  }
  const auto table = Compile(text);
  for (int i = 0; i < 2000; i += 37) {
    EXPECT_EQ(HostName(*table, absl::StrCat("e", i, ".com")), absl::StrCat(i));
    EXPECT_EQ(HostName(*table, absl::StrCat("x.s", i, ".com")), absl::StrCat(i));
    EXPECT_EQ(HostName(*table, absl::StrCat("p", i, ".org")), absl::StrCat(i));
  }
}

}  // namespace
}  // namespace proxenos::route
