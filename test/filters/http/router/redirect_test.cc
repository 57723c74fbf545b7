// Redirects that the router follows: where they may lead to.
#include <string>

#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using testing::Peer;
using testing::ProxyLoop;

// Those of /a may lead to b alone.
constexpr char kRoutes[] = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes {
      match { prefix: "/a" } name: "a"
      route { cluster: "origin" internal_redirect_policy {
        predicates { name: "listed" typed_config {
          [type.googleapis.com/
           envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig] {
            allowed_route_names: "b"
          } } } } }
    }
    routes { match { prefix: "/b" } name: "b" route { cluster: "origin" } }
    routes { match { prefix: "/" } name: "secret" route { cluster: "origin" } }
  })";

class RedirectTest : public ::testing::Test {
 protected:
  RedirectTest() {
    proxy_.routes = kRoutes;
    proxy_.http.path.normalize = true;
    proxy_.Start();
    client_ = proxy_.Connect();
    client_.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    origin_ = proxy_.Accept();
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  void Redirect(const std::string& location) {
    ASSERT_TRUE(Gets(origin_, "\r\n\r\n"));
    origin_.Forget();
    origin_.Send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n");
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }

  ProxyLoop proxy_;
  Peer client_;
  Peer origin_;
};

TEST_F(RedirectTest, ListedRoutesAreGoneTo) {
  Redirect("http://h/b/x");
  ASSERT_TRUE(Gets(origin_, "GET /b/x HTTP/1.1\r\n"));
  origin_.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(Gets(client_, "HTTP/1.1 200"));
  ExpectNothingLeft();
}

TEST_F(RedirectTest, OthersAreNot) {
  Redirect("http://h/secret");
  EXPECT_TRUE(Gets(client_, "HTTP/1.1 302"));
  EXPECT_FALSE(origin_.Got("GET"));
  ExpectNothingLeft();
}

// What counts is where it leads to, not how that is written.
TEST_F(RedirectTest, OthersAreNotInDisguiseEither) {
  for (const char* path : {"/b/../secret", "/b/%2e%2e/secret", "/b\\..\\..\\secret"}) {
    Redirect(std::string("http://h") + path);
    EXPECT_TRUE(Gets(client_, "HTTP/1.1 502")) << path;
    EXPECT_FALSE(origin_.Got("GET")) << path;
    client_.Forget();
    client_.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  Redirect("http://h/b");
  EXPECT_TRUE(Gets(origin_, "GET /b HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace proxenos::filters::router
