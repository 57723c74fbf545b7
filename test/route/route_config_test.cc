// Compilation: what good configurations become, and what is said about bad ones.
#include "source/route/route_config.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

std::string OneRoute(const std::string& route) {
  return absl::StrCat("virtual_hosts { name: 'v' domains: '*' routes { ", route, " } }");
}
std::string Action(const std::string& action) {
  return OneRoute(absl::StrCat("match { prefix: '/' } route { cluster: 'c' ", action, " }"));
}

std::string ErrorsOf(const std::string& text) {
  config::Errors errors;
  const auto table = CompileRoutes(ParseRoutes(text), errors, config::Path("rc"));
  EXPECT_EQ(table == nullptr, !errors.ok());
  std::string all;
  for (const config::Error& error : errors.list()) absl::StrAppend(&all, error.ToString(), "\n");
  return all;
}

constexpr char kRoutePath[] = "rc.virtual_hosts[0].routes[0].";
constexpr char kAnyPath[] = "match { prefix: '/' } ";

struct ErrorCase {
  std::string config;
  std::string path;     // Of the one error.
  std::string message;  // A part of it.
};

// Each configuration has exactly the one error.
void CheckErrors(const std::vector<ErrorCase>& cases) {
  for (const ErrorCase& c : cases) {
    const std::string errors = ErrorsOf(c.config);
    EXPECT_EQ(errors.substr(0, c.path.size() + 2), c.path + ": ") << c.config;
    EXPECT_NE(errors.find(c.message), std::string::npos) << errors;
    EXPECT_EQ(errors.find('\n'), errors.size() - 1) << "one error each: " << errors;
  }
}

TEST(RouteConfigTest, ErrorsOfDomainsAndMatches) {
  const std::string route = kRoutePath;
  const std::string fallback = kAnyPath;
  CheckErrors({
      {"virtual_hosts { name: 'a' domains: 'X.com' } virtual_hosts { name: 'b' domains: 'x.COM' }",
       "rc.virtual_hosts[1].domains[0]", "virtual host 'a' has it already"},
      {"virtual_hosts { name: 'a' domains: '*' domains: '*' }", "rc.virtual_hosts[0].domains[1]",
       "no other entry"},
      {"virtual_hosts { name: 'a' domains: '' } virtual_hosts { name: 'b' domains: '' }",
       "rc.virtual_hosts[1].domains[0]", "virtual host 'a' has it already"},
      {OneRoute("match { } route { cluster: 'c' }"), route + "match", "expected one of prefix"},
      {OneRoute("match { safe_regex { regex: 'a(' } } route { cluster: 'c' }"),
       route + "match.safe_regex.regex", "RE2"},
      {OneRoute("match { prefix: '/' headers { name: 'x' range_match {} } headers { name: 'x' "
                "string_match {} } } route { cluster: 'c' }"),
       route + "match.headers[1].string_match", "expected one of exact"},
  });
}

// Consul writes names of ports behind a wildcard that stands for its own domains.
TEST(RouteConfigTest, AStarWithinADomainStandsForItself) {
  const auto table = Compile(
      "virtual_hosts { name: 'a' domains: 'a.*:80' domains: '*.b.*' domains: 'c.*' "
      "routes { match { prefix: '/' } route { cluster: 'c' } } }");
  EXPECT_NE(table->FindVirtualHost("a.*:80"), nullptr);
  EXPECT_EQ(table->FindVirtualHost("a.x:80"), nullptr);
  EXPECT_NE(table->FindVirtualHost("x.b.*"), nullptr);
  EXPECT_EQ(table->FindVirtualHost("x.b.x"), nullptr);
  EXPECT_NE(table->FindVirtualHost("c.x:80"), nullptr);
}

TEST(RouteConfigTest, ErrorsOfClusters) {
  const std::string route = kRoutePath;
  const std::string fallback = kAnyPath;
  CheckErrors({
      {OneRoute(fallback), "rc.virtual_hosts[0].routes[0]", "expected one of route"},
      {OneRoute(fallback + "non_forwarding_action {}"), "rc.virtual_hosts[0].routes[0]",
       "expected one of route"},
      {OneRoute(fallback + "filter_action {}"), "rc.virtual_hosts[0].routes[0]",
       "expected one of route"},
      {OneRoute(fallback + "route { }"), route + "route", "expected one of cluster"},
      {OneRoute(fallback + "route { weighted_clusters { clusters { name: 'a' weight {} } } }"),
       route + "route.weighted_clusters.clusters", "greater than 0"},
      {OneRoute(fallback + "route { weighted_clusters { clusters { name: 'a' weight { value: "
                           "4294967295 } } clusters { name: 'b' weight { value: 1 } } } }"),
       route + "route.weighted_clusters.clusters", "at most 4294967295"},
      {OneRoute(fallback + "route { weighted_clusters { clusters { name: 'a' cluster_header: 'h' "
                           "weight { value: 1 } } } }"),
       route + "route.weighted_clusters.clusters[0]", "exactly one"},
  });
}

TEST(RouteConfigTest, ErrorsOfForwarding) {
  const std::string route = kRoutePath;
  CheckErrors({
      {Action("timeout { seconds: -1 }"), route + "route.timeout", "not negative"},
      {Action("prefix_rewrite: '/a' regex_rewrite { pattern { regex: 'a' } }"), route + "route",
       "only one of prefix_rewrite"},
      {Action("prefix_rewrite: '/a b'"), route + "route.prefix_rewrite", "without spaces"},
      {Action("regex_rewrite { pattern { regex: 'a' } substitution: '\\\\1' }"),
       route + "route.regex_rewrite.substitution", ""},
      {Action("retry_policy { rate_limited_retry_back_off { reset_headers { name: 'a' } "
              "max_interval { seconds: -1 } } }"),
       route + "route.retry_policy.rate_limited_retry_back_off.max_interval", "not negative"},
      {Action("retry_policy { retriable_status_codes: 42 }"),
       route + "route.retry_policy.retriable_status_codes[0]", "status"},
      {Action(
           "retry_policy { retry_back_off { base_interval { seconds: 2 } max_interval { seconds: 1 "
           "} } }"),
       route + "route.retry_policy.retry_back_off.max_interval", "base_interval"},
      {Action("upgrade_configs { upgrade_type: 'websocket' } upgrade_configs { upgrade_type: "
              "'WebSocket' }"),
       route + "route.upgrade_configs[1].upgrade_type", "once"},
      {Action("upgrade_configs { upgrade_type: 'websocket' connect_config {} }"),
       route + "route.upgrade_configs[0].connect_config", "CONNECT"},
      {Action("upgrade_configs { upgrade_type: 'CONNECT-UDP' connect_config {} }"),
       route + "route.upgrade_configs[0].connect_config", "UDP"},
      {Action("request_mirror_policies {}"), route + "route.request_mirror_policies[0]", "one of"},
      {Action("request_mirror_policies { cluster: 'a' cluster_header: 'b' }"),
       route + "route.request_mirror_policies[0]", "one of"},
  });
}

TEST(RouteConfigTest, ErrorsOfRedirectsAndDirectResponses) {
  const std::string route = kRoutePath;
  const std::string fallback = kAnyPath;
  CheckErrors({
      {OneRoute(fallback + "redirect { port_redirect: 70000 }"), route + "redirect.port_redirect",
       "65535"},
      {OneRoute(fallback + "redirect { host_redirect: 'a\\tb' }"), route + "redirect.host_redirect",
       "control"},
      {OneRoute(fallback + "direct_response { status: 100 }"), route + "direct_response.status",
       "200 to 599"},
      {"max_direct_response_body_size_bytes { value: 3 } " +
           OneRoute(fallback + "direct_response { status: 200 body { inline_string: 'four' } }"),
       route + "direct_response.body", "larger than"},
      {OneRoute(fallback + "direct_response { status: 200 body { filename: '/nonexistent/f' } }"),
       route + "direct_response.body.filename", "cannot be read"},
      {OneRoute(fallback +
                "direct_response { status: 200 body { environment_variable: 'NO_SUCH' } }"),
       route + "direct_response.body.environment_variable", "is set"},
      {OneRoute(fallback + "direct_response { status: 200 body_format { text_format: 'x' } }"),
       route + "direct_response.body_format", "not for this place"},
  });
}

TEST(RouteConfigTest, ErrorsOfHeaders) {
  const std::string route = kRoutePath;
  CheckErrors({
      {Action("} request_headers_to_add { header { key: ':path' value: 'x' }"),
       route + "request_headers_to_add[0].header.key", "may not be modified"},
      {Action("} request_headers_to_add { header { key: 'Host' value: 'x' }"),
       route + "request_headers_to_add[0].header.key", "may not be modified"},
      {Action("} response_headers_to_add { header { key: 'Transfer-Encoding' value: 'x' }"),
       route + "response_headers_to_add[0].header.key", "framing"},
      {Action("} request_headers_to_add { header { key: 'a b' value: 'x' }"),
       route + "request_headers_to_add[0].header.key", "token"},
      {Action("} request_headers_to_add { header { key: 'a' raw_value: 'x\\ny' }"),
       route + "request_headers_to_add[0].header.raw_value", "CR or LF"},
      {Action("} request_headers_to_add { header { key: 'a' raw_value: 'x' value: 'y' }"),
       route + "request_headers_to_add[0].header", "only one of"},
      {Action("} request_headers_to_add { header { key: 'a' value: 'y' } append {} "
              "append_action: ADD_IF_ABSENT "),
       route + "request_headers_to_add[0].append", "both"},
      {"response_headers_to_remove: ':status'", "rc.response_headers_to_remove[0]",
       "may not be modified"},
  });
}

TEST(RouteConfigTest, AllErrorsComeAtOnce) {
  const std::string errors = ErrorsOf(
      "virtual_hosts { name: 'v' domains: ['a', 'a'] routes { } routes { match { prefix: '/' } "
      "direct_response { status: 1 } } }");
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 4) << errors;
}

const Route& First(const RouteTable& table) { return table.virtual_hosts()[0].routes[0]; }

TEST(RouteConfigTest, ForwardDefaults) {
  const auto table = Compile(Action(""));
  const Forward& forward = *First(*table).forward();
  EXPECT_EQ(forward.timeout, 15 * base::kSecond);
  EXPECT_FALSE(forward.idle_timeout.has_value());
  EXPECT_FALSE(forward.flush_timeout.has_value());
  EXPECT_FALSE(forward.max_stream_duration.has_value());
  EXPECT_EQ(forward.retry, nullptr);
  EXPECT_EQ(forward.cluster_not_found_status, 503);
  EXPECT_EQ(First(*table).virtual_host, &table->virtual_hosts()[0]);
}

TEST(RouteConfigTest, Forward) {
  const auto table = Compile(Action(R"pb(
    timeout {}
    idle_timeout { seconds: 1 nanos: 500000000 }
    flush_timeout { seconds: 2 }
    priority: HIGH
    cluster_not_found_response_code: NOT_FOUND
    max_stream_duration { max_stream_duration { seconds: 400000000000 } }
    upgrade_configs {
      upgrade_type: "WebSocket"
      enabled { value: false }
    }
    upgrade_configs {
      upgrade_type: "CONNECT"
      connect_config { allow_post: true }
    }
    request_mirror_policies { cluster: "copies" }
    request_mirror_policies {
      cluster_header: "X-Copy"
      runtime_fraction {
        default_value { numerator: 5 }
        runtime_key: "k"
      }
      disable_shadow_host_suffix_append: true
    }
    retry_policy {
      retry_on: "5xx"
      num_retries { value: 3 }
      retriable_status_codes: 503
      retriable_status_codes: 429
      retry_back_off { base_interval { nanos: 1000 } }
    })pb"));
  const route::Forward& forward = *First(*table).forward();
  EXPECT_EQ(forward.timeout, 0);
  EXPECT_EQ(*forward.idle_timeout, 1500 * base::kMillisecond);
  EXPECT_EQ(*forward.flush_timeout, 2 * base::kSecond);
  EXPECT_GT(*forward.max_stream_duration, int64_t{90} * 365 * 24 * 3600 * base::kSecond);
  EXPECT_TRUE(forward.high_priority);
  EXPECT_EQ(forward.cluster_not_found_status, 404);
  ASSERT_EQ(forward.upgrades.size(), 2u);
  EXPECT_EQ(forward.upgrades[0].type, "websocket");
  EXPECT_FALSE(forward.upgrades[0].enabled);
  EXPECT_TRUE(forward.upgrades[1].terminate_connect && forward.upgrades[1].allow_post);
  ASSERT_EQ(forward.mirrors.size(), 2u);
  EXPECT_EQ(forward.mirrors[0].cluster.name, "copies");
  EXPECT_TRUE(forward.mirrors[0].suffix && forward.mirrors[0].fraction.always());
  EXPECT_EQ(forward.mirrors[1].header, "x-copy");
  EXPECT_EQ(forward.mirrors[1].fraction.key, "k");
  EXPECT_FALSE(forward.mirrors[1].suffix);
  EXPECT_EQ(forward.retry->num_retries, 3u);
  EXPECT_EQ(forward.retry->retriable_status_codes, (std::vector<uint16_t>{429, 503}));
  EXPECT_EQ(forward.retry->back_off_base, base::kMillisecond) << "less means one millisecond";
  EXPECT_EQ(forward.retry->back_off_max, 10 * base::kMillisecond);
}

TEST(RouteConfigTest, Names) {
  const auto table = Compile(absl::StrCat(
      "name: 't' ", OneRoute("name: 'r' stat_prefix: 's' match { prefix: '/' } redirect {}")));
  EXPECT_EQ(table->name(), "t");
  EXPECT_EQ(First(*table).name, "r");
  EXPECT_EQ(First(*table).stat_prefix, "s");
}

TEST(RouteConfigTest, RetryPolicyIsInherited) {
  const auto table = Compile(R"pb(virtual_hosts {
                                    name: "v"
                                    domains: "*"
                                    retry_policy {
                                      retry_on: "5xx"
                                      num_retries { value: 7 }
                                    }
                                    routes {
                                      match { prefix: "/a" }
                                      route { cluster: "c" }
                                    }
                                    routes {
                                      match { prefix: "/b" }
                                      route {
                                        cluster: "c"
                                        retry_policy { retry_on: "reset" }
                                      }
                                    }
                                  })pb");
  const auto& routes = table->virtual_hosts()[0].routes;
  EXPECT_EQ(routes[0].forward()->retry->num_retries, 7u);
  EXPECT_EQ(routes[1].forward()->retry->num_retries, 1u);
}

TEST(RouteConfigTest, UnknownConditionsOfRetriesAreLeftOut) {
  const auto table = Compile(Action("retry_policy { retry_on: '5xx,rest-before-request,reset' }"));
  EXPECT_EQ(First(*table).forward()->retry->retry_on, route::kRetryOn5xx | route::kRetryOnReset);
}

TEST(RouteConfigTest, HedgingIsInherited) {
  const auto table = Compile(R"pb(virtual_hosts {
                                    name: "v"
                                    domains: "*"
                                    hedge_policy { hedge_on_per_try_timeout: true }
                                    routes {
                                      match { prefix: "/a" }
                                      route { cluster: "c" }
                                    }
                                    routes {
                                      match { prefix: "/b" }
                                      route {
                                        cluster: "c"
                                        hedge_policy {}
                                      }
                                    }
                                  })pb");
  const auto& routes = table->virtual_hosts()[0].routes;
  EXPECT_TRUE(routes[0].forward()->hedge_on_per_try_timeout);
  EXPECT_FALSE(routes[1].forward()->hedge_on_per_try_timeout);
}

TEST(RouteConfigTest, ClusterNamesComeOnce) {
  const auto table = Compile(R"pb(virtual_hosts {
                                    name: "v"
                                    domains: "*"
                                    routes {
                                      match { prefix: "/a" }
                                      route { cluster: "x" }
                                    }
                                    routes {
                                      match { prefix: "/b" }
                                      route {
                                        weighted_clusters {
                                          clusters {
                                            name: "y"
                                            weight { value: 1 }
                                          }
                                          clusters {
                                            name: "x"
                                            weight { value: 1 }
                                          }
                                        }
                                      }
                                    }
                                  })pb");
  EXPECT_EQ(table->cluster_names(), (std::vector<std::string>{"x", "y"}));
  EXPECT_FALSE(table->validate_clusters().has_value());
  EXPECT_TRUE(*Compile("validate_clusters { value: true }")->validate_clusters());
}

TEST(RouteConfigTest, DirectResponseBodies) {
  const char* folder = std::getenv("TEST_TMPDIR");
  ASSERT_NE(folder, nullptr);
  const std::string file = absl::StrCat(folder, "/body.txt");
  std::ofstream(file) << "from a file";
  ::setenv("PROXENOS_TEST_BODY", "from the environment", 1);
  const auto body = [](const std::string& source) {
    const auto table = Compile(OneRoute(absl::StrCat(
        "match { prefix: '/' } direct_response { status: 200 body { ", source, " } }")));
    return First(*table).direct_response()->body;
  };
  EXPECT_EQ(body("inline_string: 'text'"), "text");
  EXPECT_EQ(body("inline_bytes: 'bytes'"), "bytes");
  EXPECT_EQ(body(absl::StrCat("filename: '", file, "'")), "from a file");
  EXPECT_EQ(body("environment_variable: 'PROXENOS_TEST_BODY'"), "from the environment");
  EXPECT_EQ(body(absl::StrCat("inline_string: '", std::string(4096, 'x'), "'")).size(), 4096u);
}

TEST(RouteConfigTest, RedirectStatuses) {
  const struct {
    const char* code;
    int status;
  } cases[] = {{"MOVED_PERMANENTLY", 301},
               {"FOUND", 302},
               {"SEE_OTHER", 303},
               {"TEMPORARY_REDIRECT", 307},
               {"PERMANENT_REDIRECT", 308}};
  for (const auto& c : cases) {
    const auto table = Compile(
        OneRoute(absl::StrCat("match { prefix: '/' } redirect { response_code: ", c.code, " }")));
    EXPECT_EQ(First(*table).redirect()->status, c.status);
  }
}

// A path_match_policy, or a path_rewrite_policy.
std::string Policy(const std::string& field, const std::string& kind, const std::string& text) {
  const std::string type = kind == "match" ? "UriTemplateMatchConfig" : "UriTemplateRewriteConfig";
  const std::string member = kind == "match" ? "path_template" : "path_template_rewrite";
  return absl::StrCat(field,
                      " { name: 'p' typed_config { [type.googleapis.com/envoy.extensions.path.",
                      kind, ".uri_template.v3.", type, "] { ", member, ": '", text, "' } } }");
}
std::string Match(const std::string& text) { return Policy("path_match_policy", "match", text); }
std::string Rewrite(const std::string& text) {
  return Policy("path_rewrite_policy", "rewrite", text);
}

TEST(RouteConfigTest, PathPolicies) {
  const std::string route = kRoutePath;
  const std::string match_path = route + "match.path_match_policy.typed_config";
  const std::string rewrite_path = route + "route.path_rewrite_policy";
  const auto with = [](const std::string& match, const std::string& action) {
    return OneRoute(absl::StrCat("match { ", match, " } route { cluster: 'c' ", action, " }"));
  };
  EXPECT_EQ(ErrorsOf(with(Match("/{a}/**"), Rewrite("/x/{a}"))), "");
  CheckErrors({
      {with(Match("/{a"), ""), match_path + ".path_template", "'/{a' has a variable without '}'"},
      {with(Policy("path_match_policy", "rewrite", "/"), ""), match_path, "UriTemplateMatchConfig"},
      {with(Match("/{a}"), Rewrite("/{b}")), rewrite_path + ".typed_config.path_template_rewrite",
       "the template lacks: 'b'"},
      {with("prefix: '/'", Rewrite("/x")), rewrite_path, "is only for a match with a path_match"},
      {with(Match("/{a}"), "prefix_rewrite: '/x'"), "rc.virtual_hosts[0].routes[0]", "no prefix"},
      {with(Match("/{a}"), Rewrite("/x") + " path_rewrite: '/y'"), route + "route",
       "only one of prefix_rewrite"},
      {with(Match("/{a"), Rewrite("/x")), match_path + ".path_template", "without '}'"},
  });
}

TEST(RouteConfigTest, WhatThisLayerAloneCannotAsk) {
  const std::string match_path = std::string(kRoutePath) + "match";
  const auto with = [](const std::string& match) {
    return OneRoute("match { prefix: '/' " + match + " } route { cluster: 'c' }");
  };
  CheckErrors({
      {with("tls_context {}"), match_path, "nothing is known of the stream"},
      {with("dynamic_metadata { filter: 'x' }"), match_path, "nothing is known of the stream"},
      {with("filter_state { key: 'x' }"), match_path, "nothing is known of the stream"},
  });
}

TEST(RouteConfigTest, VirtualClustersAndSpecifiers) {
  CheckErrors({
      {"virtual_hosts { name: 'v' domains: '*' virtual_clusters { name: 'x' } }",
       "rc.virtual_hosts[0].virtual_clusters[0].headers", "must not be empty"},
      {OneRoute("match { prefix: '/' } route { cluster_specifier_plugin: 'x' }"),
       std::string(kRoutePath) + "route.cluster_specifier_plugin", "cluster_specifier_plugins"},
      {OneRoute("match { prefix: '/' } route { inline_cluster_specifier_plugin {} }"),
       std::string(kRoutePath) + "route.inline_cluster_specifier_plugin", "name a cluster"},
  });
}

}  // namespace
}  // namespace proxenos::route
