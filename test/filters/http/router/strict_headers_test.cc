// Which values of x-envoy fields pass strict_check_headers: as Envoy 1.40 judges them.
#include "source/filters/http/router/strict_headers.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

bool Valid(const std::string& name, const std::string& value) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  headers.Add(name, value);
  return !FindStrictFault({{http::LookUpHeader(name)}}, headers).has_value();
}

TEST(StrictHeadersTest, Numbers) {
  for (const char* name : {"x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms",
                           "x-envoy-upstream-rq-per-try-timeout-ms"}) {
    for (const char* good : {"0", "15", "+3", "18446744073709551615"}) {
      EXPECT_TRUE(Valid(name, good)) << name << good;
    }
    for (const char* bad : {"", "x", "-1", "0x3", "1s", "1,1", "18446744073709551616"}) {
      EXPECT_FALSE(Valid(name, bad)) << name << bad;
    }
  }
}

TEST(StrictHeadersTest, WordsAreThoseOfTheField) {
  for (const char* good : {"", "5xx", "5xx, reset", ",5xx,", "http3-post-connect-failure"}) {
    EXPECT_TRUE(Valid("x-envoy-retry-on", good)) << good;
  }
  for (const char* bad : {"foo", "5xx,foo", "unavailable", "5XX"}) {
    EXPECT_FALSE(Valid("x-envoy-retry-on", bad)) << bad;
  }
  EXPECT_TRUE(Valid("x-envoy-retry-grpc-on", "cancelled,unavailable"));
  EXPECT_FALSE(Valid("x-envoy-retry-grpc-on", "cancelled,5xx"));
}

TEST(StrictHeadersTest, TheFirstOfTheConfiguredOnesIsNamed) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  headers.Add("x-envoy-max-retries", "a");
  headers.Add("x-envoy-retry-on", "b");
  const std::vector<HeaderId> both = {HeaderId::kXEnvoyRetryOn, HeaderId::kXEnvoyMaxRetries};
  const auto fault = FindStrictFault(both, headers);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->name, "x-envoy-retry-on");
  EXPECT_EQ(fault->value, "b");
  EXPECT_FALSE(FindStrictFault({}, headers).has_value());
}

}  // namespace
}  // namespace proxenos::filters::router
