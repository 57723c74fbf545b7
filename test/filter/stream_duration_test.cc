// How long streams last by max_stream_duration and grpc-timeout.
#include "source/filter/stream_duration.h"

#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"

namespace proxenos::filter {
namespace {

using base::kMillisecond;
using base::kSecond;

struct Limits {
  std::optional<base::Nanos> duration = {};
  std::optional<base::Nanos> max = {};
  std::optional<base::Nanos> offset = {};
};

// The duration, and what the origin is told.
std::pair<std::optional<base::Nanos>, std::string> Of(const Limits& limits,
                                                      const std::string& timeout,
                                                      bool grpc = true) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  if (!timeout.empty()) head.headers.Add(http::HeaderId::kGrpcTimeout, timeout);
  route::Forward forward;
  forward.max_stream_duration = limits.duration;
  forward.grpc_timeout_max = limits.max;
  forward.grpc_timeout_offset = limits.offset;
  const auto duration = StreamDuration(forward, grpc, head);
  return {duration, std::string(head.headers.Get(http::HeaderId::kGrpcTimeout))};
}

using Result = std::pair<std::optional<base::Nanos>, std::string>;

// All as Envoy 1.40 was seen to do it.
TEST(StreamDurationTest, OfTheRoute) {
  EXPECT_EQ(Of({}, "5S"), Result(std::nullopt, "5S"));
  EXPECT_EQ(Of({.duration = 9 * kSecond}, "5S"), Result(9 * kSecond, "9000m"));
  EXPECT_EQ(Of({.duration = 9 * kSecond}, ""), Result(9 * kSecond, "9000m"));
  EXPECT_EQ(Of({.duration = 0}, "5S"), Result(0, "5S"));
  EXPECT_EQ(Of({.duration = kSecond, .max = 0}, "5S"), Result(5 * kSecond, "5000m"));
}

TEST(StreamDurationTest, OnlyCallsOfGrpcHaveAGrpcTimeout) {
  EXPECT_EQ(Of({.duration = kSecond}, "5S", false), Result(kSecond, "5S"));
  EXPECT_EQ(Of({.max = 2 * kSecond}, "5S", false), Result(std::nullopt, "5S"));
  EXPECT_EQ(Of({.duration = 0}, "5S", false), Result(0, "5S"));
}

TEST(StreamDurationTest, CapAndOffset) {
  EXPECT_EQ(Of({.max = 2 * kSecond}, "5S"), Result(2 * kSecond, "2000m"));
  EXPECT_EQ(Of({.max = 9 * kSecond}, "5S"), Result(5 * kSecond, "5000m"));
  EXPECT_EQ(Of({.max = 0, .offset = kSecond}, "5S"), Result(4 * kSecond, "4000m"));
  EXPECT_EQ(Of({.max = 0, .offset = 9 * kSecond}, "5S"), Result(kMillisecond, "1m"));
  EXPECT_EQ(Of({.max = 0}, "0S"), Result(kMillisecond, "1m"));
}

TEST(StreamDurationTest, WithoutAGoodTimeoutTheRouteSays) {
  for (const char* bad : {"", "5", "S", "-1S"}) {
    EXPECT_EQ(Of({.duration = kSecond, .max = 2 * kSecond}, bad), Result(kSecond, "1000m"));
    EXPECT_EQ(Of({.max = 2 * kSecond}, bad), Result(std::nullopt, bad));
  }
}

}  // namespace
}  // namespace proxenos::filter
