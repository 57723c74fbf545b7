// Status codes, messages and timeouts as text.
#include "source/rpc/status.h"

#include <string>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/http/percent.h"
#include "source/rpc/timeout.h"

namespace proxenos::rpc {
namespace {

TEST(StatusTest, TypesOfGrpc) {
  EXPECT_TRUE(IsGrpcType("application/grpc"));
  EXPECT_TRUE(IsGrpcType("application/grpc+proto"));
  EXPECT_FALSE(IsGrpcType("application/grpc-web"));
  EXPECT_FALSE(IsGrpcType("application/grp"));
  EXPECT_FALSE(IsGrpcType(""));
}

TEST(StatusTest, OfHttp) {
  EXPECT_EQ(StatusOfHttp(400), Status::kInternal);
  EXPECT_EQ(StatusOfHttp(401), Status::kUnauthenticated);
  EXPECT_EQ(StatusOfHttp(403), Status::kPermissionDenied);
  EXPECT_EQ(StatusOfHttp(404), Status::kUnimplemented);
  for (const uint16_t status : {429, 502, 503, 504}) {
    EXPECT_EQ(StatusOfHttp(status), Status::kUnavailable) << status;
  }
  EXPECT_EQ(StatusOfHttp(500), Status::kUnknown);
  EXPECT_EQ(StatusOfHttp(200), Status::kUnknown);
}

TEST(StatusTest, InHeaders) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  EXPECT_EQ(StatusIn(headers), std::nullopt);
  SetStatus(Status::kDataLoss, headers);
  EXPECT_EQ(headers.Get(http::HeaderId::kGrpcStatus), "15");
  EXPECT_EQ(StatusIn(headers), Status::kDataLoss);
  headers.Set(http::HeaderId::kGrpcStatus, "99");
  EXPECT_EQ(StatusIn(headers), static_cast<Status>(99));
  headers.Set(http::HeaderId::kGrpcStatus, "-1");
  EXPECT_EQ(StatusIn(headers), Status::kUnknown);
}

TEST(StatusTest, MessagesArePercentEncoded) {
  const std::string text = "50% of\r\n\xc3\xa4 ~";
  EXPECT_EQ(PercentEncode(text), "50%25 of%0D%0A%C3%A4 ~");
  EXPECT_EQ(http::PercentDecoded(PercentEncode(text)), text);
}

TEST(TimeoutTest, ParsesTheGrammarAndNothingElse) {
  EXPECT_EQ(ParseTimeout("1n"), 1);
  EXPECT_EQ(ParseTimeout("20u"), 20'000);
  EXPECT_EQ(ParseTimeout("300m"), 300 * base::kMillisecond);
  EXPECT_EQ(ParseTimeout("4S"), 4 * base::kSecond);
  EXPECT_EQ(ParseTimeout("5M"), 300 * base::kSecond);
  EXPECT_EQ(ParseTimeout("1H"), 3600 * base::kSecond);
  EXPECT_EQ(ParseTimeout("0S"), 0);
  EXPECT_GT(*ParseTimeout("99999999H"), 0);
  for (const char* bad : {"", "S", "1", "1s", "-1S", "1.5S", "123456789S", " 1S", "+1S"}) {
    EXPECT_EQ(ParseTimeout(bad), std::nullopt) << bad;
  }
}

TEST(TimeoutTest, WritesWhatItReads) {
  EXPECT_EQ(FormatTimeout(0), "0m");
  EXPECT_EQ(FormatTimeout(1), "1m");
  EXPECT_EQ(FormatTimeout(1500 * base::kMillisecond), "1500m");
  EXPECT_EQ(FormatTimeout(99'999'999 * base::kMillisecond), "99999999m");
  EXPECT_EQ(FormatTimeout(100'000'000 * base::kMillisecond), "100000S");
  EXPECT_EQ(ParseTimeout(FormatTimeout(7 * base::kSecond)), 7 * base::kSecond);
}

}  // namespace
}  // namespace proxenos::rpc
