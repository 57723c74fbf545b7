// The header_mutation filter: what each kind of change does, and in which order levels apply. All
// as Envoy 1.40 was seen to do it.
#include <string>

#include "absl/strings/match.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::header_mutation::v3;

google::protobuf::Any Filter(const std::string& mutations, bool most_specific_wins = false) {
  return Pack<v3::HeaderMutation>(absl::StrCat(
      "mutations { ", mutations,
      " } most_specific_header_mutations_wins: ", most_specific_wins ? "true" : "false"));
}

// One addition of `direction` ("request", "response", "request_trailers" ...).
std::string Add(const std::string& direction, const std::string& name, const std::string& value,
                const std::string& action = "APPEND_IF_EXISTS_OR_ADD") {
  return absl::StrCat(direction, "_mutations { append { header { key: '", name, "' value: '", value,
                      "' } append_action: ", action, " } } ");
}

std::string Text(const http::HeaderMap& headers) {
  std::string text;
  for (const http::Header& field : headers) {
    absl::StrAppend(&text, field.name(), "=", field.value(), ";");
  }
  return text;
}

// The request's fields after it has passed.
std::string Request(const google::protobuf::Any& config, const RequestLine& line) {
  auto stream = MakeStream(config, line);
  stream->SendRequest(true);
  return Text(stream->request.headers);
}

TEST(HeaderMutationTest, EachActionSeesWhatThoseBeforeItMade) {
  const RequestLine line{.fields = {{"x-old", "1"}, {"x-old", "2"}}};
  EXPECT_EQ(Request(Filter(Add("request", "X-New", "v") + Add("request", "x-old", "3")), line),
            "x-old=1;x-old=2;x-new=v;x-old=3;");
  EXPECT_EQ(
      Request(Filter(Add("request", "x-new", "1") + Add("request", "x-new", "2", "ADD_IF_ABSENT") +
                     Add("request", "x-old", "one", "OVERWRITE_IF_EXISTS") +
                     Add("request", "x-none", "none", "OVERWRITE_IF_EXISTS") +
                     Add("request", "x-set", "set", "OVERWRITE_IF_EXISTS_OR_ADD")),
              line),
      "x-new=1;x-old=one;x-set=set;");
  EXPECT_EQ(Request(Filter(Add("request", "x-a", "gone") + "request_mutations { remove: 'X-A' } " +
                           Add("request", "x-a", "here")),
                    line),
            "x-old=1;x-old=2;x-a=here;");
}

TEST(HeaderMutationTest, ValuesMayHaveOperators) {
  const RequestLine line{.method = "GET", .path = "/p?q=1", .fields = {{"x-old", "1"}}};
  EXPECT_EQ(Request(Filter(Add("request", "x-a", "%REQ(:path)% 100%%") +
                           Add("request", "x-b", "%REQ(x-a)%") +
                           Add("request", "x-empty", "%REQ(x-none)%")),
                    line),
            "x-old=1;x-a=/p?q=1 100%;x-b=/p?q=1 100%;");
}

TEST(HeaderMutationTest, RemoveOnMatchLeavesTheFramingAlone) {
  const RequestLine line{.fields = {{"x-a", "1"}, {"content-length", "3"}, {"x-b", "2"}}};
  EXPECT_EQ(
      Request(Filter("request_mutations { remove_on_match { key_matcher { prefix: 'x-' } } }"),
              line),
      "content-length=3;");
  EXPECT_EQ(Request(Filter("request_mutations { remove_on_match { key_matcher { safe_regex { "
                           "regex: '.*' } } } }"),
                    line),
            "content-length=3;");
}

std::string Query(const std::string& mutations, const std::string& path) {
  auto stream = MakeStream(Filter(mutations), {.path = path, .fields = {{"x-v", "a b"}}});
  stream->SendRequest(true);
  return std::string(stream->request.path);
}
std::string Set(const std::string& key, const std::string& value,
                const std::string& action = "APPEND_IF_EXISTS_OR_ADD") {
  return absl::StrCat("query_parameter_mutations { append { record { key: '", key,
                      "' value { string_value: '", value, "' } } action: ", action, " } } ");
}

TEST(HeaderMutationTest, NoLengthButTheBodysIsClaimed) {
  for (const char* action : {"ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD"}) {
    const auto config = Filter(Add("request", "Content-Length", "%REQ(x-a)%", action));
    EXPECT_EQ(Request(config, {.fields = {{"x-a", "7"}}}), "x-a=7;");
    EXPECT_EQ(Request(config, {.fields = {{"content-length", "3"}}}), "content-length=3;");
  }
}

TEST(HeaderMutationTest, QueryParameters) {
  EXPECT_EQ(Query(Set("z", "9 &"), "/a"), "/a?z=9%20%26");
  EXPECT_EQ(Query(Set("x", "4"), "/a?x=1&y=2&x=3"), "/a?x=1&x=3&x=4&y=2");
  EXPECT_EQ(Query("query_parameter_mutations { remove: 'x' }", "/a?x=1&y=2&x=3"), "/a?y=2");
  EXPECT_EQ(Query("query_parameter_mutations { remove: 'x' }", "/a?x=1"), "/a");
  EXPECT_EQ(Query("query_parameter_mutations { remove: 'xy' }", "/a?%78y=1&x%79&x%7=2&%7=%78y"),
            "/a?%7=%78y&x%7=2");
  EXPECT_EQ(Query(Set("x", "n", "ADD_IF_ABSENT") + Set("y", "n", "ADD_IF_ABSENT"), "/a?x=1"),
            "/a?x=1&y=n");
  EXPECT_EQ(Query(Set("x", "n", "OVERWRITE_IF_EXISTS") + Set("y", "n", "OVERWRITE_IF_EXISTS"),
                  "/a?x=1&x=2"),
            "/a?x=n");
  EXPECT_EQ(Query(Set("x", "%REQ(x-v)%", "OVERWRITE_IF_EXISTS_OR_ADD"), "/a"), "/a?x=a%20b");
}

TEST(HeaderMutationTest, ResponsesAndTrailers) {
  auto stream = MakeStream(
      Filter(Add("response", "x-code", "%RESPONSE_CODE%") + Add("response_trailers", "x-t", "new") +
             "request_trailers_mutations { remove: 'x-u' } "),
      {});
  stream->SendRequest(false);
  stream->SendRequestTrailers({{"x-u", "1"}, {"x-w", "2"}});
  ASSERT_NE(stream->request_out.trailers, nullptr);
  EXPECT_EQ(Text(*stream->request_out.trailers), "x-w=2;");
  stream->SendResponse(204, "", false);
  EXPECT_EQ(Value(stream->response.headers, "x-code"), "204");
  stream->SendResponseTrailers({{"x-s", "3"}});
  ASSERT_NE(stream->response_out.trailers, nullptr);
  EXPECT_EQ(Text(*stream->response_out.trailers), "x-s=3;x-t=new;");
}

TEST(HeaderMutationTest, LevelsOfTheRouteTable) {
  envoy::config::route::v3::RouteConfiguration config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' "
      "} } }",
      &config));
  const auto level = [](const std::string& name) {
    return Pack<v3::HeaderMutationPerRoute>("mutations { " + Add("request", "x-l", name) + " }");
  };
  auto& host = *config.mutable_virtual_hosts(0);
  (*config.mutable_typed_per_filter_config())["f"] = level("table");
  (*host.mutable_typed_per_filter_config())["f"] = level("host");
  (*host.mutable_routes(0)->mutable_typed_per_filter_config())["f"] = level("route");
  const auto routes = MakeRoutes(config);
  const auto order = [&](bool most_specific_wins) {
    auto stream =
        MakeStream(Filter(Add("request", "x-l", "filter"), most_specific_wins), {}, routes);
    stream->SendRequest(true);
    return Text(stream->request.headers);
  };
  EXPECT_EQ(order(false), "x-l=filter;x-l=route;x-l=host;x-l=table;");
  EXPECT_EQ(order(true), "x-l=filter;x-l=table;x-l=host;x-l=route;");
}

std::string Errors(const std::string& mutations) {
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (!absl::EndsWith(kind.type, "header_mutation.v3.HeaderMutation")) continue;
    config::Errors errors;
    EXPECT_EQ(kind.create(Filter(mutations), config::Path("f"), errors), nullptr);
    return errors.ToStatus().ToString();
  }
  return "no such filter";
}

TEST(HeaderMutationTest, WrongConfigurationsAreNamed) {
  EXPECT_NE(Errors(Add("request", ":path", "/")).find("f.mutations.request_mutations[0].append"),
            std::string::npos);
  EXPECT_NE(Errors("response_mutations { remove: 'content-length' }")
                .find("response_mutations[0].remove"),
            std::string::npos);
  EXPECT_NE(Errors(Add("request", "x", "%NONSENSE%")).find("%NONSENSE%"), std::string::npos);
  EXPECT_NE(Errors("query_parameter_mutations {}").find("append and remove"), std::string::npos);
}

}  // namespace
}  // namespace proxenos::filters
