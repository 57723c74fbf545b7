// The filter chain where it is not one part after the other: what filters add and inject, filters
// that are made anew, and gates.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/filter/filter_chain.h"
#include "test/filter/filter_chain_fixture.h"

namespace proxenos::filter {
namespace {

// What a filter adds passes those that have not seen the end, and no others.
class Adder final : public HttpFilter {
 public:
  explicit Adder(StreamContext& stream) : stream_(stream) {}
  Verdict OnResponseHeaders(http::ResponseHead&, bool end) override {
    if (end) stream_.added_body.Append(absl::string_view("body"));
    if (end) stream_.AddTrailers(Direction::kResponse).Add("t", "1");
    return Verdict::kContinue;
  }
  Verdict OnResponseTrailers(http::HeaderMap& trailers) override {
    stream_.added_body.Append(absl::string_view("from trailers"));
    if (trailers.Find("only") != nullptr) trailers.Clear();
    return Verdict::kContinue;
  }

 private:
  StreamContext& stream_;
};

class AdderFactory final : public FilterFactory {
 public:
  std::unique_ptr<HttpFilter> Create(StreamContext& stream) const override {
    return std::make_unique<Adder>(stream);
  }
};

TEST_F(FilterChainTest, WhatIsAddedPassesTheRest) {
  const auto make = [this] {
    FilterFactories factories;
    factories.push_back(std::make_shared<const ScriptedFactory>(Script{.name = "a"}, world_));
    factories.push_back(std::make_shared<const AdderFactory>());
    factories.push_back(std::make_shared<const ScriptedFactory>(Script{.name = "b"}, world_));
    stream_.emplace(std::move(factories));
    stream_->SendRequest(true);
    TakeLog();
  };
  make();
  stream_->SendResponse(200, "", true);
  EXPECT_EQ(TakeLog(), "b:sh. a:sh a:sb a:st ");
  EXPECT_EQ(Out(), "200 body.");
  ASSERT_NE(stream_->response_out.trailers, nullptr);
  make();
  stream_->SendResponse(200, "x", false);
  stream_->SendResponseTrailers({{"t", "1"}});
  EXPECT_EQ(TakeLog(), "b:sh a:sh b:sb a:sb b:st a:sb a:st ");
  EXPECT_EQ(Out(), "200 xfrom trailers.");
  make();
  stream_->SendResponse(200, "x", false);
  stream_->SendResponseTrailers({{"only", "1"}});
  EXPECT_EQ(TakeLog(), "b:sh a:sh b:sb a:sb b:st a:sb. ");
  EXPECT_EQ(stream_->response_out.trailers, nullptr);
  EXPECT_TRUE(stream_->response_out.end);
}

TEST_F(FilterChainTest, WhatIsInjectedOvertakesWhatItsFilterHolds) {
  Make({{.name = "a"}, {.name = "hold", .acts = {{"sb", Do::kPause}}}, {.name = "b"}});
  const auto inject = [this](const std::string& bytes) {
    buffer::Buffer body;
    body.Append(bytes);
    stream_->Inject(*world_.filters["hold"], Direction::kResponse, std::move(body));
  };
  stream_->SendRequest(true);
  inject("1");
  EXPECT_TRUE(stream_->injecting(*world_.filters["hold"], Direction::kResponse));
  EXPECT_FALSE(stream_->injecting(*world_.filters["hold"], Direction::kRequest));
  TakeLog();
  stream_->SendResponse(200, "", false);  // The head goes first.
  EXPECT_EQ(TakeLog(), "b:sh hold:sh a:sh a:sb hold:wake ");
  EXPECT_FALSE(stream_->injecting(*world_.filters["hold"], Direction::kResponse));
  EXPECT_EQ(Out(), "200 1");
  stream_->SendResponseBody("held", true);
  EXPECT_EQ(TakeLog(), "b:sb. hold:sb. ");
  inject("2");
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "a:sb hold:wake ");
  EXPECT_EQ(Out(), "200 12");
  Resume("hold", Direction::kResponse);
  EXPECT_EQ(TakeLog(), "a:sb. ");
  EXPECT_EQ(Out(), "200 12held.");
}

TEST_F(FilterChainTest, WhatIsInjectedWaitsBehindWhoPauses) {
  Make({{.name = "hold", .acts = {{"qb", Do::kPause}}},
        {.name = "b", .acts = {{"qb", Do::kPause}}}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("x", true);
  buffer::Buffer body;
  body.Append("1");
  stream_->Inject(*world_.filters["hold"], Direction::kRequest, std::move(body));
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "hold:qh b:qh hold:qb. b:qb hold:wake ");
  Resume("hold", Direction::kRequest);  // While the other holds what was injected.
  EXPECT_EQ(TakeLog(), "");
  EXPECT_EQ(stream_->request_out.body.ToString(), "");
  Resume("b", Direction::kRequest);
  EXPECT_EQ(TakeLog(), "b:qb. ");
  EXPECT_EQ(stream_->request_out.body.ToString(), "1");
  Resume("b", Direction::kRequest);
  EXPECT_EQ(stream_->request_out.body.ToString(), "1x");
  EXPECT_TRUE(stream_->request_out.end);
}

TEST_F(FilterChainTest, WhatIsInjectedWaitsForWhoHoldsABodyBefore) {
  Make({{.name = "hold", .acts = {{"qb", Do::kPause}}}, {.name = "b"}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("x", false);
  buffer::Buffer body;
  body.Append("1");
  stream_->Inject(*world_.filters["b"], Direction::kRequest, std::move(body));
  stream_->Turn();
  EXPECT_TRUE(stream_->injecting(*world_.filters["b"], Direction::kRequest));
  Resume("hold", Direction::kRequest);
  EXPECT_FALSE(stream_->injecting(*world_.filters["b"], Direction::kRequest));
  EXPECT_EQ(stream_->request_out.body.ToString(), "x1");
}

// Who is called with what another injected may inject a part of it in turn.
TEST_F(FilterChainTest, WhatIsInjectedMayBeHeldAndOvertakenAgain) {
  Make({{.name = "a", .acts = {{"qb", Do::kPause}}}, {.name = "b", .acts = {{"qb", Do::kPause}}}});
  const auto inject = [this](const std::string& name, const std::string& bytes) {
    buffer::Buffer body;
    body.Append(bytes);
    stream_->Inject(*world_.filters[name], Direction::kRequest, std::move(body));
    stream_->Turn();
  };
  const auto passed = [this] { return stream_->request_out.body.ToString(); };
  stream_->SendRequest(false);
  stream_->SendRequestBody("4", true);
  inject("a", "3");  // b holds it.
  EXPECT_EQ(passed(), "");
  inject("b", "1");
  EXPECT_EQ(passed(), "1");
  inject("b", "2");
  EXPECT_EQ(passed(), "12");
  Resume("a", Direction::kRequest);  // Too early, and not forgotten.
  EXPECT_EQ(passed(), "12");
  Resume("b", Direction::kRequest);
  EXPECT_EQ(passed(), "123");
  Resume("b", Direction::kRequest);
  EXPECT_EQ(passed(), "1234");
  EXPECT_TRUE(stream_->request_out.end);
}

TEST_F(FilterChainTest, ALocalReplyDropsWhatWasInjected) {
  Make({{.name = "a"}, {.name = "hold", .acts = {{"sb", Do::kPause}}}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "held", true);
  buffer::Buffer body;
  body.Append("1");
  stream_->Inject(*world_.filters["hold"], Direction::kResponse, std::move(body));
  stream_->Reply(503, "", "scripted", 0);
  stream_->Turn();
  EXPECT_EQ(Out(), "503 .");
  EXPECT_FALSE(stream_->injecting(*world_.filters["hold"], Direction::kResponse));
}

TEST_F(FilterChainTest, WhatStandsBehindIsMadeAnew) {
  Make({{.name = "a"}, {.name = "hold", .acts = {{"qh", Do::kPause}}}, {.name = "b"}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("1", false);
  EXPECT_EQ(TakeLog(), "a:qh hold:qh ");
  stream_->RerouteAfresh(*world_.filters["hold"], *factories_[1]);
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "b:done hold:wake ");
  Resume("hold", Direction::kRequest);
  stream_->SendRequestBody("2", true);
  EXPECT_EQ(TakeLog(), "b:qh a:qb hold:qb b:qb a:qb. hold:qb. b:qb. ");
  EXPECT_EQ(stream_->request_out.body.ToString(), "12");
  stream_.reset();
  EXPECT_EQ(TakeLog(), "a:done hold:done b:done ");
}

// Makes its filter from the second time on, as for a route that came late.
class LateFactory final : public FilterFactory {
 public:
  explicit LateFactory(World& world) : world_(world) {
    request_body = BodyMode::kBuffer;
    buffer_limit = 3;
  }
  std::unique_ptr<HttpFilter> Create(StreamContext& stream) const override {
    if (++made_ == 1) return nullptr;
    return std::make_unique<Scripted>(script_, world_, stream);
  }

 private:
  const Script script_{.name = "late"};
  World& world_;
  mutable int made_ = 0;
};

TEST_F(FilterChainTest, WhatIsMadeAnewMayWantTheWholeBody) {
  for (const bool fits : {true, false}) {
    factories_ = {std::make_shared<const ScriptedFactory>(
                      Script{.name = "hold", .acts = {{"qh", Do::kPause}}}, world_),
                  std::make_shared<const LateFactory>(world_)};
    stream_.emplace(factories_);
    stream_->SendRequest(false);
    stream_->SendRequestBody("12", false);
    stream_->RerouteAfresh(*world_.filters["hold"], *factories_[0]);
    stream_->Turn();
    Resume("hold", Direction::kRequest);
    EXPECT_EQ(TakeLog(), "hold:qh hold:wake ");
    EXPECT_FALSE(stream_->request_out.head);
    stream_->SendRequestBody(fits ? "3" : "34", true);
    EXPECT_EQ(TakeLog(), fits ? "late:qh hold:qb. late:qb. "
                              : "hold:local late:local late:sh hold:sh hold:sb. ");
    EXPECT_EQ(Out(), fits ? "" : "413 Payload Too Large.");
    stream_.reset();
    TakeLog();
  }
}

TEST_F(FilterChainTest, OnlyWhoHoldsTheHeadHasItMadeAnew) {
  Make({{.name = "a"}, {.name = "b"}});
  stream_->SendRequest(true);
  TakeLog();
  stream_->RerouteAfresh(*world_.filters["a"], *factories_[0]);
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "a:wake ");
}

TEST_F(FilterChainTest, GateKeepsAFilterOut) {
  Make({{.name = "a", .gated = true}, {.name = "b"}});
  stream_->request.headers.Add("x-gate", "skip");
  stream_->SendRequest(false);
  stream_->SendRequestBody("body", true);
  EXPECT_EQ(TakeLog(), "b:qh b:qb. ");
  stream_->SendResponse(200, "ok", true);
  EXPECT_EQ(TakeLog(), "b:sh b:sb. ");
  EXPECT_EQ(Out(), "200 ok.");
}

TEST_F(FilterChainTest, GateMayWaitForTheResponse) {
  Make({{.name = "a", .gated = true}});
  stream_->SendRequest(true);
  EXPECT_EQ(TakeLog(), "a:qh. ");
  stream_->response.headers.Add("x-gate", "skip");
  stream_->SendResponse(200, "ok", true);
  EXPECT_EQ(TakeLog(), "");
  EXPECT_EQ(Out(), "200 ok.");
}

TEST_F(FilterChainTest, NobodyWaitsForTheBodyOfAFilterThatIsSkipped) {
  const auto begin = [this] {
    std::vector<Script> scripts;
    scripts.push_back({.name = "a", .request_body = BodyMode::kBuffer, .limit = 2, .gated = true});
    FilterFactories factories{std::make_shared<const ScriptedFactory>(scripts[0], world_)};
    stream_.emplace(std::move(factories),
                    [](StreamContext& stream) { stream.request.headers.Add("x-gate", "skip"); });
  };
  begin();
  stream_->SendRequest(false);
  stream_->SendRequestBody("larger", true);
  EXPECT_EQ(stream_->request_out.body.ToString(), "larger");
  EXPECT_EQ(TakeLog(), "");
  // Somebody before it changed the header: then it must not see less than it wants.
  begin();
  stream_->request.headers.Remove("x-gate");
  stream_->request.headers.Add("x-gate", "run");
  stream_->SendRequest(false);
  EXPECT_EQ(Out(), "500 Internal Server Error.");
  EXPECT_EQ(stream_->info.details, "filter_gate_opened_without_body");
}

}  // namespace
}  // namespace proxenos::filter
