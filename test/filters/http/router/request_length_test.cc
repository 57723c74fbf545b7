// What goes to a host when filters make of a request's body what its head does not
// say: a request ends where its length says, or not at all.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/filter/http_filter.h"
#include "source/filter/upstream_filters.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using testing::Peer;
using testing::ProxyLoop;

constexpr char kPost[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

// Puts bytes behind the body, or takes them from its end; leaves the head as it is.
class Meddler final : public filter::HttpFilter {
 public:
  explicit Meddler(int by) : by_(by) {}
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool) override {
    if (by_ < 0) {
      const std::string text = body.ToString();
      body.Clear();
      body.Append(text.substr(0, text.size() + by_));
    } else if (by_ > 0) {
      body.Append(std::string(by_, 'x'));
    }
    return filter::Verdict::kContinue;
  }

 private:
  const int by_;
};

class MeddlerFactory final : public filter::FilterFactory {
 public:
  explicit MeddlerFactory(int by) : by_(by) { request_body = filter::BodyMode::kStream; }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return std::make_unique<Meddler>(by_);
  }

 private:
  const int by_;
};

// Stands for the host, behind upstream filters.
class CodecFactory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    class Codec final : public filter::HttpFilter {
      bool terminal() const override { return true; }
    };
    return std::make_unique<Codec>();
  }
};

class RequestLengthTest : public ::testing::Test {
 protected:
  void Start(int by) {
    proxy_.filters.push_back(std::make_shared<const MeddlerFactory>(by));
    proxy_.Start();
    client_ = proxy_.Connect();
  }
  // With filters of the cluster, one of which meddles `upstream_by` bytes.
  void StartBehind(int by, int upstream_by) {
    filter::UpstreamFilters filters;
    filters.factories.push_back(std::make_shared<const MeddlerFactory>(upstream_by));
    filters.factories.push_back(std::make_shared<const CodecFactory>());
    proxy_.cluster->upstream_filters =
        std::make_shared<const filter::UpstreamFilters>(std::move(filters));
    Start(by);
  }
  // What it made of kPost is refused, and the host gets no whole request.
  void ExpectRefused() {
    client_.Send(kPost);
    Peer origin = proxy_.Accept();
    EXPECT_TRUE(Gets(client_, "HTTP/1.1 503"));
    EXPECT_TRUE(client_.Got("local reset"));
    EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
    EXPECT_FALSE(origin.Got("\r\n\r\nhel"));
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }

  ProxyLoop proxy_;
  Peer client_;
};

TEST_F(RequestLengthTest, ABodyOfItsLengthPasses) {
  Start(0);
  client_.Send(kPost);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "hello"));
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(Gets(client_, "ok"));
}

TEST_F(RequestLengthTest, ABodyLongerThanItsLengthIsNoSecondRequest) {
  Start(7);
  client_.Send(kPost);
  Peer origin = proxy_.Accept();
  EXPECT_TRUE(Gets(client_, "HTTP/1.1 503"));
  EXPECT_TRUE(client_.Got("local reset"));
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  EXPECT_FALSE(origin.Got("hellox"));
  proxy_.listener().CloseAll();
  proxy_.Settle();
  proxy_.ExpectNothingUnderWay();
}

TEST_F(RequestLengthTest, ABodyShorterThanItsLengthEndsTheConnection) {
  Start(-2);
  client_.Send(kPost);
  Peer origin = proxy_.Accept();
  EXPECT_TRUE(Gets(client_, "HTTP/1.1 503"));
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  EXPECT_FALSE(origin.Got("hel\r\n"));
}

TEST_F(RequestLengthTest, ABodyThatComesInPiecesMayEndOnlyWhereItShould) {
  Start(1);  // Each piece grows by a byte.
  client_.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "hex"));
  client_.Send("llo");
  EXPECT_TRUE(Gets(client_, "HTTP/1.1 503"));
  EXPECT_TRUE(proxy_.Until([&] { return origin.Ended(); }));
  EXPECT_FALSE(origin.Got("llo"));
}

TEST_F(RequestLengthTest, ABodyOfItsLengthPassesUpstreamFilters) {
  StartBehind(0, 0);
  client_.Send(kPost);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Gets(origin, "\r\n\r\nhello"));
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(Gets(client_, "ok"));
}

TEST_F(RequestLengthTest, UpstreamFiltersPassNoSecondRequest) {
  StartBehind(7, 0);
  ExpectRefused();
}

TEST_F(RequestLengthTest, UpstreamFiltersPassNoBodyThatLacksItsEnd) {
  StartBehind(-2, 0);
  ExpectRefused();
}

TEST_F(RequestLengthTest, UpstreamFiltersMakeNoSecondRequest) {
  StartBehind(0, 7);
  ExpectRefused();
}

}  // namespace
}  // namespace proxenos::filters::router
