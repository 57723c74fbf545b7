// HTTP/2 clients that ask and ask, and take nothing of the answers: heads know no window.
#include <string>

#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using base::kSecond;
using testing::Peer;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A client that asks for one answer without a body after another and takes none of them. Its frames
// are written by hand: a session would wait for the answers.
class Http2UntakenTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kAsked = 9000;
  static constexpr size_t kRequestBytes = 15;

  Http2UntakenTest() {
    proxy_.downstream_buffer_bytes = proxy_.downstream_send_bytes = 4096;
    proxy_.routes = R"(
      virtual_hosts {
        name: "all" domains: "*"
        routes { match { prefix: "/" } direct_response { status: 204 }
                 response_headers_to_add { header { key: "x-long" value: ")" +
                    std::string(400, 'v') + R"(" } } }
      })";
    proxy_.Start();
    client_ = proxy_.Connect();
    // No table: each answer has its fields in full.
    client_.Send(kPreface + std::string("\0\0\6\4\0\0\0\0\0\0\1\0\0\0\0", 15));
    for (uint32_t i = 0; i < kAsked; ++i) {
      const uint32_t id = 2 * i + 1;
      unsent_ += std::string("\0\0\6\1\5\0\0", 7);  // END_STREAM, END_HEADERS
      unsent_ += {static_cast<char>(id >> 8), static_cast<char>(id)};
      unsent_ +=
          "\x82\x86\x84\x01\x01"  // GET, http, "/", :authority
          "a";
    }
    for (int i = 0; i < 2000; ++i) Ask();
  }
  // Some more, once those before were answered: so many at once are not refused.
  void Ask() {
    proxy_.Turn();
    if (asked() < sent_ / kRequestBytes) return;
    const size_t sent = client_.Send(absl::string_view(unsent_).substr(0, 50 * kRequestBytes));
    unsent_.erase(0, sent);
    sent_ += sent;
  }
  uint64_t asked() { return proxy_.http_stats().downstream_rq_total.value(); }

  testing::ProxyLoop proxy_;
  Peer client_;
  std::string unsent_;
  uint64_t sent_ = 0;
};

TEST_F(Http2UntakenTest, HoldsBackFurtherRequests) {
  EXPECT_LT(asked(), kAsked / 2);
  // Whoever takes its answers gets them all.
  for (int i = 0; i < 20000 && asked() < kAsked; ++i) {
    client_.Received();
    Ask();
  }
  EXPECT_EQ(asked(), kAsked);
  EXPECT_FALSE(client_.Ended());
  EXPECT_EQ(proxy_.http_stats().downstream_cx_protocol_error.value(), 0u);
}

TEST_F(Http2UntakenTest, IsGivenUp) {
  proxy_.Advance(299 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(proxy_.listener().empty());
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_active.value(), 0u);
}

TEST_F(Http2UntakenTest, ClientThatBreaksIsGone) {
  client_.Close(/*reset=*/true);
  EXPECT_TRUE(proxy_.Until([&] { return proxy_.listener().empty(); }));
}

}  // namespace
}  // namespace proxenos::downstream
