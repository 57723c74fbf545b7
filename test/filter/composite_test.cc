// The composite filter: which of its filters a stream gets, bare and behind an
// ExtensionWithMatcher, and what is wrong with it.
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/filter/composite_config.h"
#include "source/filter/matcher_gate_config.h"
#include "source/filters/http/buffer/config.h"
#include "source/filters/http/header_mutation/config.h"
#include "source/filters/http/upstream_codec/config.h"
#include "source/route/route_config.h"
#include "test/support/filter_harness.h"

namespace proxenos::filter {
namespace {

using envoy::extensions::common::matching::v3::ExtensionWithMatcher;
using envoy::extensions::filters::http::composite::v3::Composite;

using Place = FilterKind::Place;
using testing::FilterHarness;

constexpr FilterKind kKinds[] = {
    {"envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", false,
     filters::header_mutation::CreateHeaderMutation,
     &filters::header_mutation::kHeaderMutationOverride, Place::kBoth},
    {"envoy.extensions.filters.http.buffer.v3.Buffer", false, filters::buffer::CreateBuffer,
     &filters::buffer::kBufferOverride, Place::kBoth},
    {"envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", true,
     filters::upstream_codec::CreateUpstreamCodec, nullptr, Place::kUpstream},
    {kComposite, false, RefuseComposite, &kCompositeOverride, Place::kBoth},
    {kExtensionWithMatcher, false, nullptr, &kMatcherGateOverride, Place::kBoth},
};

constexpr char kType[] = "'@type': type.googleapis.com/";

// Requests get `field: value`.
std::string Sets(const std::string& field, const std::string& value) {
  return absl::StrCat("{name: m, typed_config: {", kType,
                      "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: "
                      "{request_mutations: [{append: {header: {key: ",
                      field, ", value: '", value, "'}}}]}}}");
}

std::string Execute(const std::string& what) {
  return absl::StrCat("{action: {name: e, typed_config: {", kType,
                      "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction, ", what,
                      "}}}");
}

// By the value of x-kind.
std::string ByKind(const std::string& map, const std::string& otherwise = "") {
  return absl::StrCat("{matcher_tree: {input: {name: h, typed_config: {", kType,
                      "envoy.type.matcher.v3.HttpRequestHeaderMatchInput, header_name: x-kind}}, "
                      "exact_match_map: {map: {",
                      map, "}}}", otherwise.empty() ? "" : ", on_no_match: ", otherwise, "}");
}

class CompositeTest : public ::testing::Test {
 protected:
  // The errors; empty: none.
  template <typename Proto>
  std::string Compile(const std::string& yaml) {
    Proto proto;
    config::Errors errors;
    config::ParseYaml(yaml, proto, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    google::protobuf::Any any;
    any.PackFrom(proto);
    const FilterKind* kind = FindKind(kKinds, Proto::descriptor()->full_name());
    const FilterPlace place{kKinds, "f", 3};
    factories_.clear();
    for (auto& factory : CreateFilters(*kind, any, place, config::Path("c"), errors)) {
      EXPECT_EQ(factory->index, 3 + factories_.size());
      factory->index -= 3;  // It stands alone here.
      factories_.push_back(std::move(factory));
    }
    EXPECT_TRUE(errors.ok() || factories_.empty());
    return errors.ok() ? "" : errors.list()[0].ToString();
  }
  // A route to a cluster, with what it says to the filter "f".
  void Route(const std::string& per_filter) {
    envoy::config::route::v3::RouteConfiguration config;
    config::Errors errors;
    config::ParseYaml(absl::StrCat("{virtual_hosts: [{name: all, domains: ['*'], routes: [{match: "
                                   "{prefix: /}, route: {cluster: origin}, "
                                   "typed_per_filter_config: {f: {",
                                   kType, per_filter, "}}}]}]}"),
                      config, errors);
    const auto kinds = OverridesOf(kKinds);
    routes_ = route::CompileRoutes(config, errors, config::Path("rc"), kinds);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  }
  // What a request with that x-kind has got of "x-a" and "x-b".
  std::string Seen(const std::string& kind, const std::string& body = "") {
    FilterHarness stream(factories_, [this, &kind](StreamContext& context) {
      context.request.method_text = "POST";
      context.request.path = "/";
      context.request.authority = "host";
      context.request.framing = http::Framing{http::Framing::kChunked, 0};
      context.request.headers.Add("x-kind", kind);
      for (int i = 0; i < more_fields_; ++i) {
        context.request.headers.Add(context.arena.Copy(absl::StrCat("h", i)), "good");
      }
      context.random = random_;
      if (routes_ == nullptr) return;
      context.routes = routes_.get();
      context.route = routes_->Match(route::MatchInput{context.request});
    });
    stream.SendRequest(body.empty());
    if (!body.empty()) stream.SendRequestBody(body, true);
    if (stream.replied()) return absl::StrCat(stream.response.status);
    EXPECT_TRUE(stream.request_out.end);
    const auto value = [&stream](absl::string_view name) {
      const http::Header* field = stream.request.headers.Find(name);
      return field == nullptr ? std::string("-") : std::string(field->value());
    };
    return absl::StrCat(value("x-a"), " ", value("x-b"));
  }

  FilterFactories factories_;
  std::shared_ptr<const route::RouteTable> routes_;
  uint64_t random_ = 1;
  int more_fields_ = 0;
};

TEST_F(CompositeTest, TheMatcherChooses) {
  const std::string chain =
      absl::StrCat("{typed_config: [", Sets("x-a", "c"), ", ", Sets("x-b", "%REQ(x-a)%"), "]}");
  ASSERT_EQ(
      Compile<Composite>(absl::StrCat(
          "{named_filter_chains: {both: ", chain, "}, matcher: ",
          ByKind(absl::StrCat("one: ", Execute(absl::StrCat("typed_config: ", Sets("x-a", "1"))),
                              ", two: ", Execute(absl::StrCat("typed_config: ", Sets("x-a", "2"))),
                              ", chain: ", Execute(absl::StrCat("filter_chain: ", chain)),
                              ", named: ", Execute("filter_chain_name: both"))),
          "}")),
      "");
  EXPECT_EQ(factories_.size(), 6u);
  EXPECT_EQ(Seen("one"), "1 -");
  EXPECT_EQ(Seen("two"), "2 -");
  EXPECT_EQ(Seen("chain"), "c c");
  EXPECT_EQ(Seen("named"), "c c");
  EXPECT_EQ(Seen("none"), "- -");
}

TEST_F(CompositeTest, BehindAnExtensionWithMatcher) {
  const std::string skip =
      absl::StrCat("{action: {name: s, typed_config: {", kType,
                   "envoy.extensions.filters.common.matcher.action.v3.SkipFilter}}}");
  ASSERT_EQ(
      Compile<ExtensionWithMatcher>(absl::StrCat(
          "{extension_config: {name: composite, typed_config: {", kType,
          "envoy.extensions.filters.http.composite.v3.Composite}}, xds_matcher: ",
          ByKind("no: " + skip, Execute(absl::StrCat("typed_config: ", Sets("x-a", "1")))), "}")),
      "");
  EXPECT_EQ(Seen("any"), "1 -");
  EXPECT_EQ(Seen("no"), "- -");
  // A route's matcher, whose one action is to skip, leaves nothing that could run.
  Route("envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute, xds_matcher: " +
        absl::StrCat("{on_no_match: ", skip, "}"));
  EXPECT_EQ(Seen("any"), "- -");
}

// One of a chain may change what the matcher goes by: the guard behind it is passed by nobody so.
TEST_F(CompositeTest, WhatWasChosenStaysSo) {
  const std::string hides = absl::StrCat(
      "{name: h, typed_config: {", kType,
      "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: "
      "{request_mutations: [{remove: x-kind}, {append: {header: {key: x-kind, value: two}}}]}}}");
  const auto chain = [&hides](const std::string& field) {
    return Execute(
        absl::StrCat("filter_chain: {typed_config: [", hides, ", ", Sets(field, "1"), "]}"));
  };
  ASSERT_EQ(
      Compile<Composite>(absl::StrCat(
          "{matcher: ", ByKind(absl::StrCat("one: ", chain("x-a"), ", two: ", chain("x-b"))), "}")),
      "");
  EXPECT_EQ(Seen("one"), "1 -");
  EXPECT_EQ(Seen("two"), "- 1");
}

TEST_F(CompositeTest, ASharePerAction) {
  ASSERT_EQ(Compile<Composite>(absl::StrCat(
                "{matcher: ",
                ByKind(absl::StrCat(
                    "some: ",
                    Execute(absl::StrCat("filter_chain: {typed_config: [", Sets("x-a", "1"), ", ",
                                         Sets("x-b", "1"),
                                         "]}, sample_percent: {default_value: {numerator: 30}}")),
                    ", none: ",
                    Execute(absl::StrCat("typed_config: ", Sets("x-a", "1"),
                                         ", sample_percent: {default_value: {numerator: 0}}")))),
                "}")),
            "");
  EXPECT_EQ(Seen("none"), "- -");
  std::map<std::string, int> seen;
  for (random_ = 0; random_ < 1000; ++random_) ++seen[Seen("some")];
  // All of a chain, or nothing of it.
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_NEAR(seen["1 1"], 300, 60);
}

TEST_F(CompositeTest, RoutesSpeakToTheFilterThatRuns) {
  ASSERT_EQ(Compile<Composite>(absl::StrCat(
                "{matcher: ",
                ByKind("one: " + Execute(absl::StrCat("typed_config: ", Sets("x-a", "1")))), "}")),
            "");
  Route(
      "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute, mutations: "
      "{request_mutations: [{append: {header: {key: x-b, value: route}}}]}");
  EXPECT_EQ(Seen("one"), "1 route");
  EXPECT_EQ(Seen("other"), "- -");
  Route("envoy.config.route.v3.FilterConfig, disabled: true");
  EXPECT_EQ(Seen("one"), "- -");
}

TEST_F(CompositeTest, ARouteChoosesAmongTheChains) {
  const auto chain = [](const std::string& value) {
    return absl::StrCat("{typed_config: [", Sets("x-a", value), "]}");
  };
  const auto per_route = [](const std::string& map) {
    return "envoy.extensions.filters.http.composite.v3.CompositePerRoute, matcher: " + ByKind(map);
  };
  const std::string chains =
      absl::StrCat("{named_filter_chains: {a: ", chain("A"), ", b: ", chain("B"), "}");
  // Without a matcher of its own nothing runs but where a route says so.
  for (const std::string& own :
       {std::string("}"),
        absl::StrCat(", matcher: {on_no_match: ", Execute("filter_chain_name: a"), "}}")}) {
    routes_ = nullptr;
    ASSERT_EQ(Compile<Composite>(chains + own), "");
    EXPECT_EQ(factories_.size(), 2u);
    EXPECT_EQ(Seen("two"), own == "}" ? "- -" : "A -");
    Route(per_route(absl::StrCat(
        "one: ", Execute("filter_chain_name: a"), ", two: ", Execute("filter_chain_name: b"),
        ", unknown: ", Execute("filter_chain_name: c"), ", never: ",
        Execute("filter_chain_name: b, sample_percent: {default_value: {numerator: 0}}"),
        ", skip: {action: {name: s, typed_config: {", kType,
        "envoy.extensions.filters.common.matcher.action.v3.SkipFilter}}}")));
    EXPECT_EQ(Seen("one"), "A -");
    EXPECT_EQ(Seen("two"), "B -");
    EXPECT_EQ(Seen("never"), "- -");
    EXPECT_EQ(Seen("skip"), "- -");
    EXPECT_EQ(Seen("other"), "- -");
    // It could be a guard's.
    EXPECT_EQ(Seen("unknown"), "500");
  }
}

TEST_F(CompositeTest, OnlyWhatRunsHoldsBodiesUp) {
  const std::string buffer =
      absl::StrCat("{name: b, typed_config: {", kType,
                   "envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 4}}");
  ASSERT_EQ(Compile<Composite>(absl::StrCat(
                "{matcher: ", ByKind("some: " + Execute("typed_config: " + buffer)), "}")),
            "");
  EXPECT_EQ(Seen("some", "four"), "- -");
  EXPECT_EQ(Seen("some", "fives"), "413");
  EXPECT_EQ(Seen("other", "fives"), "- -");
}

// A client that sends more than is looked at gets past no filter.
TEST_F(CompositeTest, WhatCostsTooMuchIsRefused) {
  const std::string expression =
      "request.headers.exists(a, request.headers.exists(b, request.headers[a] == \"bad\"))";
  // So many that each of them could not answer in the place of the one before.
  std::string many = Sets("x-a", "1");
  for (int i = 0; i < 6; ++i) absl::StrAppend(&many, ", ", Sets("x-c", "1"));
  ASSERT_EQ(
      Compile<Composite>(absl::StrCat(
          "{matcher: {matcher_list: {matchers: [{predicate: {single_predicate: {input: {name: i, "
          "typed_config: {",
          kType,
          "xds.type.matcher.v3.HttpAttributesCelMatchInput}}, custom_match: {name: c, "
          "typed_config: {",
          kType, "xds.type.matcher.v3.CelMatcher, expr_match: {cel_expr_string: '", expression,
          "'}}}}}, on_match: ", Execute(absl::StrCat("filter_chain: {typed_config: [", many, "]}")),
          "}]}}}")),
      "");
  EXPECT_EQ(Seen("good"), "- -");
  EXPECT_EQ(Seen("bad"), "1 -");
  more_fields_ = 100;
  EXPECT_EQ(Seen("good"), "500");
}

TEST_F(CompositeTest, ErrorsAreNamed) {
  const auto error = [this](const std::string& action) {
    return Compile<Composite>(absl::StrCat("{matcher: ", ByKind("a: " + Execute(action)), "}"));
  };
  const std::string at = R"(c.matcher.matcher_tree.exact_match_map.map["a"].action.typed_config)";
  EXPECT_EQ(Compile<Composite>("{}"),
            "c.matcher: expected a matcher: nothing else says which filter runs");
  EXPECT_EQ(
      error("filter_chain_name: none"),
      at + ".filter_chain_name: value none: expected a name of Composite.named_filter_chains");
  EXPECT_EQ(error("filter_chain: {}"),
            at + ".filter_chain.typed_config: expected at least one filter");
  EXPECT_EQ(error("sample_percent: {default_value: {numerator: 3}}"),
            at + ": expected one of typed_config, filter_chain and filter_chain_name");
  EXPECT_NE(error(absl::StrCat("typed_config: {name: r, typed_config: {", kType,
                               "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}}"))
                .find("can not stand in a composite"),
            std::string::npos);
  EXPECT_NE(error(absl::StrCat("typed_config: {name: r, typed_config: {", kType, kComposite, "}}"))
                .find("a composite filter stands for several"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 65; ++i) {
    absl::StrAppend(&many, i == 0 ? "" : ", ", "k", i, ": ",
                    Execute(absl::StrCat("typed_config: ", Sets("x-a", "1"))));
  }
  EXPECT_EQ(Compile<Composite>(absl::StrCat("{matcher: ", ByKind(many), "}")),
            "c.matcher: expected at most 64 filters to choose among");
}

}  // namespace
}  // namespace proxenos::filter
