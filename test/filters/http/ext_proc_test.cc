// External processing against a processor on the stream's own loop: each part and mode, changes,
// answers in the origin's place, failures, and ends in every phase.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/filters/http/ext_proc_world.h"

namespace proxenos::filters {
namespace {

TEST_F(ExtProcTest, HeadsAreSeenAndChanged) {
  Begin("", {{"x-one", "1"}, {"x-gone", "1"}});
  stream().SendRequest(true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(Processor().head().path, "/envoy.service.ext_proc.v3.ExternalProcessor/Process");
  EXPECT_TRUE(request.request_headers().end_of_stream());
  std::map<std::string, std::string> seen;
  for (const auto& header : request.request_headers().headers().headers()) {
    seen[header.key()] = header.raw_value();
  }
  EXPECT_EQ(seen[":path"], "/service/Method");
  EXPECT_EQ(seen[":authority"], "host");
  EXPECT_EQ(seen["x-one"], "1");
  EXPECT_FALSE(stream().request_out.head);
  Answer(R"(request_headers { response { clear_route_cache: true header_mutation {
      set_headers { header { key: "X-One" raw_value: "2" } }
      set_headers { header { key: "x-add" value: "a" } append { value: true } }
      set_headers { header { key: ":path" raw_value: "/new" } }
      set_headers { header { key: ":authority" raw_value: "evil" } }
      set_headers { header { key: "x-envoy-internal" raw_value: "true" } }
      set_headers { header { key: "x-bad" raw_value: "a\nb" } }
      remove_headers: "x-gone" remove_headers: "host" } } })");
  ASSERT_TRUE(Passes());
  EXPECT_EQ(Value(stream().request.headers, "x-one"), "2");
  EXPECT_EQ(Value(stream().request.headers, "x-add"), "a");
  EXPECT_EQ(Value(stream().request.headers, "x-gone"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-envoy-internal"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-bad"), "-");
  EXPECT_EQ(stream().request.path, "/new");
  EXPECT_EQ(stream().request.authority, "host");
  EXPECT_EQ(stream().reroutes, 1);
  EXPECT_EQ(stream().Stat("http.test.ext_proc.rejected_header_mutations"), 3u);
  stream().SendResponse(200, "body", true);
  const ProcessingRequest response = Next();
  EXPECT_EQ(response.response_headers().headers().headers(0).key(), ":status");
  EXPECT_FALSE(response.response_headers().end_of_stream());
  Answer(R"(response_headers { response { header_mutation {
      set_headers { header { key: "x-resp" raw_value: "r" } } } } })");
  ASSERT_TRUE(Responds());
  EXPECT_EQ(Value(stream().response.headers, "x-resp"), "r");
  EXPECT_EQ(stream().response_out.body.ToString(), "body");
}

TEST_F(ExtProcTest, WholeBodiesAreReplaced) {
  Begin(
      "processing_mode { request_header_mode: SKIP response_header_mode: SKIP "
      "request_body_mode: BUFFERED }",
      {{"content-length", "6"}});
  stream().SendRequest(false);
  stream().SendRequestBody("abc", false);
  stream().SendRequestBody("def", true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(request.request_body().body(), "abcdef");
  EXPECT_TRUE(request.request_body().end_of_stream());
  Answer(R"(request_body { response { body_mutation { body: "longer than before" }
      header_mutation { set_headers { header { key: "x-late" raw_value: "1" } } } } })");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "longer than before");
  EXPECT_EQ(Value(stream().request.headers, "content-length"), "18");
  EXPECT_EQ(stream().request.framing.length, 18u);
  EXPECT_EQ(Value(stream().request.headers, "x-late"), "1");
}

TEST_F(ExtProcTest, HeadsMayComeBackWithABody) {
  const std::string replaced =
      R"(request_headers { response { status: CONTINUE_AND_REPLACE
           body_mutation { body: "mine" } } })";
  const auto body = [this] { return stream().request_out.body.ToString(); };
  // There was none.
  Begin("");
  stream().SendRequest(true);
  EXPECT_TRUE(Next().has_request_headers());
  Answer(replaced);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(body(), "mine");
  EXPECT_EQ(Value(stream().request.headers, "content-length"), "4");
  EXPECT_EQ(stream().request.framing.length, 4u);
  // One is still coming: nothing of it passes.
  for (const bool trailers : {false, true}) {
    Begin("", {{"content-length", "6"}});
    stream().SendRequest(false);
    stream().SendRequestBody("abc", false);
    EXPECT_TRUE(Next().has_request_headers());
    Answer(replaced);
    ASSERT_TRUE(Passes());
    EXPECT_EQ(Value(stream().request.headers, "content-length"), "-");
    EXPECT_EQ(stream().request.framing.kind, http::Framing::kChunked);
    if (trailers) {
      stream().SendRequestTrailers({{"x-sum", "6"}});
    } else {
      stream().SendRequestBody("def", true);
    }
    ASSERT_TRUE(Ends());
    EXPECT_EQ(body(), "mine");
    EXPECT_EQ(stream().request_out.trailers, nullptr);
  }
}

TEST_F(ExtProcTest, FirstQuestionTellsOfTheModes) {
  Begin("processing_mode { request_body_mode: BUFFERED response_body_mode: STREAMED }");
  stream().SendRequest(true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(request.protocol_config().request_body_mode(), v3::ProcessingMode::BUFFERED);
  EXPECT_EQ(request.protocol_config().response_body_mode(), v3::ProcessingMode::STREAMED);
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "", false);
  const ProcessingRequest response = Next();
  EXPECT_TRUE(response.has_response_headers());
  EXPECT_FALSE(response.has_protocol_config());
  Answer(R"(response_headers { response { header_mutation {
      set_headers { header { key: ":status" raw_value: "404" } }
      set_headers { header { key: ":status" raw_value: "99" } } } } })");
  ASSERT_TRUE(stream().Until([this] { return stream().response_out.head; }));
  EXPECT_EQ(stream().response.status, 404);
  EXPECT_EQ(stream().Stat("http.test.ext_proc.rejected_header_mutations"), 1u);
}

TEST_F(ExtProcTest, HeadThenWholeBody) {
  Begin("processing_mode { response_header_mode: SKIP request_body_mode: BUFFERED }");
  stream().SendRequest(false);
  stream().SendRequestBody("abc", true);
  EXPECT_TRUE(Next().has_request_headers());
  Answer("request_headers {}");
  EXPECT_EQ(Next().request_body().body(), "abc");
  EXPECT_FALSE(stream().request_out.head);
  Answer("request_body { response { body_mutation { clear_body: true } } }");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "");
}

TEST_F(ExtProcTest, PiecesAreReplacedOneByOne) {
  Begin(
      "processing_mode { request_header_mode: SKIP response_header_mode: SKIP "
      "request_body_mode: STREAMED request_trailer_mode: SEND }");
  stream().SendRequest(false);
  EXPECT_TRUE(stream().request_out.head);
  stream().SendRequestBody("one", false);
  const ProcessingRequest first = Next();
  EXPECT_EQ(first.request_body().body(), "one");
  EXPECT_FALSE(first.request_body().end_of_stream());
  Answer("request_body { response { body_mutation { body: '1' } } }");
  ASSERT_TRUE(stream().Until([&] { return !stream().request_out.body.empty(); }));
  stream().SendRequestBody("two", false);
  stream().SendRequestTrailers({{"x-t", "1"}});
  EXPECT_EQ(Next().request_body().body(), "two");
  Answer("request_body {}");
  EXPECT_EQ(Next().request_trailers().trailers().headers(0).key(), "x-t");
  Answer(
      "request_trailers { header_mutation { "
      "set_headers { header { key: 'x-t' raw_value: '2' } } } }");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "1two");
  EXPECT_EQ(Value(*stream().request_out.trailers, "x-t"), "2");
}

TEST_F(ExtProcTest, ResponsesAreSeenWhole) {
  Begin("processing_mode { request_header_mode: SKIP response_body_mode: BUFFERED }");
  stream().SendRequest(true);
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "origin's", true);
  EXPECT_TRUE(Next().has_response_headers());
  Answer("response_headers {}");
  EXPECT_EQ(Next().response_body().body(), "origin's");
  Answer("response_body { response { body_mutation { body: 'mine' } } }");
  ASSERT_TRUE(Responds());
  EXPECT_EQ(stream().response_out.body.ToString(), "mine");
}

TEST_F(ExtProcTest, AnswersInTheOriginsPlace) {
  Begin("metadata_options { receiving_namespaces { untyped: 'space' } }");
  stream().SendRequest(true);
  Next();
  Answer(R"(immediate_response { status { code: Forbidden } body: "no" details: "told"
      headers { set_headers { header { key: "x-why" raw_value: "because" } } } }
      dynamic_metadata { fields { key: "space" value { struct_value { fields {
        key: "k" value { string_value: "v" } } } } }
        fields { key: "other" value { struct_value {} } } })");
  EXPECT_FALSE(Passes());
  EXPECT_EQ(ResponseText(stream()), "403 no");
  EXPECT_EQ(Value(stream().response.headers, "x-why"), "because");
  EXPECT_EQ(stream().info.details, "told");
  EXPECT_EQ(*stream().info.metadata.Find("space", {"k"})->text(), "v");
  EXPECT_EQ(stream().info.metadata.Find("other"), nullptr);
}

TEST_F(ExtProcTest, FailuresFollowTheMode) {
  struct Failure {
    std::function<void()> happens;
    bool breaks = false;  // The stream.
    int status = 502;
  };
  const std::vector<Failure> failures = {
      {[this] { Answer("response_headers {}"); }},  // Not what was asked.
      {[this] { AnswerBytes("\xff"); }, true},
      {[this] { Answer("streamed_immediate_response {}"); }, true},  // Not understood.
      {[this] { Processor().Reset(http2::ErrorCode::kInternalError); }, true},
      {[this] {
         Processor().SendHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "13"}},
                              true);
       },
       true},
      {[this] { stream().Advance(201 * base::kMillisecond); }, false, 504},
  };
  for (size_t i = 0; i < failures.size(); ++i) {
    for (const bool allow : {false, true}) {
      Begin(allow ? "failure_mode_allow: true" : "status_on_error { code: BadGateway }");
      stream().SendRequest(true);
      Next();
      failures[i].happens();
      EXPECT_EQ(Passes(), allow) << i;
      if (!allow) {
        EXPECT_EQ(ResponseText(stream()), absl::StrCat(failures[i].status, " ")) << i;
      }
      const bool breaks = failures[i].breaks;
      EXPECT_EQ(Stat("streams_failed"), breaks ? 1u : 0u) << i;
      EXPECT_EQ(Stat("streams_closed"), breaks && !allow ? 0u : 1u) << i;
      EXPECT_EQ(Stat("immediate_responses_sent"), allow ? 0u : 1u) << i;
      EXPECT_EQ(Stat("failure_mode_allowed"), allow ? 1u : 0u) << i;
      EXPECT_EQ(Stat("stream_msgs_received"), 0u) << i;
    }
  }
}

TEST_F(ExtProcTest, AStreamIsClosedWithItsRequest) {
  Begin("");
  stream().SendRequest(true);
  Next();
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "", true);
  Next();
  Answer("response_headers {}");
  ASSERT_TRUE(Responds());
  EXPECT_EQ(Stat("streams_closed"), 0u);
  stream().Complete();
  EXPECT_EQ(Stat("streams_closed"), 1u);
  EXPECT_EQ(Stat("stream_msgs_received"), 2u);
  EXPECT_EQ(Stat("server_half_closed"), 0u);
}

TEST_F(ExtProcTest, ProcessorThatEndsHasNoMoreToSay) {
  Begin("");
  stream().SendRequest(true);
  Next();
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  Processor().SendTrailers({{"grpc-status", "0"}});
  stream().Until([this] { return stream().Stat("http.test.ext_proc.streams_closed") == 1; });
  stream().SendResponse(200, "", true);
  EXPECT_TRUE(Responds());
}

TEST_F(ExtProcTest, ModesMayBeChosenLate) {
  Begin("allow_mode_override: true");
  stream().SendRequest(false);
  Next();
  Answer(
      "request_headers {} mode_override { request_body_mode: STREAMED "
      "response_header_mode: SKIP }");
  ASSERT_TRUE(Passes());
  stream().SendRequestBody("x", true);
  EXPECT_EQ(Next().request_body().body(), "x");
  Answer("request_body {}");
  ASSERT_TRUE(Ends());
  stream().SendResponse(200, "", true);
  EXPECT_TRUE(Responds());
}

TEST_F(ExtProcTest, ModesMustBeAllowed) {
  const std::string only =
      "allow_mode_override: true allowed_override_modes { request_header_mode: SKIP "
      "response_header_mode: SKIP } ";
  for (const bool allowed : {false, true}) {
    Begin(only);
    stream().SendRequest(true);
    Next();
    Answer(allowed ? "request_headers {} mode_override { response_header_mode: SKIP }"
                   : "request_headers {} mode_override { response_header_mode: SKIP "
                     "response_trailer_mode: SEND }");
    ASSERT_TRUE(Passes());
    stream().SendResponse(200, "", true);
    if (!allowed) {
      EXPECT_TRUE(Next().has_response_headers());
      Answer("response_headers {}");
    }
    EXPECT_TRUE(Responds());
  }
}

TEST_F(ExtProcTest, MoreTimeMayBeAskedForOnce) {
  Begin("max_message_timeout { seconds: 2 }");
  stream().SendRequest(true);
  Next();
  const auto extended = [this](absl::string_view how) {
    return stream().Stat(absl::StrCat("http.test.ext_proc.override_message_timeout_", how));
  };
  Answer("override_message_timeout { seconds: 3 }");  // Too much.
  ASSERT_TRUE(stream().Until([&] { return extended("ignored") == 1; }));
  Answer("override_message_timeout { seconds: 1 }");
  ASSERT_TRUE(stream().Until([&] { return extended("received") == 1; }));
  stream().Advance(500 * base::kMillisecond);
  stream().Turn();
  EXPECT_FALSE(stream().replied());
  Answer("override_message_timeout { seconds: 2 }");
  ASSERT_TRUE(stream().Until([&] { return extended("ignored") == 2; }));
  stream().Advance(501 * base::kMillisecond);
  EXPECT_FALSE(Passes());
  EXPECT_EQ(ResponseText(stream()), "504 ");
}

// Both are due, and one is answered in the turn in which the time is over.
TEST_F(ExtProcTest, AnAnswerToOneDirectionIsNoneToTheOther) {
  for (int turns = 0; turns < 12; ++turns) {
    Begin("processing_mode { request_header_mode: SKIP request_body_mode: STREAMED }");
    stream().SendRequest(false);
    stream().SendRequestBody("a", false);
    EXPECT_TRUE(Next().has_request_body());
    stream().SendResponse(200, "", false);
    EXPECT_TRUE(Next().has_response_headers());
    Answer("request_body {}");
    for (int i = 0; i < turns; ++i) stream().Turn();
    stream().Advance(201 * base::kMillisecond);
    EXPECT_TRUE(stream().Until([this] { return stream().replied(); })) << turns;
    EXPECT_EQ(ResponseText(stream()), "504 ") << turns;
  }
}

TEST_F(ExtProcTest, RulesSayWhatMayBeChanged) {
  const std::string change =
      R"(request_headers { response { header_mutation {
           set_headers { header { key: ":authority" raw_value: "other" } }
           set_headers { header { key: "x-envoy-mine" raw_value: "1" } }
           set_headers { header { key: "x-no" raw_value: "1" } }
           remove_headers: "x-kept" } } })";
  Begin(
      "mutation_rules { allow_all_routing { value: true } allow_envoy { value: true } "
      "disallow_expression { regex: 'x-(no|kept)' } }",
      {{"x-kept", "1"}});
  stream().SendRequest(true);
  Next();
  Answer(change);
  ASSERT_TRUE(Passes());
  EXPECT_EQ(stream().request.authority, "other");
  EXPECT_EQ(Value(stream().request.headers, "x-envoy-mine"), "1");
  EXPECT_EQ(Value(stream().request.headers, "x-no"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-kept"), "1");
  EXPECT_EQ(stream().Stat("http.test.ext_proc.rejected_header_mutations"), 1u);

  Begin("mutation_rules { disallow_all { value: true } disallow_is_error { value: true } }");
  stream().SendRequest(true);
  Next();
  Answer(change);
  EXPECT_FALSE(Passes());
  EXPECT_EQ(ResponseText(stream()), "500 ");
}

TEST_F(ExtProcTest, AnObserverHoldsNothingUp) {
  Begin(
      "observability_mode: true deferred_close_timeout { seconds: 1 } "
      "processing_mode { request_body_mode: STREAMED response_header_mode: SKIP }");
  stream().SendRequest(false);
  stream().SendRequestBody("body", true);
  EXPECT_TRUE(stream().request_out.end);
  EXPECT_EQ(stream().request_out.body.ToString(), "body");
  stream().SendResponse(200, "", true);
  EXPECT_TRUE(stream().response_out.end);
  stream().Complete();  // Before the processor has seen anything.
  const ProcessingRequest head = Next();
  EXPECT_TRUE(head.has_request_headers());
  EXPECT_TRUE(head.observability_mode());
  EXPECT_EQ(Next().request_body().body(), "body");
  ASSERT_TRUE(stream().Until([this] { return Processor().complete(); }));
  stream().Advance(1001 * base::kMillisecond);
  EXPECT_TRUE(stream().Until([this] { return Processor().closed(); }));
}

TEST_F(ExtProcTest, BodiesMayBeShownBeforeTheHeadIsAnswered) {
  Begin(
      "send_body_without_waiting_for_header_response: true "
      "processing_mode { request_body_mode: STREAMED response_header_mode: SKIP }",
      {{"content-length", "4"}});
  stream().SendRequest(false);
  stream().SendRequestBody("body", true);
  const ProcessingRequest head = Next();
  EXPECT_TRUE(head.has_request_headers());
  EXPECT_TRUE(head.protocol_config().send_body_without_waiting_for_header_response());
  const ProcessingRequest body = Next();
  EXPECT_EQ(body.request_body().body(), "body");
  EXPECT_TRUE(body.request_body().end_of_stream());
  Answer("request_headers {}");
  Answer("request_body { response { body_mutation { body: 'other body' } } }");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "other body");
  EXPECT_EQ(stream().Stat("http.test.ext_proc.stream_msgs_sent"), 2u);
}

constexpr char kDuplex[] =
    "processing_mode { response_header_mode: SKIP request_body_mode: FULL_DUPLEX_STREAMED "
    "request_trailer_mode: SEND } ";

std::string Piece(const std::string& bytes, bool end, const std::string& way = "request") {
  return absl::StrCat(way, "_body { response { body_mutation { streamed_response { body: '", bytes,
                      "' ", end ? "end_of_stream: true" : "", " } } } }");
}

TEST_F(ExtProcTest, BodiesComeBackAtTheProcessorsPace) {
  Begin(kDuplex, {{"content-length", "6"}});
  stream().SendRequest(false);
  EXPECT_TRUE(Next().has_request_headers());
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  EXPECT_EQ(Value(stream().request.headers, "content-length"), "-");
  stream().SendRequestBody("abc", false);
  EXPECT_EQ(Next().request_body().body(), "abc");
  EXPECT_EQ(stream().request_out.body.ToString(), "");
  Answer(Piece("1", false));
  Answer(Piece("2", false));
  ASSERT_TRUE(stream().Until([this] { return stream().request_out.body.size() == 2; }));
  stream().SendRequestBody("def", true);
  const ProcessingRequest last = Next();
  EXPECT_EQ(last.request_body().body(), "def");
  EXPECT_TRUE(last.request_body().end_of_stream());
  Answer(Piece("3", false));
  ASSERT_TRUE(stream().Until([this] { return stream().request_out.body.size() == 3; }));
  EXPECT_FALSE(stream().request_out.end);
  Answer(Piece("4", true));
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "1234");
}

TEST_F(ExtProcTest, TheWholeMessageMayBeSeenBeforeAnyAnswer) {
  for (const bool trailers : {false, true}) {
    Begin(kDuplex);
    stream().SendRequest(false);
    stream().SendRequestBody("abc", !trailers);
    if (trailers) stream().SendRequestTrailers({{"x-t", "1"}});
    EXPECT_TRUE(Next().has_request_headers());
    const ProcessingRequest body = Next();
    EXPECT_EQ(body.request_body().body(), "abc");
    EXPECT_EQ(body.request_body().end_of_stream(), !trailers);
    if (trailers) {
      EXPECT_EQ(Next().request_trailers().trailers().headers(0).key(), "x-t");
    }
    EXPECT_FALSE(stream().request_out.head);
    Answer(R"(request_headers { response { header_mutation {
                set_headers { header { key: "x-to" raw_value: "there" } } } } })");
    Answer(Piece("12", false));
    Answer(Piece("34", !trailers));
    if (trailers) {
      Answer(
          "request_trailers { header_mutation { "
          "set_headers { header { key: 'x-t' raw_value: '2' } } } }");
    }
    ASSERT_TRUE(Ends());
    EXPECT_EQ(Value(stream().request.headers, "x-to"), "there");
    EXPECT_EQ(stream().request_out.body.ToString(), "1234");
    if (trailers) {
      EXPECT_EQ(Value(*stream().request_out.trailers, "x-t"), "2");
    }
    EXPECT_EQ(stream().Stat("http.test.ext_proc.stream_msgs_sent"), trailers ? 3u : 2u);
  }
}

TEST_F(ExtProcTest, ResponsesComeBackAtTheProcessorsPace) {
  Begin(
      "processing_mode { request_header_mode: SKIP response_body_mode: FULL_DUPLEX_STREAMED "
      "response_trailer_mode: SEND }");
  stream().SendRequest(true);
  stream().SendResponse(200, "token", false);
  EXPECT_TRUE(Next().has_response_headers());
  Answer("response_headers {}");
  EXPECT_EQ(Next().response_body().body(), "token");
  Answer(Piece("T", false, "response"));
  ASSERT_TRUE(stream().Until([this] { return stream().response_out.body.size() == 1; }));
  stream().SendResponseBody("end", true);
  Next();
  Answer(Piece("E", true, "response"));
  Processor().SendTrailers({{"grpc-status", "0"}});
  ASSERT_TRUE(Responds());
  EXPECT_EQ(stream().response_out.body.ToString(), "TE");
}

TEST_F(ExtProcTest, WhatWasTakenMustComeBack) {
  for (const bool orderly : {false, true}) {
    Begin(absl::StrCat(kDuplex, "failure_mode_allow: true"));
    stream().SendRequest(false);
    Next();
    Answer("request_headers {}");
    ASSERT_TRUE(Passes());
    stream().SendRequestBody("abc", true);
    Next();
    Answer(Piece("1", false));
    if (orderly) {
      Processor().SendTrailers({{"grpc-status", "0"}});
    } else {
      Processor().Reset(http2::ErrorCode::kInternalError);
    }
    EXPECT_FALSE(Ends());
    EXPECT_EQ(ResponseText(stream()), "500 ");
  }
}

TEST_F(ExtProcTest, RoutesHaveTheirOwnMetadata) {
  Begin("", {},
        "overrides { grpc_initial_metadata { key: 'X-Route' value: 'r' } "
        "metadata_options { receiving_namespaces { untyped: 'space' } } }");
  stream().SendRequest(true);
  Next();
  EXPECT_EQ(Value(Processor().head().headers, "x-route"), "r");
  Answer(R"(request_headers {} dynamic_metadata { fields { key: "space" value {
      struct_value { fields { key: "k" value { string_value: "v" } } } } } })");
  ASSERT_TRUE(Passes());
  EXPECT_EQ(*stream().info.metadata.Find("space", {"k"})->text(), "v");
}

TEST_F(ExtProcTest, RoutesDecide) {
  Begin("", {}, "disabled: true");
  stream().SendRequest(true);
  EXPECT_TRUE(stream().request_out.head);
  Begin("", {}, "overrides { processing_mode { request_header_mode: SKIP } }");
  stream().SendRequest(true);
  EXPECT_TRUE(stream().request_out.head);
}

TEST_F(ExtProcTest, StreamsEndInEveryPhase) {
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make("processing_mode { request_body_mode: BUFFERED }");
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          ProcessingResponse head, body;
          head.mutable_request_headers();
          body.mutable_request_body();
          asked.SendHead(200, {{"content-type", "application/grpc"}}, false);
          asked.SendBody(Frame(head.SerializeAsString()), false);
          asked.SendBody(Frame(body.SerializeAsString()), false);
        };
        made.stream->SendRequest(false);
        made.stream->SendRequestBody("body", true);
        return made;
      },
      [](FilterHarness& stream) { return stream.request_out.end || stream.replied(); });
}

}  // namespace
}  // namespace proxenos::filters
