// Sessions in cookies and headers: what is written is read again, and what else may come is borne.
#include "source/filters/http/stateful_session/session_state.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/buffer/arena.h"

namespace proxenos::filters::stateful_session {
namespace {

std::string Field(const http::ResponseHead& head, absl::string_view name) {
  const http::Header* header = head.headers.Find(name);
  return header == nullptr ? "" : std::string(header->value());
}

TEST(SessionStateTest, TheMessageIsEnvoys) {
  EXPECT_EQ(absl::Base64Escape(EncodeSession("1.2.3.4:80", 0)), "CgoxLjIuMy40Ojgw");
  EXPECT_EQ(EncodeSession("a", 300), std::string("\x0a\x01"
                                                 "a\x10\xac\x02"));
}

TEST(SessionStateTest, WhatIsWrittenIsRead) {
  EXPECT_EQ(DecodeSession(EncodeSession("1.2.3.4:80", 0), 1000), "1.2.3.4:80");
  EXPECT_EQ(DecodeSession(EncodeSession("[::1]:80", 1000), 1000), "[::1]:80");
  EXPECT_EQ(DecodeSession(EncodeSession("[::1]:80", 999), 1000), "");
  EXPECT_EQ(DecodeSession("1.2.3.4:80", 1000), "1.2.3.4:80");
  EXPECT_EQ(DecodeSession("", 1000), "");
}

TEST(SessionStateTest, AnythingMayCome) {
  base::Random random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random.Below(20), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
    if (!bytes.empty() && random.Below(2) == 0) bytes[0] = 0x0a;
    EXPECT_LE(DecodeSession(bytes, 1000).size(), bytes.size());
  }
}

TEST(SessionStateTest, PathsAreCoveredBySegments) {
  SessionState state;
  state.kind = SessionState::Kind::kCookie;
  EXPECT_TRUE(state.Covers("/any"));
  state.path = "/a";
  for (const char* path : {"/a", "/a/b", "/a?x=y"}) EXPECT_TRUE(state.Covers(path)) << path;
  for (const char* path : {"/", "/ab", "/b/a"}) EXPECT_FALSE(state.Covers(path)) << path;
  state.path = "/a/";
  EXPECT_TRUE(state.Covers("/a/b"));
  EXPECT_FALSE(state.Covers("/a"));
}

TEST(SessionStateTest, HeadersAndCookies) {
  SessionState state;
  state.kind = SessionState::Kind::kHeader;
  state.name = "x-session";
  buffer::Arena arena;
  http::RequestHead request(arena);
  http::ResponseHead response(arena);
  EXPECT_EQ(state.Read(request, 0), "");
  state.Write("1.2.3.4:80", 0, response);
  EXPECT_EQ(Field(response, "x-session"), "MS4yLjMuNDo4MA==");
  request.headers.Add("x-session", Field(response, "x-session"));
  EXPECT_EQ(state.Read(request, 0), "1.2.3.4:80");

  state.kind = SessionState::Kind::kCookie;
  state.name = "c";
  state.path = "/p";
  state.attributes = {{"Secure", ""}, {"SameSite", "None"}};
  state.Write("1.2.3.4:80", 0, response);
  EXPECT_EQ(Field(response, "set-cookie"),
            "c=\"CgoxLjIuMy40Ojgw\"; Path=/p; Secure; SameSite=None; HttpOnly");
  request.headers.Add("cookie", "a=b; c=CgoxLjIuMy40Ojgw");
  EXPECT_EQ(state.Read(request, 0), "1.2.3.4:80");
}

}  // namespace
}  // namespace proxenos::filters::stateful_session
