// The filter chain: order, pauses, local replies and aborts in each phase, buffering, and filters
// that answer late, twice or never.
#include "source/filter/filter_chain.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/filter_harness.h"

namespace proxenos::filter {
namespace {

using testing::FilterHarness;

enum class Do { kContinue, kPause, kReply, kAbort };

// What a filter does in each phase ("qh", "qb", "qt", "sh", "sb": request or response; head, body,
// trailers), and the log that all filters write.
struct Script {
  std::string name;
  std::map<std::string, Do> acts = {};
  BodyMode request_body = BodyMode::kStream;
  BodyMode response_body = BodyMode::kStream;
  uint32_t limit = 0;
  bool gated = false;
};

struct World {
  std::string log;
  std::map<std::string, HttpFilter*> filters;
  std::map<std::string, int> wakes;
};

class Scripted final : public HttpFilter {
 public:
  Scripted(const Script& script, World& world, StreamContext& stream)
      : script_(script), world_(world), stream_(stream) {
    world_.filters[script.name] = this;
  }
  Verdict OnRequestHeaders(http::RequestHead&, bool end) override { return Act("qh", end); }
  Verdict OnRequestBody(buffer::Buffer&, bool end) override { return Act("qb", end); }
  Verdict OnRequestTrailers(http::HeaderMap&) override { return Act("qt", false); }
  Verdict OnResponseHeaders(http::ResponseHead&, bool end) override { return Act("sh", end); }
  Verdict OnResponseBody(buffer::Buffer&, bool end) override { return Act("sb", end); }
  Verdict OnResponseTrailers(http::HeaderMap&) override { return Act("st", false); }
  void OnWake() override {
    absl::StrAppend(&world_.log, script_.name, ":wake ");
    Act("wake", false);
  }
  void OnLocalReply() override { absl::StrAppend(&world_.log, script_.name, ":local "); }
  void OnComplete() override { absl::StrAppend(&world_.log, script_.name, ":done "); }

 private:
  Verdict Act(const std::string& phase, bool end) {
    if (phase != "wake") {
      absl::StrAppend(&world_.log, script_.name, ":", phase, end ? "." : "", " ");
    }
    const auto it = script_.acts.find(phase);
    switch (it == script_.acts.end() ? Do::kContinue : it->second) {
      case Do::kContinue:
        return Verdict::kContinue;
      case Do::kPause:
        return Verdict::kPause;
      case Do::kReply:
        stream_.Reply(418, "teapot", "scripted", 0);
        return Verdict::kReplied;
      case Do::kAbort:
        stream_.Abort("scripted", 0);
        return Verdict::kReplied;
    }
    return Verdict::kContinue;
  }

  const Script& script_;
  World& world_;
  StreamContext& stream_;
};

// Answers by x-gate of the request ("skip", "run"), or else of the response.
class ScriptedGate final : public FilterGate {
 public:
  Answer Ask(StreamContext& stream, Direction direction) const override {
    for (const http::Header& field : stream.request.headers) {
      if (field.name() == "x-gate") return Of(field.value());
    }
    if (direction == Direction::kRequest) return Answer::kUnknown;
    for (const http::Header& field : stream.response.headers) {
      if (field.name() == "x-gate") return Of(field.value());
    }
    return Answer::kRun;
  }

 private:
  static Answer Of(absl::string_view word) { return word == "skip" ? Answer::kSkip : Answer::kRun; }
};

class ScriptedFactory final : public FilterFactory {
 public:
  ScriptedFactory(Script script, World& world) : script_(std::move(script)), world_(world) {
    request_body = script_.request_body;
    response_body = script_.response_body;
    buffer_limit = script_.limit;
    if (script_.gated) gate = std::make_unique<const ScriptedGate>();
  }
  std::unique_ptr<HttpFilter> Create(StreamContext& stream) const override {
    return std::make_unique<Scripted>(script_, world_, stream);
  }

 private:
  const Script script_;
  World& world_;
};

class FilterChainTest : public ::testing::Test {
 protected:
  void Make(std::vector<Script> scripts) {
    FilterFactories factories;
    for (Script& script : scripts) {
      factories.push_back(std::make_shared<const ScriptedFactory>(std::move(script), world_));
    }
    factories_ = factories;
    stream_.emplace(std::move(factories));
  }
  std::string TakeLog() { return std::exchange(world_.log, ""); }
  void Resume(const std::string& name, Direction direction) {
    stream_->Resume(*world_.filters[name], direction);
    stream_->Turn();
  }
  // The whole response as the codec would have it, or "" while there is none.
  std::string Out() {
    if (!stream_->response_out.head) return "";
    return absl::StrCat(stream_->response.status, " ", stream_->response_out.body.ToString(),
                        stream_->response_out.end ? "." : "");
  }

  World world_;
  FilterFactories factories_;
  std::optional<FilterHarness> stream_;
};

TEST_F(FilterChainTest, RequestsFirstToLastResponsesLastToFirst) {
  Make({{.name = "a"}, {.name = "b"}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("body", true);
  EXPECT_EQ(TakeLog(), "a:qh b:qh a:qb. b:qb. ");
  EXPECT_EQ(stream_->request_out.body.ToString(), "body");
  EXPECT_TRUE(stream_->request_out.end);
  stream_->SendResponse(200, "ok", true);
  EXPECT_EQ(TakeLog(), "b:sh a:sh b:sb. a:sb. ");
  EXPECT_EQ(Out(), "200 ok.");
  stream_.reset();
  EXPECT_EQ(TakeLog(), "a:done b:done ");
}

TEST_F(FilterChainTest, HeadAloneIsTheEnd) {
  Make({{.name = "a"}});
  stream_->SendRequest(true);
  stream_->SendResponse(204, "", true);
  EXPECT_EQ(TakeLog(), "a:qh. a:sh. ");
  EXPECT_EQ(Out(), "204 .");
}

TEST_F(FilterChainTest, PauseHoldsThePartAndAllBehindIt) {
  for (const char* phase : {"qh", "qb"}) {
    Make({{.name = "a", .acts = {{phase, Do::kPause}}}, {.name = "b"}});
    stream_->SendRequest(false);
    stream_->SendRequestBody("12", false);
    stream_->SendRequestBody("34", true);
    EXPECT_FALSE(stream_->request_out.end);
    EXPECT_EQ(TakeLog().find(absl::StrCat("b:", phase)), std::string::npos);
    Resume("a", Direction::kRequest);
    if (std::string(phase) == "qb") Resume("a", Direction::kRequest);  // The second piece.
    EXPECT_TRUE(stream_->request_out.end) << phase;
    EXPECT_EQ(stream_->request_out.body.ToString(), "1234");
    TakeLog();
  }
}

TEST_F(FilterChainTest, WhoHoldsTheHeadMayAwaitTheWholeBody) {
  Make({{.name = "a", .acts = {{"qh", Do::kPause}}}});
  stream_->SendRequest(false);
  stream_->AwaitBody(Direction::kRequest, 4);
  EXPECT_EQ(stream_->body_limit(Direction::kRequest), base::limits::kStreamBufferBytes);
  stream_->SendRequestBody("12", false);
  EXPECT_EQ(TakeLog(), "a:qh ");
  stream_->SendRequestBody("34", true);
  EXPECT_EQ(TakeLog(), "a:wake ");
  EXPECT_EQ(stream_->request_in.body.ToString(), "1234");
  Resume("a", Direction::kRequest);
  EXPECT_EQ(TakeLog(), "a:qb. ");
  EXPECT_EQ(stream_->request_out.body.ToString(), "1234");
}

TEST_F(FilterChainTest, AnAwaitedBodyThatIsTooLongWakesOnce) {
  Make({{.name = "a", .acts = {{"sh", Do::kPause}}}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "12345", false);
  TakeLog();
  stream_->AwaitBody(Direction::kResponse, 4);
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "a:wake ");
  stream_->Turn();
  EXPECT_EQ(TakeLog(), "");
}

TEST_F(FilterChainTest, ResponsePauses) {
  Make({{.name = "a"}, {.name = "b", .acts = {{"sh", Do::kPause}}}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "ok", true);
  EXPECT_EQ(Out(), "");
  Resume("b", Direction::kResponse);
  EXPECT_EQ(Out(), "200 ok.");
}

TEST_F(FilterChainTest, ResumeOpensOnlyTheOwnPause) {
  Make({{.name = "a", .acts = {{"qh", Do::kPause}}},
        {.name = "auth", .acts = {{"qh", Do::kPause}}}});
  stream_->SendRequest(true);
  Resume("auth", Direction::kRequest);  // Not its turn yet.
  Resume("a", Direction::kResponse);    // The other direction.
  EXPECT_EQ(TakeLog(), "a:qh. ");
  Resume("a", Direction::kRequest);
  EXPECT_EQ(TakeLog(), "auth:qh. ");
  Resume("a", Direction::kRequest);  // Twice: must not open the door that `auth` keeps shut.
  Resume("a", Direction::kRequest);
  EXPECT_FALSE(stream_->request_out.head);
  Resume("auth", Direction::kRequest);
  EXPECT_TRUE(stream_->request_out.head);
}

TEST_F(FilterChainTest, ResumeBeforeThePauseReturnsIsNotLost) {
  Make({{.name = "a", .acts = {{"qh", Do::kPause}}}});
  stream_->Resume(*world_.filters["a"], Direction::kRequest);
  stream_->request_in.head = stream_->request_in.end = true;
  stream_->Run();
  // The mark was used up before there was anything to resume: so it is a later one that counts.
  EXPECT_FALSE(stream_->request_out.head);
  Resume("a", Direction::kRequest);
  EXPECT_TRUE(stream_->request_out.head);
}

TEST_F(FilterChainTest, LocalReplyInEachPhase) {
  for (const char* phase : {"qh", "qb"}) {
    Make({{.name = "a"}, {.name = "b", .acts = {{phase, Do::kReply}}}, {.name = "c"}});
    stream_->SendRequest(false);
    stream_->SendRequestBody("body", true);
    EXPECT_EQ(Out(), "418 teapot.") << phase;
    const std::string log = TakeLog();
    EXPECT_NE(log.find("a:local b:local c:local c:sh b:sh a:sh"), std::string::npos) << log;
    EXPECT_EQ(log.find(absl::StrCat("c:", phase)), std::string::npos) << log;
    stream_.reset();
    TakeLog();
  }
}

TEST_F(FilterChainTest, ReplyReplacesAResponseThatIsNotSent) {
  Make({{.name = "a", .acts = {{"sb", Do::kReply}}}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "secret", true);
  // Its own reply has a body too, which it answers again: that ends.
  EXPECT_FALSE(stream_->spun());
  EXPECT_TRUE(stream_->aborted());
  EXPECT_EQ(stream_->response_out.body.ToString().find("secret"), std::string::npos);
}

TEST_F(FilterChainTest, ReplyAfterTheHeadIsSentCutsShort) {
  Make({{.name = "a", .acts = {{"sb", Do::kReply}}}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "", false);
  stream_->MarkResponseSent();
  stream_->SendResponseBody("more", true);
  EXPECT_TRUE(stream_->aborted());
  EXPECT_EQ(stream_->response.status, 200);
}

TEST_F(FilterChainTest, AbortStopsEverything) {
  for (const char* phase : {"qh", "qb", "sh", "sb"}) {
    Make({{.name = "a", .acts = {{phase, Do::kAbort}}}});
    stream_->SendRequest(false);
    stream_->SendRequestBody("b", true);
    if (!stream_->aborted()) stream_->SendResponse(200, "ok", true);
    EXPECT_TRUE(stream_->aborted()) << phase;
    EXPECT_NE(Out(), "200 ok.") << phase;
  }
}

TEST_F(FilterChainTest, LateReplyFromAWake) {
  Make({{.name = "a", .acts = {{"qh", Do::kPause}, {"wake", Do::kReply}}}});
  stream_->SendRequest(true);
  stream_->Wake(*world_.filters["a"]);
  stream_->Turn();
  EXPECT_EQ(Out(), "418 teapot.");
  Resume("a", Direction::kRequest);  // Too late: the request goes nowhere.
  EXPECT_FALSE(stream_->request_out.head);
}

TEST_F(FilterChainTest, StaleResumeDoesNotPassALocalReplyThroughAnothersPause) {
  Make(
      {{.name = "a", .acts = {{"sh", Do::kPause}}}, {.name = "b", .acts = {{"wake", Do::kReply}}}});
  stream_->SendRequest(true);
  stream_->Wake(*world_.filters["b"]);
  stream_->Turn();
  EXPECT_EQ(Out(), "");
  Resume("b", Direction::kResponse);
  EXPECT_EQ(Out(), "");
  Resume("a", Direction::kResponse);
  EXPECT_EQ(Out(), "418 teapot.");
}

TEST_F(FilterChainTest, BufferingFilterSeesTheWholeOrNothing) {
  Make({{.name = "a", .request_body = BodyMode::kBuffer, .limit = 10}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("12345", false);
  EXPECT_EQ(TakeLog(), "");
  stream_->SendRequestBody("67890", true);
  EXPECT_EQ(TakeLog(), "a:qh a:qb. ");
}

TEST_F(FilterChainTest, MoreThanTheLimitIsRefusedOnce) {
  Make({{.name = "a", .request_body = BodyMode::kBuffer, .limit = 10}});
  stream_->SendRequest(false);
  stream_->SendRequestBody("12345678901", false);
  EXPECT_FALSE(stream_->spun());
  EXPECT_FALSE(stream_->aborted());
  EXPECT_EQ(Out(), "413 Payload Too Large.");
  stream_->SendRequestBody("more", true);
  EXPECT_EQ(Out(), "413 Payload Too Large.");
}

TEST_F(FilterChainTest, BufferedResponses) {
  Make({{.name = "a", .response_body = BodyMode::kBuffer, .limit = 10}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "12345", false);
  EXPECT_EQ(Out(), "");
  stream_->SendResponseBody("6", true);
  EXPECT_EQ(Out(), "200 123456.");
  Make({{.name = "a", .response_body = BodyMode::kBuffer, .limit = 10}});
  stream_->SendRequest(true);
  stream_->SendResponse(200, "12345678901", false);
  EXPECT_EQ(Out(), "500 Internal Server Error.");
}

// The source must be read far enough for a buffering filter to get what it was promised.
TEST_F(FilterChainTest, BufferLimitRaisesWhatMayWait) {
  Make({{.name = "a", .request_body = BodyMode::kBuffer, .limit = 1 << 20}, {.name = "b"}});
  EXPECT_EQ(stream_->body_limit(Direction::kRequest), (1u << 20) + 1);
  EXPECT_EQ(stream_->body_limit(Direction::kResponse), base::limits::kStreamBufferBytes);
}

TEST_F(FilterChainTest, TunnelsAreNotBuffered) {
  Make({{.name = "a", .request_body = BodyMode::kBuffer, .limit = 10}});
  stream_->request.framing.kind = http::Framing::kTunnel;
  stream_->SendRequest(false);
  stream_->SendRequestBody("12345678901234567890", false);
  EXPECT_EQ(TakeLog(), "a:qh a:qb ");
}

TEST_F(FilterChainTest, TrailersWaitUntilTheyAreWhole) {
  Make({{.name = "a"}});
  stream_->SendRequest(false);
  http::HeaderMap trailers(stream_->arena);
  stream_->request_in.trailers = &trailers;
  trailers.Add("x-first", "1");
  stream_->SendRequestBody("b", false);
  EXPECT_EQ(TakeLog(), "a:qh a:qb ");
  trailers.Add("x-second", "2");
  stream_->SendRequestBody("", true);
  EXPECT_EQ(TakeLog(), "a:qt ");
  ASSERT_EQ(stream_->request_out.trailers, &trailers);
  EXPECT_EQ(trailers.size(), 2u);
  EXPECT_TRUE(stream_->request_out.end);
}

TEST_F(FilterChainTest, ResponsesWaitAtTheDoorWhenTheCodecHasNoRoom) {
  Make({{.name = "a"}});
  stream_->SendRequest(true);
  const std::string block(base::limits::kStreamBufferBytes, 'x');
  stream_->SendResponse(200, block, false);
  stream_->SendResponseBody(block, false);
  EXPECT_EQ(stream_->response_out.body.size(), block.size());
  EXPECT_EQ(stream_->response_in.body.size(), block.size());
  stream_->response_out.body.Clear();
  stream_->Run();
  EXPECT_EQ(stream_->response_in.body.size(), 0u);
}

// A gRPC client reads grpc-status, whatever filters made of its request meanwhile.
TEST_F(FilterChainTest, LocalRepliesToGrpcCallsAreTrailersOnly) {
  World world;
  const Script script{.name = "a", .acts = {{"qb", Do::kReply}}};
  FilterHarness stream({std::make_shared<const ScriptedFactory>(script, world)},
                       [](StreamContext& context) {
                         context.request.headers.Add("content-type", "application/grpc+proto");
                       });
  stream.request.headers.Set("content-type", "text/plain");
  stream.SendRequest(false);
  stream.SendRequestBody("x", true);
  EXPECT_EQ(stream.response.status, 200);
  EXPECT_TRUE(stream.response_out.body.empty());
  EXPECT_TRUE(stream.response_out.end);
  EXPECT_EQ(stream.response.headers.Get(http::HeaderId::kGrpcStatus), "2");
  EXPECT_EQ(stream.response.headers.Get(http::HeaderId::kGrpcMessage), "teapot");
  EXPECT_EQ(stream.response.headers.Get(http::HeaderId::kContentType), "application/grpc");
}

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
