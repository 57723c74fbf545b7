// What the TCP proxy adds to PROXY headers. The orders are those that Envoy 1.40 was seen to have.
#include "source/filters/network/tcp_proxy/added_tlvs.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace proxenos::filters::tcp_proxy {
namespace {

class AddedTlvsTest : public ::testing::Test {
 protected:
  AddedTlvsTest() {
    connection_.id = 7;
    stream_.connection = &connection_;
    stream_.metadata.Set("space", "key", json::Value(std::string("found")));
    added_.fixed = {{0xe0, "x"}, {0xe0, "y"}, {2, "mine"}};
    Format(0xe1, "id %CONNECTION_ID%");
    Format(0xe2, "%DYNAMIC_METADATA(space:key)%");
    Format(0xe3, "%REQUESTED_SERVER_NAME%");
  }
  void Format(uint8_t type, const std::string& text) {
    auto format = access_log::Formatter::Compile(text);
    ASSERT_TRUE(format.ok()) << format.status();
    added_.formats.push_back({type, *std::move(format)});
  }
  void Came(net::ProxyTlvs tlvs) {
    auto notes = std::make_unique<filter::ProxyNotes>();
    notes->passed = std::move(tlvs);
    connection_.proxy_notes = std::move(notes);
  }

  const net::ProxyTlvs all_ = {{0xe0, "x"},    {0xe0, "y"},     {2, "mine"},
                               {0xe1, "id 7"}, {0xe2, "found"}, {0xe3, "-"}};
  filter::ConnectionInfo connection_;
  filter::StreamInfo stream_;
  AddedTlvs added_;
};

TEST_F(AddedTlvsTest, WithoutAHeaderAllAreAdded) {
  for (const TlvMerge merge : {TlvMerge::kIfNone, TlvMerge::kOverwrite, TlvMerge::kAppend}) {
    added_.merge = merge;
    EXPECT_EQ(added_.Apply(stream_), all_);
  }
}

TEST_F(AddedTlvsTest, BehindAHeaderThePolicyDecides) {
  const net::ProxyTlvs theirs = {{2, "theirs"}, {5, "z"}};
  Came(theirs);
  EXPECT_EQ(added_.Apply(stream_), theirs);
  added_.merge = TlvMerge::kOverwrite;
  net::ProxyTlvs expected = all_;
  expected.push_back({5, "z"});
  EXPECT_EQ(added_.Apply(stream_), expected);
  added_.merge = TlvMerge::kAppend;
  expected = theirs;
  expected.insert(expected.end(), all_.begin(), all_.end());
  EXPECT_EQ(added_.Apply(stream_), expected);
}

// A header that only names the client is one too.
TEST_F(AddedTlvsTest, HeadersWithoutTlvsCount) {
  connection_.proxied_remote = std::make_unique<const net::Address>();
  EXPECT_TRUE(added_.Apply(stream_).empty());
  added_.merge = TlvMerge::kOverwrite;
  EXPECT_EQ(added_.Apply(stream_), all_);
}

TEST_F(AddedTlvsTest, WhatHasNoRoomIsLeftOut) {
  added_ = AddedTlvs();
  added_.fixed = {{1, std::string(AddedTlvs::kMaxBytes - 10, 'a')}, {2, "bbbb"}, {3, "cccc"}};
  const net::ProxyTlvs sent = added_.Apply(stream_);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].type, 2);
  added_.merge = TlvMerge::kAppend;
  Came({{9, std::string(100, 'z')}});
  EXPECT_EQ(added_.Apply(stream_).size(), 3u);
}

}  // namespace
}  // namespace proxenos::filters::tcp_proxy
