// The table of pages: parameters, methods, unknown paths, and the pages about the pages.
#include "source/admin/endpoint.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace proxenos::admin {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(ParamsTest, AreDecodedInTheirOrder) {
  const Params params("usedonly&filter=%5Ea%2eb%3D+c%&b=1=2&&filter=z");
  EXPECT_EQ(params.all(),
            (Pairs{{"usedonly", ""}, {"filter", "^a.b=+c%"}, {"b", "1=2"}, {"filter", "z"}}));
  EXPECT_TRUE(params.Has("usedonly"));
  EXPECT_FALSE(params.Has("used"));
  EXPECT_EQ(params.Get("filter"), "^a.b=+c%");
  EXPECT_EQ(params.Get("none"), "");
  EXPECT_EQ(params.Find("none"), nullptr);
}

TEST(ParamsTest, IncompleteEscapesStay) {
  EXPECT_EQ(Params("a=%4").Get("a"), "%4");
  EXPECT_EQ(Params("a=%").Get("a"), "%");
  EXPECT_EQ(Params("a=%zz%41").Get("a"), "%zzA");
}

TEST(ParamsTest, FormsHaveSpaces) { EXPECT_EQ(Params::FromForm("a=b+c%2B").Get("a"), "b c+"); }

TEST(ParamsTest, AreBounded) {
  std::string query;
  for (int i = 0; i < 5000; ++i) query += "a&";
  EXPECT_EQ(Params(query).all().size(), 1000u);
}

class EndpointTableTest : public ::testing::Test {
 protected:
  EndpointTableTest() {
    table_.Add(Endpoint{.path = "/read",
                        .method = Endpoint::Method::kRead,
                        .help = "reads <things>",
                        .params = {{"how", "much"}},
                        .handler = [](const Request&) { return Response::Text("read"); }});
    table_.Add(Endpoint{.path = "/change",
                        .method = Endpoint::Method::kPost,
                        .help = "changes things",
                        .params = {},
                        .handler = [this](const Request&) {
                          ++changes_;
                          return Response::Text("changed");
                        }});
  }

  Response Call(const std::string& method, const std::string& path) {
    request_.method = method;
    request_.path = path;
    return table_.Serve(request_);
  }

  EndpointTable table_;
  Request request_;
  int changes_ = 0;
};

TEST_F(EndpointTableTest, OnlyPostChangesAnything) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"}) {
    const Response response = Call(method, "/change");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.body, std::string("Method ") + method + " not allowed, POST required.");
    EXPECT_EQ(response.allow, "POST");
  }
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(Call("POST", "/change").body, "changed");
  EXPECT_EQ(changes_, 1);
}

TEST_F(EndpointTableTest, PagesAreReadByGetHeadAndPost) {
  for (const char* method : {"GET", "HEAD", "POST"}) {
    EXPECT_EQ(Call(method, "/read").body, "read") << method;
  }
  EXPECT_EQ(Call("PUT", "/read").status, 405);
  EXPECT_EQ(Call("PUT", "/read").body, "Method PUT not allowed, GET required.");
}

TEST_F(EndpointTableTest, AForeignPageCannotPost) {
  request_.cross_site = true;
  EXPECT_EQ(Call("POST", "/change").status, 403);
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(Call("GET", "/read").status, 200);
}

TEST_F(EndpointTableTest, UnknownPathsGetTheList) {
  for (const char* path : {"/nope", "/read/", "//read", "/rea", "/Read", "", "*"}) {
    const Response response = Call("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_TRUE(absl::StartsWith(response.body, "invalid path. admin commands are:\n  /: "))
        << path;
  }
}

TEST_F(EndpointTableTest, HelpIsByPath) {
  EXPECT_EQ(Call("GET", "/help").body,
            "admin commands are:\n"
            "  /: Admin home page\n"
            "  /change (POST): changes things\n"
            "  /help: print out list of admin commands\n"
            "  /read: reads <things>\n"
            "      how: much\n");
}

TEST_F(EndpointTableTest, HomePageHasFormsAndEscapes) {
  const Response home = Call("GET", "/");
  EXPECT_EQ(home.content_type, "text/html; charset=UTF-8");
  EXPECT_TRUE(absl::StrContains(home.body, "method=\"post\" action=\"/change\""));
  EXPECT_TRUE(absl::StrContains(home.body, "method=\"get\" action=\"/read\""));
  EXPECT_TRUE(absl::StrContains(home.body, "<a href=\"/help\">/help</a>"));
  EXPECT_TRUE(absl::StrContains(home.body, "reads &lt;things&gt;"));
}

TEST_F(EndpointTableTest, MethodsOfGrpcAreApart) {
  table_.AddGrpc({"/a.Service/Do", false, [](const std::string& message) {
                    return GrpcAnswer{rpc::Status::kOk, "", message + "!"};
                  }});
  ASSERT_NE(table_.FindGrpc("/a.Service/Do"), nullptr);
  EXPECT_EQ(table_.FindGrpc("/a.Service/Do")->handler("x").message, "x!");
  EXPECT_EQ(table_.FindGrpc("/a.Service/Undo"), nullptr);
  EXPECT_EQ(table_.FindGrpc("/read"), nullptr);
  EXPECT_EQ(Call("POST", "/a.Service/Do").status, 404);
  table_.AllowOnly([](absl::string_view path) { return path == "/read"; });
  EXPECT_EQ(table_.FindGrpc("/a.Service/Do"), nullptr);
}

TEST_F(EndpointTableTest, OnlyAllowedPathsAnswer) {
  table_.AllowOnly([](absl::string_view path) { return path == "/read"; });
  EXPECT_EQ(Call("GET", "/read").status, 200);
  EXPECT_EQ(Call("POST", "/change").status, 403);
  EXPECT_EQ(Call("GET", "/nope").status, 403);
  EXPECT_EQ(changes_, 0);
}

}  // namespace
}  // namespace proxenos::admin
