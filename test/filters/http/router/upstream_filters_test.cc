// The router with upstream filters between it and an HTTP/2 origin: each attempt begins with the
// request as the router had it, whatever filters do to it, how long they take and however it ends.
#include "source/filter/upstream_filters.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/filters/http/router/router.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using base::kSecond;
using filter::BodyMode;
using filter::Direction;
using filter::Verdict;
using http2::ErrorCode;
using testing::Http2Origin;
using testing::Http2OriginStream;
using testing::Peer;
using testing::ProxyLoop;

// What the filters of a test do, and what they saw.
struct Script {
  bool waits[2] = {false, false};  // Pauses at the head, by Direction, until Go.
  uint16_t replies = 0;            // Answers requests with this status; 0: does not.
  uint16_t replies_late = 0;       // The same once it is woken.
  uint16_t sets_status = 0;        // Of responses; 0: leaves them.
  bool adds_trailers = false;
  int made = 0;
  int completed = 0;
  int local_replies = 0;
  std::string request_body;
  std::string response_body;
  std::string hosts;                        // As the filters saw them.
  filter::HttpFilter* waiting = nullptr;    // The one that pauses.
  filter::StreamContext* stream = nullptr;  // Its stream.

  void Go(Direction direction) { stream->Resume(*waiting, direction); }
};

class Scripted final : public filter::HttpFilter {
 public:
  Scripted(Script& script, filter::StreamContext& stream) : script_(script), stream_(stream) {
    ++script_.made;
  }
  Verdict OnRequestHeaders(http::RequestHead& head, bool end) override {
    head.headers.Add("x-upstream", "u");
    head.path = stream_.arena.Copy("/changed" + std::string(head.path));
    script_.hosts += stream_.info.upstream_remote.ToString() + " ";
    if (script_.adds_trailers && end) stream_.AddTrailers(Direction::kRequest).Add("x-t", "1");
    if (script_.replies != 0) {
      stream_.Reply(script_.replies, "no", stream_.arena.Copy("by_a_filter"), 0);
      stream_.response.headers.Add("x-more", "1");
      return Verdict::kReplied;
    }
    return Wait(Direction::kRequest);
  }
  Verdict OnRequestBody(buffer::Buffer& body, bool) override {
    script_.request_body += body.ToString();
    return Verdict::kContinue;
  }
  Verdict OnResponseHeaders(http::ResponseHead& head, bool) override {
    if (script_.sets_status != 0) head.status = script_.sets_status;
    head.headers.Add("x-seen", "1");
    return Wait(Direction::kResponse);
  }
  Verdict OnResponseBody(buffer::Buffer& body, bool) override {
    script_.response_body += body.ToString();
    return Verdict::kContinue;
  }
  Verdict OnResponseTrailers(http::HeaderMap& trailers) override {
    trailers.Add("x-trailer-seen", "1");
    return Verdict::kContinue;
  }
  void OnWake() override {
    if (script_.replies_late != 0) stream_.Reply(script_.replies_late, "late", "late", 0);
  }
  void OnLocalReply() override { ++script_.local_replies; }
  void OnComplete() override {
    ++script_.completed;
    script_.waiting = nullptr;
  }

 private:
  Verdict Wait(Direction direction) {
    if (!script_.waits[static_cast<int>(direction)]) return Verdict::kContinue;
    script_.waiting = this;
    script_.stream = &stream_;
    return Verdict::kPause;
  }

  Script& script_;
  filter::StreamContext& stream_;
};

class ScriptedFactory final : public filter::FilterFactory {
 public:
  explicit ScriptedFactory(Script& script) : script_(script) {
    request_body = response_body = BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Scripted>(script_, stream);
  }

 private:
  Script& script_;
};

// Whole requests, up to a limit.
class BufferingFactory final : public filter::FilterFactory {
 public:
  explicit BufferingFactory(uint32_t limit) {
    request_body = BodyMode::kBuffer;
    buffer_limit = limit;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    class Filter final : public filter::HttpFilter {};
    return std::make_unique<Filter>();
  }
};

class CodecFactory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    class Filter final : public filter::HttpFilter {
      bool terminal() const override { return true; }
    };
    return std::make_unique<Filter>();
  }
};

constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kPost[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

class UpstreamFiltersTest : public ::testing::Test {
 protected:
  UpstreamFiltersTest() : origin_(proxy_.loop()) {
    proxy_.cluster->protocol = upstream::HttpProtocol::kHttp2;
  }
  void Start(const std::string& action = "", uint32_t buffer_limit = 0) {
    filter::UpstreamFilters filters;
    if (buffer_limit != 0) {
      filters.factories.push_back(std::make_shared<BufferingFactory>(buffer_limit));
    }
    filters.factories.push_back(std::make_shared<ScriptedFactory>(script_));
    filters.factories.push_back(std::make_shared<CodecFactory>());
    proxy_.cluster->upstream_filters =
        std::make_shared<const filter::UpstreamFilters>(std::move(filters));
    proxy_.routes = R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
        match { prefix: "/" } route { cluster: "origin" timeout { seconds: 0 } )" +
                    action + "}}}";
    proxy_.Start();
    proxy_.SetHosts({origin_.port()});
  }
  Peer Ask(const std::string& request) {
    Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  bool Gets(Peer& client, const std::string& text) {
    return proxy_.Until([&] { return client.Got(text); });
  }
  Http2OriginStream* Stream(size_t count) {
    const bool came = proxy_.Until(
        [&] { return origin_.stream_count() >= count && origin_.stream(count - 1).has_head(); });
    EXPECT_TRUE(came);
    return came ? &origin_.stream(count - 1) : nullptr;
  }
  bool Waits() {
    return proxy_.Until([&] { return script_.waiting != nullptr; });
  }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
    EXPECT_EQ(script_.completed, script_.made);
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }

  Script script_;
  ProxyLoop proxy_;
  Http2Origin origin_;
};

TEST_F(UpstreamFiltersTest, MessagesPassThemBothWays) {
  proxy_.http.decoder.enable_trailers = true;
  Start();
  origin_.on_request = [](Http2OriginStream& stream) {
    stream.Reply(200, {{"x-origin", "1"}}, "answer", {{"x-end", "1"}});
  };
  Peer client =
      Ask("POST /a HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(Gets(client, "answer"));
  const Http2OriginStream& stream = origin_.stream(0);
  EXPECT_EQ(stream.head().path, "/changed/a");
  EXPECT_EQ(stream.Header("x-upstream"), "u");
  EXPECT_EQ(stream.body(), "hello");
  EXPECT_TRUE(client.Got("x-seen: 1"));
  EXPECT_TRUE(client.Got("x-origin: 1"));
  EXPECT_EQ(script_.request_body, "hello");
  EXPECT_EQ(script_.response_body, "answer");
  EXPECT_TRUE(Gets(client, "x-end: 1\r\nx-trailer-seen: 1\r\n"));
  EXPECT_EQ(script_.hosts, "127.0.0.1:" + std::to_string(origin_.port()) + " ");
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, TrailersThatAFilterAddsReachTheHost) {
  script_.adds_trailers = true;
  Start();
  Peer client = Ask(kGet);
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  ASSERT_TRUE(proxy_.Until([&] { return stream->complete(); }));
  ASSERT_EQ(stream->trailers().size(), 1u);
  EXPECT_EQ(stream->trailers()[0].first, "x-t");
  stream->Reply(200, {}, "fine");
  EXPECT_TRUE(Gets(client, "fine"));
  ExpectNothingLeft();
}

// The field is added once to each try, and the path is changed once.
TEST_F(UpstreamFiltersTest, EachAttemptBeginsWithTheRequestAsItWas) {
  Start("retry_policy { retry_on: \"5xx\" num_retries { value: 2 } }");
  origin_.on_request = [this](Http2OriginStream& stream) {
    EXPECT_EQ(stream.head().path, "/changed/a");
    uint32_t fields = 0;
    for (const http::Header& header : stream.head().headers)
      fields += header.name() == "x-upstream";
    EXPECT_EQ(fields, 1u);
    EXPECT_EQ(stream.body(), "hello");
    stream.Reply(origin_.stream_count() < 3 ? 503 : 200, {}, "try");
  };
  Peer client = Ask(kPost);
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == i; }));
    proxy_.Advance(kSecond);
  }
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200"));
  EXPECT_EQ(script_.made, 3);
  ExpectNothingLeft();
}

// The router acts on what has come out of the filters.
TEST_F(UpstreamFiltersTest, RetriesFollowTheStatusThatFiltersGive) {
  script_.sets_status = 503;
  Start("retry_policy { retry_on: \"5xx\" num_retries { value: 1 } }");
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer client = Ask(kGet);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == 1; }));
  script_.sets_status = 0;
  proxy_.Advance(kSecond);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 200"));
  ExpectNothingLeft();
}

// As in Envoy: the request is answered, and not tried again.
TEST_F(UpstreamFiltersTest, WhatAFilterAnswersIsFinal) {
  script_.replies = 503;
  Start("retry_policy { retry_on: \"5xx\" num_retries { value: 2 } }");
  Peer client = Ask(kPost);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(client.Got("x-more: 1"));
  EXPECT_TRUE(client.Got("\r\n\r\nno"));
  EXPECT_EQ(stats().upstream_rq_retry.value(), 0u);
  EXPECT_EQ(origin_.stream_count(), 0u);
  EXPECT_EQ(script_.made, 1);
  EXPECT_EQ(script_.local_replies, 1);
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, FilterThatWaitsHoldsTheHeadBack) {
  script_.waits[0] = true;
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer client = Ask(kPost);
  ASSERT_TRUE(Waits());
  proxy_.Settle();
  EXPECT_EQ(origin_.stream_count(), 0u);
  script_.Go(Direction::kRequest);
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(origin_.stream(0).body(), "hello");
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, ResponseMayWaitToo) {
  script_.waits[1] = true;
  Start();
  const std::string body(300000, 'r');
  origin_.on_request = [&body](Http2OriginStream& stream) { stream.Reply(200, {}, body); };
  Peer client = Ask(kGet);
  ASSERT_TRUE(Waits());
  proxy_.Settle();
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  script_.Go(Direction::kResponse);
  ASSERT_TRUE(proxy_.Until([&] { return client.Received().size() > body.size(); }));
  EXPECT_EQ(script_.response_body.size(), body.size());
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, AnswerInPlaceOfTheHosts) {
  script_.waits[1] = true;
  script_.replies_late = 418;
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer client = Ask(kGet);
  ASSERT_TRUE(Waits());
  script_.stream->Wake(*script_.waiting);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 418"));
  EXPECT_FALSE(client.Got("x-origin"));
  ExpectNothingLeft();
}

// Held back by the host's credit, by the filters' own bounds and by a client that does not read.
TEST_F(UpstreamFiltersTest, LargeBodiesPassWhole) {
  proxy_.downstream_send_bytes = 4096;
  Start("retry_policy { retry_on: \"reset\" num_retries { value: 1 } }");
  std::string body;
  for (int i = 0; i < 40000; ++i) body += std::to_string(i);
  origin_.on_request = [&body](Http2OriginStream& stream) { stream.Reply(200, {}, body); };
  Peer client = Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n");
  size_t sent = 0;
  ASSERT_TRUE(proxy_.Until([&] {
    sent += client.Send(absl::string_view(body).substr(sent));
    return sent == body.size() && origin_.stream_count() == 1 && origin_.stream(0).complete();
  }));
  EXPECT_TRUE(origin_.stream(0).body() == body);
  EXPECT_TRUE(script_.request_body == body);
  ASSERT_TRUE(proxy_.Until([&] { return client.Received().size() > body.size(); }));
  EXPECT_TRUE(script_.response_body == body);
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, BufferingFilterSendsWholeRequests) {
  Start("", 100);
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer client = Ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  proxy_.Settle();
  EXPECT_EQ(script_.request_body, "");
  EXPECT_EQ(origin_.stream_count(), 0u);
  client.Send("world");
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(origin_.stream(0).body(), "helloworld");

  Peer other =
      Ask("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n" + std::string(200, 'x'));
  EXPECT_TRUE(Gets(other, "HTTP/1.1 413"));
  EXPECT_EQ(origin_.stream_count(), 1u);
  ExpectNothingLeft();
}

// The head had not left: the host can not have acted on the request, whatever its method.
TEST_F(UpstreamFiltersTest, ConnectionThatBreaksMeanwhileIsReplaced) {
  Start();
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  Peer first = Ask(kGet);
  ASSERT_TRUE(Gets(first, "fine"));
  script_.waits[0] = true;
  Peer client = Ask(kPost);
  ASSERT_TRUE(Waits());
  script_.waits[0] = false;
  origin_.stream(0).connection().Close();
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(script_.made, 3);
  ExpectNothingLeft();
}

// A host that ends an idle connection may say why: nobody has asked it anything yet.
TEST_F(UpstreamFiltersTest, AnswerBeforeTheRequestIsNone) {
  proxy_.cluster->protocol = upstream::HttpProtocol::kHttp1;
  script_.waits[0] = true;
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask(kPost);
  ASSERT_TRUE(Waits());
  Peer first = proxy_.Accept();
  ASSERT_TRUE(first.valid());
  script_.waits[0] = false;
  first.Send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  Peer second = proxy_.Accept();
  ASSERT_TRUE(second.valid());
  ASSERT_TRUE(proxy_.Until([&] { return second.Got("hello"); }));
  EXPECT_EQ(first.Received(), "");
  second.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
  EXPECT_TRUE(Gets(client, "fine"));
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, ResetBehindTheHeadCutsTheClientOff) {
  Start();
  Peer client = Ask(kGet);
  Http2OriginStream* stream = Stream(1);
  ASSERT_NE(stream, nullptr);
  stream->SendHead(200, {}, false);
  stream->SendBody("the last words", false);
  ASSERT_TRUE(Gets(client, "the last words"));
  stream->Reset(ErrorCode::kInternalError);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, ClientThatLeavesEndsTheWait) {
  for (const int direction : {0, 1}) {
    script_ = Script();
    script_.waits[direction] = true;
    if (direction == 0) {
      Start();
      origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
    }
    Peer client = Ask(kPost);
    ASSERT_TRUE(Waits());
    client.Close();
    EXPECT_TRUE(proxy_.Until([&] { return script_.waiting == nullptr; }));
    EXPECT_EQ(script_.completed, 1);
  }
  ExpectNothingLeft();
}

TEST_F(UpstreamFiltersTest, TimeoutEndsTheWait) {
  script_.waits[0] = true;
  Start(
      "retry_policy { retry_on: \"5xx\" num_retries { value: 1 } "
      "per_try_timeout { seconds: 1 } }");
  Peer client = Ask(kGet);
  ASSERT_TRUE(Waits());
  proxy_.Settle();
  proxy_.Advance(2 * kSecond);
  ASSERT_TRUE(proxy_.Until([&] { return stats().upstream_rq_retry.value() == 1; }));
  EXPECT_EQ(script_.completed, 1);
  script_.waits[0] = false;
  origin_.on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
  proxy_.Advance(kSecond);
  EXPECT_TRUE(Gets(client, "fine"));
  ExpectNothingLeft();
}

// Filters run while the connection is made: whoever answers need not wait for a host that is away.
TEST_F(UpstreamFiltersTest, FiltersDoNotWaitForTheConnection) {
  script_.replies = 403;
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  proxy_.StopOrigin();
  Peer client = Ask(kGet);
  EXPECT_TRUE(Gets(client, "HTTP/1.1 403"));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::filters::router
