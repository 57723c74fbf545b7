// Direct responses and redirects: what the route says of their fields.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using testing::Peer;
using testing::ProxyLoop;

constexpr char kAdd[] =
    R"( response_headers_to_add { header { key: "content-type" value: "image/x" } } )";

class DirectAnswerTest : public ::testing::Test {
 protected:
  // The answer of a route with this action, and what it says of the response.
  std::string Ask(const std::string& action, const std::string& changes,
                  const std::string& fields = "") {
    ProxyLoop proxy;
    proxy.routes = absl::StrCat(R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
        match { prefix: "/" } )",
                                action, changes, "}}");
    proxy.Start();
    Peer client = proxy.Connect();
    client.Send(absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\n", fields, "\r\n"));
    EXPECT_TRUE(proxy.Until([&client] { return client.Got("\r\n\r\n"); }));
    return client.Received();
  }
  // The values of its content-type fields, with a bar behind each.
  static std::string Types(const std::string& answer) {
    const std::string name = "\r\ncontent-type: ";
    std::string types;
    for (size_t at = answer.find(name); at != std::string::npos; at = answer.find(name, at)) {
      at += name.size();
      absl::StrAppend(&types, answer.substr(at, answer.find("\r\n", at) - at), "|");
    }
    return types;
  }
};

constexpr char kText[] = R"(direct_response { status: 200 body { inline_string: "text" } })";

TEST_F(DirectAnswerTest, TheRouteMaySayOfWhichTypeItIs) {
  EXPECT_EQ(Types(Ask(kText, "")), "text/plain|");
  EXPECT_EQ(Types(Ask(kText, kAdd)), "image/x|");
  const std::string absent =
      R"( response_headers_to_add { header { key: "content-type" value: "image/x" }
                                    append_action: ADD_IF_ABSENT } )";
  EXPECT_EQ(Types(Ask(kText, absent)), "image/x|");
  EXPECT_EQ(Types(Ask(kText, R"( response_headers_to_remove: "content-type" )")), "text/plain|")
      << "the reply's own is not there yet";
}

TEST_F(DirectAnswerTest, ThatOfAGrpcAnswerStays) {
  EXPECT_EQ(Types(Ask(kText, kAdd, "Content-Type: application/grpc\r\n")), "application/grpc|");
}

TEST_F(DirectAnswerTest, WithoutABodyThereIsWhatTheRouteAdds) {
  EXPECT_EQ(Types(Ask("direct_response { status: 200 }", "")), "");
  EXPECT_EQ(Types(Ask("direct_response { status: 200 }", kAdd)), "image/x|");
  const std::string redirected = Ask(R"(redirect { path_redirect: "/x" })", kAdd);
  EXPECT_EQ(Types(redirected), "image/x|");
  EXPECT_NE(redirected.find("location: http://a/x\r\n"), std::string::npos) << redirected;
}

}  // namespace
}  // namespace proxenos::filters::router
