// The preface, beginnings of it, and what only looks like it.
#include "source/http/preface.h"

#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

TEST(PrefaceTest, FourBytesTell) {
  EXPECT_EQ(BeginningOf(""), Beginning::kUndecided);
  EXPECT_EQ(BeginningOf("PRI"), Beginning::kUndecided);
  EXPECT_EQ(BeginningOf("PRI "), Beginning::kHttp2);
  EXPECT_EQ(BeginningOf(kHttp2Preface), Beginning::kHttp2);
  EXPECT_EQ(BeginningOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"), Beginning::kHttp2);
}

TEST(PrefaceTest, OtherMethodsMayBeginLikeIt) {
  for (const char* request : {"P", "PR", "PRI"}) {
    EXPECT_EQ(BeginningOf(request), Beginning::kUndecided) << request;
  }
  for (const char* request : {"G", "PUT /", "PRO", "PRINT / HTTP/1.1", "PRI / HTTP/1.1", "pri "}) {
    EXPECT_EQ(BeginningOf(request), Beginning::kHttp1) << request;
  }
}

}  // namespace
}  // namespace proxenos::http
