// The filter chain: order, pauses, local replies and aborts in each phase, buffering, and filters
// that answer late, twice or never.
#include "source/filter/filter_chain.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/filter/filter_chain_fixture.h"

namespace proxenos::filter {
namespace {

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
  EXPECT_EQ(stream_->http_stats.downstream_rq_too_large.value(), 1u);
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

}  // namespace
}  // namespace proxenos::filter
