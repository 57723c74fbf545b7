// Max-Forwards of OPTIONS and TRACE: counted down, and answered at 0.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::router {
namespace {

using testing::Peer;
using testing::ProxyLoop;

class MaxForwardsTest : public ::testing::Test {
 protected:
  MaxForwardsTest() { proxy_.Start(); }
  Peer Ask(const std::string& method, const std::string& value) {
    Peer client = proxy_.Connect();
    client.Send(
        absl::StrCat(method, " / HTTP/1.1\r\nHost: a\r\nMax-Forwards: ", value, "\r\n\r\n"));
    return client;
  }
  // What the origin is told.
  std::string Forwarded(const std::string& method, const std::string& value) {
    Peer client = Ask(method, value);
    Peer origin = proxy_.Accept();
    EXPECT_TRUE(proxy_.Until([&origin] { return origin.Got("\r\n\r\n"); }));
    const std::string name = "\r\nmax-forwards: ";
    const std::string& all = origin.Received();
    const size_t at = all.find(name);
    if (at == std::string::npos) return "none";
    const size_t begin = at + name.size();
    return all.substr(begin, all.find("\r\n", begin) - begin);
  }
  bool Gets(Peer& client, const std::string& text) {
    return proxy_.Until([&] { return client.Got(text); });
  }

  ProxyLoop proxy_;
};

TEST_F(MaxForwardsTest, IsCountedDown) {
  EXPECT_EQ(Forwarded("OPTIONS", "1"), "0");
  EXPECT_EQ(Forwarded("TRACE", "10"), "9");
  EXPECT_EQ(Forwarded("OPTIONS", "18446744073709551615"), "18446744073709551614");
}

TEST_F(MaxForwardsTest, OfOtherMethodsAndWhatIsNoNumberStays) {
  EXPECT_EQ(Forwarded("GET", "0"), "0");
  for (const char* value : {"-1", "+1", "x", "1, 2"}) {
    EXPECT_EQ(Forwarded("OPTIONS", value), value);
  }
}

TEST_F(MaxForwardsTest, AtZeroThisProxyAnswers) {
  Peer options = Ask("OPTIONS", "0");
  EXPECT_TRUE(Gets(options, "HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(options.Got("content-length: 0\r\n"));
  Peer trace = Ask("TRACE", "00");
  EXPECT_TRUE(Gets(trace, "HTTP/1.1 501 Not Implemented\r\n"));
  EXPECT_FALSE(proxy_.OriginAsked());
}

}  // namespace
}  // namespace proxenos::filters::router
