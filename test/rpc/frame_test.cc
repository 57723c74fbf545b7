// gRPC frames in pieces of every size, limits, and the counter beside them.
#include "source/rpc/frame.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::rpc {
namespace {

std::string Frame(uint8_t flags, const std::string& message) {
  buffer::Buffer body;
  body.Append(message);
  PrependFrameHeader(flags, body);
  return body.ToString();
}

TEST(FrameDecoderTest, MessagesInPiecesOfEverySize) {
  const std::vector<std::string> messages = {"", "a", std::string(300, 'x'), "", "last"};
  std::string bytes;
  for (const std::string& message : messages) bytes += Frame(0, message);
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    FrameDecoder decoder(1000);
    FrameCounter counter;
    std::vector<std::string> seen;
    uint64_t counted = 0;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      buffer::Buffer in;
      in.Append(absl::string_view(bytes).substr(at, piece));
      counted += counter.Add(in);
      while (decoder.Next(in) == FrameDecoder::Result::kFrame) {
        seen.push_back(decoder.TakeMessage().ToString());
      }
      EXPECT_TRUE(in.empty());
    }
    EXPECT_EQ(seen, messages) << piece;
    EXPECT_EQ(counted, messages.size()) << piece;
    EXPECT_TRUE(decoder.at_boundary());
    EXPECT_TRUE(counter.at_boundary());
  }
}

TEST(FrameDecoderTest, TooLargeIsToldByTheHeaderAlone) {
  FrameDecoder decoder(10);
  buffer::Buffer in;
  in.Append(absl::string_view("\0\0\0\0\x0b", 5));
  EXPECT_EQ(decoder.Next(in), FrameDecoder::Result::kTooLarge);
  in.Append("more");
  EXPECT_EQ(decoder.Next(in), FrameDecoder::Result::kTooLarge);
}

TEST(FrameDecoderTest, FlagsAndUnfinishedFrames) {
  FrameDecoder decoder(10);
  buffer::Buffer in;
  in.Append(Frame(kCompressedFlag, "12345"));
  in.Append(absl::string_view("\0\0", 2));
  ASSERT_EQ(decoder.Next(in), FrameDecoder::Result::kFrame);
  EXPECT_EQ(decoder.flags(), kCompressedFlag);
  EXPECT_EQ(decoder.TakeMessage().ToString(), "12345");
  EXPECT_EQ(decoder.Next(in), FrameDecoder::Result::kNeedMore);
  EXPECT_FALSE(decoder.at_boundary());
}

}  // namespace
}  // namespace proxenos::rpc
