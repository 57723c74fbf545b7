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
                                                      const std::string& timeout) {
  buffer::Arena arena;
  http::RequestHead head(arena);
  if (!timeout.empty()) head.headers.Add(http::HeaderId::kGrpcTimeout, timeout);
  route::Forward forward;
  forward.max_stream_duration = limits.duration;
  forward.grpc_timeout_max = limits.max;
  forward.grpc_timeout_offset = limits.offset;
  const auto duration = StreamDuration(forward, head);
  return {duration, std::string(head.headers.Get(http::HeaderId::kGrpcTimeout))};
}

using Result = std::pair<std::optional<base::Nanos>, std::string>;

TEST(StreamDurationTest, GrpcTimeoutCountsOnlyWhereAsked) {
  EXPECT_EQ(Of({}, "5S"), Result(std::nullopt, "5S"));
  EXPECT_EQ(Of({.duration = kSecond}, "5S"), Result(kSecond, "5S"));
  EXPECT_EQ(Of({.duration = kSecond, .max = 0}, "5S"), Result(5 * kSecond, "5000m"));
  EXPECT_EQ(Of({.duration = 0}, ""), Result(0, ""));
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
    EXPECT_EQ(Of({.duration = kSecond, .max = 2 * kSecond}, bad), Result(kSecond, bad));
  }
}

}  // namespace
}  // namespace proxenos::filter
