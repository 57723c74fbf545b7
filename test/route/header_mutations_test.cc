// Adding and removing headers, and the order of the levels.
#include "source/route/header_mutations.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/route/rewrite.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

constexpr char kHost[] = R"pb(name: 'v'
                              domains: '*'
                              routes { name: 'r'
                                       match { prefix: '/' })pb";

std::string Print(const http::HeaderMap& headers) {
  std::string text;
  for (const http::Header& header : headers) {
    absl::StrAppend(&text, header.name(), "=", header.value(), ";");
  }
  return text;
}

// The request headers after the mutations of a route.
std::string Mutated(const std::string& mutations, const Request::Fields& fields) {
  const auto table = Compile(
      absl::StrCat("virtual_hosts { ", kHost, " route { cluster: 'c' } ", mutations, " } }"));
  Request request("/", "host", fields);
  const Route* route = table->Match(request.Input());
  Apply(route->request_headers, request.head.headers, [&](uint32_t index) {
    return request.head.headers.arena().Copy(absl::StrCat("<", table->formats()[index].text, ">"));
  });
  return Print(request.head.headers);
}

std::string Add(const std::string& value, const std::string& action) {
  return absl::StrCat("request_headers_to_add { header { key: 'X-Own' value: '", value, "' } ",
                      action, " } ");
}

TEST(HeaderMutationsTest, Actions) {
  const Request::Fields with = {{"x-own", "1"}, {"x-own", "2"}, {"b", "3"}};
  const Request::Fields without = {{"b", "3"}};
  EXPECT_EQ(Mutated(Add("n", ""), with), "x-own=1;x-own=2;b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", ""), without), "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append { value: true }"), with), "x-own=1;x-own=2;b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append { value: false }"), with), "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append_action: ADD_IF_ABSENT"), with), "x-own=1;x-own=2;b=3;");
  EXPECT_EQ(Mutated(Add("n", "append_action: ADD_IF_ABSENT"), without), "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append_action: OVERWRITE_IF_EXISTS_OR_ADD"), with), "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append_action: OVERWRITE_IF_EXISTS_OR_ADD"), without),
            "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append_action: OVERWRITE_IF_EXISTS"), with), "b=3;x-own=n;");
  EXPECT_EQ(Mutated(Add("n", "append_action: OVERWRITE_IF_EXISTS"), without), "b=3;");
}

TEST(HeaderMutationsTest, RemovalComesFirst) {
  EXPECT_EQ(Mutated("request_headers_to_remove: 'X-Own' request_headers_to_remove: 'User-Agent' " +
                        Add("n", "append_action: ADD_IF_ABSENT"),
                    {{"x-own", "1"}, {"user-agent", "u"}, {"x-own", "2"}}),
            "x-own=n;");
}

TEST(HeaderMutationsTest, LiteralsAndFormats) {
  EXPECT_EQ(Mutated(Add("100%% sure", ""), {}), "x-own=100% sure;");
  EXPECT_EQ(Mutated(Add("a %PROTOCOL% b", ""), {}), "x-own=<a %PROTOCOL% b>;");
  EXPECT_EQ(Mutated(Add("", ""), {}), "");
  EXPECT_EQ(Mutated(Add("", "keep_empty_value: true"), {}), "x-own=;");
}

TEST(HeaderMutationsTest, FormatsAreSharedAndKnowTheirField) {
  const auto table = Compile(absl::StrCat("virtual_hosts { ", kHost, " route { cluster: 'c' } ",
                                          Add("%PROTOCOL%", ""), Add("%PROTOCOL%", ""), " } }"));
  ASSERT_EQ(table->formats().size(), 1u);
  EXPECT_EQ(table->formats()[0].path,
            "virtual_hosts[0].routes[0].request_headers_to_add[0].header.value");
}

std::string Levels(const std::string& options) {
  const auto level = [](const std::string& value) {
    return absl::StrCat("request_headers_to_add { header { key: 'l' value: '", value, "' } } ",
                        "response_headers_to_add { header { key: 'l' value: '", value, "' } } ");
  };
  const auto table = Compile(
      absl::StrCat(options, level("table"), "virtual_hosts { ", kHost,
                   "route { weighted_clusters { clusters { name: 'c' weight { value: 1 } ",
                   level("cluster"), " } } } ", level("route"), " } ", level("host"), " }"));
  Request request("/");
  const Route* route = table->Match(request.Input());
  const ClusterPick pick = PickCluster(*route, request.Input());
  std::string order;
  const auto visit = [&](const HeaderMutations& mutations) {
    absl::StrAppend(&order, mutations.additions[0].value, " ");
  };
  table->ForEachRequestMutations(*route, pick.weighted, visit);
  table->ForEachResponseMutations(*route, nullptr, visit);
  return order;
}

TEST(HeaderMutationsTest, Levels) {
  EXPECT_EQ(Levels(""), "cluster route host table route host table ");
  EXPECT_EQ(Levels("most_specific_header_mutations_wins: true "),
            "cluster table host route table host route ");
}

}  // namespace
}  // namespace proxenos::route
