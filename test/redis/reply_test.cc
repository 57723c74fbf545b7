// Replies of RESP2 and RESP3, whole and split anywhere; and what is none.
#include "source/redis/reply.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::redis {
namespace {

std::string Show(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::kNull:
      return "null";
    case Reply::Kind::kText:
      return absl::StrCat("'", reply.text, "'");
    case Reply::Kind::kError:
      return absl::StrCat("error ", reply.text);
    case Reply::Kind::kInteger:
      return absl::StrCat(reply.integer);
    case Reply::Kind::kList:
      break;
  }
  std::string text = reply.push ? "push(" : "(";
  for (const Reply& item : reply.items) absl::StrAppend(&text, " ", Show(item));
  return text + " )";
}

// All replies, the bytes given in pieces of `piece`; "broken" where that is how it ends.
std::vector<std::string> Read(absl::string_view input, size_t piece,
                              ReplyReader::Limits limits = {}) {
  ReplyReader reader(limits);
  std::vector<std::string> seen;
  while (!input.empty()) {
    absl::string_view bytes = input.substr(0, piece);
    input.remove_prefix(bytes.size());
    Reply reply;
    ReplyReader::Status status;
    while ((status = reader.Next(&bytes, &reply)) == ReplyReader::Status::kReply) {
      seen.push_back(Show(reply));
    }
    if (status == ReplyReader::Status::kBroken) {
      seen.push_back("broken");
      return seen;
    }
  }
  return seen;
}

using Texts = std::vector<std::string>;

void Expect(const std::string& input, const Texts& expected) {
  for (size_t piece = 1; piece <= input.size(); ++piece) {
    EXPECT_EQ(Read(input, piece), expected) << input << " in pieces of " << piece;
  }
}

TEST(ReplyTest, OfTheSecondVersion) {
  Expect("+OK\r\n-ERR no\r\n:-7\r\n", {"'OK'", "error ERR no", "-7"});
  Expect("$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n", {"'a\r\n'", "''", "null", "null"});
  Expect("*2\r\n$1\r\nk\r\n*2\r\n:1\r\n*0\r\n+x\r\n", {"( 'k' ( 1 ( ) ) )", "'x'"});
}

TEST(ReplyTest, OfTheThirdVersion) {
  Expect("_\r\n#t\r\n,1.5\r\n(123456789012345678901\r\n",
         {"null", "'t'", "'1.5'", "'123456789012345678901'"});
  Expect("!5\r\nERR x\r\n=7\r\ntxt:abc\r\n", {"error ERR x", "'abc'"});
  Expect("%1\r\n+k\r\n:1\r\n~1\r\n+s\r\n>1\r\n+p\r\n", {"( 'k' 1 )", "( 's' )", "push( 'p' )"});
  // Attributes stand before what they are about.
  Expect("|1\r\n+ttl\r\n:1\r\n+x\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", {"'x'", "( 1 2 )"});
  Expect("|0\r\n+x\r\n", {"'x'"});
}

TEST(ReplyTest, WhatIsNone) {
  for (const std::string input :
       {"x\r\n", "\r\n", "+a\n", ":a\r\n", ":\r\n", "$a\r\n", "$-2\r\n", "$1\r\nab\r\n",
        "$2\r\na\r\n*", "*-2\r\n", "%-1\r\n", "*99999999999999999999\r\n", "_x\r\n", "=2\r\nab\r\n",
        "$?\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    for (size_t piece = 1; piece <= input.size(); ++piece) {
      EXPECT_EQ(Read(input, piece), Texts{"broken"}) << input << " in pieces of " << piece;
    }
  }
}

TEST(ReplyTest, Limits) {
  EXPECT_EQ(Read("$100\r\n", 6, {50, 10}), Texts{"broken"}) << "before any of it has come";
  EXPECT_EQ(
      Read("*3\r\n$20\r\n12345678901234567890\r\n$20\r\n12345678901234567890\r\n", 64, {50, 10}),
      Texts{"broken"});
  EXPECT_EQ(Read("*11\r\n", 5, {50, 10}), Texts{"broken"});
  EXPECT_EQ(Read("*2\r\n*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n*4\r\n", 64, {5000, 10}),
            Texts{"broken"});
  EXPECT_EQ(Read(absl::StrCat("+", std::string(20000, 'a')), 64), Texts{"broken"}) << "a line";
  // Each reply anew.
  EXPECT_EQ(Read("$10\r\n1234567890\r\n$10\r\n1234567890\r\n", 64, {20, 10}),
            (Texts{"'1234567890'", "'1234567890'"}));
}

}  // namespace
}  // namespace proxenos::redis
