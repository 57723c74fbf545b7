// Hosts that requests name, through the real binary: sessions (the configuration of
// docs/filters/stateful_session.md) and the policy OverrideHost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/integration/config_text.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class OverrideHostTest : public ::testing::Test {
 protected:
  OverrideHostTest() {
    for (int i = 0; i < 2; ++i) origins_.push_back(std::make_unique<FakeOrigin>(absl::StrCat(i)));
  }
  void Start(const std::string& yaml) {
    proxy_.emplace(yaml);
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  void StartPage() {
    std::string yaml = PageYaml("docs/filters/stateful_session.md", "static_resources");
    ASSERT_NE(yaml, "");
    for (int i = 0; i < 2; ++i) {
      absl::StrReplaceAll({{absl::StrCat(8081 + i), absl::StrCat(origins_[i]->port())}}, &yaml);
    }
    Start(yaml);
  }
  Message Get(const std::string& target, const Fields& fields = {}) {
    return TestClient(port_).Request("GET", target, fields, "");
  }
  std::string Address(int origin) const {
    return absl::StrCat("127.0.0.1:", origins_[origin]->port());
  }

  std::vector<std::unique_ptr<FakeOrigin>> origins_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(OverrideHostTest, ASessionByCookie) {
  StartPage();
  const Message first = Get("/cart");
  const std::string cookie(first.Header("set-cookie"));
  EXPECT_THAT(cookie, StartsWith("basket=\""));
  EXPECT_THAT(cookie, HasSubstr("\"; Max-Age=120; Path=/cart; SameSite=Lax; HttpOnly"));
  const std::string pair = cookie.substr(0, cookie.find(';'));
  for (int i = 0; i < 5; ++i) {
    const Message again = Get("/cart/items", {{"cookie", pair}});
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.Header("set-cookie"), "");
  }
  // The older form, and paths and routes without sessions.
  const std::string older =
      absl::StrCat("basket=", absl::Base64Escape(Address(first.body == "0" ? 1 : 0)));
  for (int i = 0; i < 3; ++i) EXPECT_NE(Get("/cart?x", {{"cookie", older}}).body, first.body);
  EXPECT_EQ(Get("/cartoon").Header("set-cookie"), "");
  EXPECT_EQ(Get("/free").Header("set-cookie"), "");
  // A host that is not there.
  const std::string gone = absl::StrCat("basket=", absl::Base64Escape("127.0.0.1:1"));
  const Message other = Get("/cart", {{"cookie", gone}});
  EXPECT_EQ(other.status(), 200);
  EXPECT_NE(other.Header("set-cookie"), "");
  EXPECT_EQ(proxy_->Stat("http.main.stateful_session.shop.routed"), 8u);
  EXPECT_EQ(proxy_->Stat("http.main.stateful_session.shop.failed_open"), 2u);
  EXPECT_EQ(proxy_->Stat("http.main.stateful_session.shop.no_session"), 1u);
}

TEST_F(OverrideHostTest, AStrictSessionByHeader) {
  StartPage();
  const Message first = Get("/header");
  const std::string session(first.Header("x-session"));
  EXPECT_EQ(session, absl::Base64Escape(Address(first.body == "0" ? 0 : 1)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("/header", {{"x-session", session}}).body, first.body);
  EXPECT_EQ(Get("/header", {{"x-session", "not base64!"}}).status(), 200);
  EXPECT_EQ(Get("/header", {{"x-session", absl::Base64Escape("127.0.0.1:1")}}).status(), 503);
  EXPECT_EQ(Get("/header", {{"x-session", absl::Base64Escape("no address")}}).status(), 503);
}

// What docs/balancing.md shows, with ports and a route.
TEST_F(OverrideHostTest, ThePolicyGoesByTheRequest) {
  ConfigText text;
  text.clusters = ClusterText(
      "origin", {origins_[0]->port(), origins_[1]->port()},
      "load_balancing_policy: {policies: [{typed_extension_config: {name: o, typed_config: "
      "{\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies.override_host.v3."
      "OverrideHost, override_host_sources: [{header: x-destination}, {metadata: {key: envoy.lb, "
      "path: [{key: x-destination}]}}], selected_host_key: {key: chosen, path: [{key: host}]}, "
      "fallback_policy: {policies: [{typed_extension_config: {name: r, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin"
      "}}}]}}}}]}");
  text.routes = RouteText("/", "origin",
                          "retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 0.001s}}");
  text.filters = FilterText("header_to_metadata", "Config",
                            "request_rules: [{header: x-meta, on_header_present: "
                            "{metadata_namespace: envoy.lb, key: x-destination}}]");
  Start(Bootstrap(text));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Get("/", {{"x-destination", Address(1)}}).body, "1");
    EXPECT_EQ(Get("/", {{"x-meta", Address(0)}}).body, "0");
    EXPECT_EQ(Get("/", {{"x-destination", absl::StrCat("x, 10.0.0.1:1 ,", Address(0))}}).body, "0");
    EXPECT_EQ(Get("/", {{"x-destination", "127.0.0.1:1"}}).status(), 200);
  }
  // The second is for the retry.
  origins_[0]->On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, ""); });
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Get("/", {{"x-destination", absl::StrCat(Address(0), ",", Address(1))}}).body, "1");
  }
}

}  // namespace
}  // namespace proxenos::testing
