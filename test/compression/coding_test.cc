// Each coding: there and back in pieces, what a flush promises, and what stops hostile bytes.
#include <algorithm>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/compression/decoder.h"
#include "source/compression/encoder.h"

namespace proxenos::compression {
namespace {

constexpr uint64_t kPlenty = uint64_t{64} << 20;

// Settings by the coding's number.
EncoderSettings EncoderOf(int coding) {
  if (coding == 0) return GzipSettings();
  if (coding == 1) return BrotliSettings();
  return ZstdSettings();
}

DecoderSettings DecoderOf(int coding) {
  if (coding == 0) return GzipDecoding();
  if (coding == 1) return BrotliDecoding();
  return ZstdDecoding();
}

buffer::Buffer Of(const std::string& bytes) {
  buffer::Buffer buffer;
  buffer.Append(bytes);
  return buffer;
}

class CodingTest : public ::testing::TestWithParam<int> {
 protected:
  std::string Encoded(const std::string& text) {
    auto encoder = MakeEncoder(EncoderOf(GetParam()));
    buffer::Buffer in = Of(text), out;
    EXPECT_TRUE(encoder->Encode(in, Flush::kEnd, out));
    return out.ToString();
  }
  std::unique_ptr<Decoder> MakeOne() { return MakeDecoder(DecoderOf(GetParam())); }
  // Decodes `bytes` in pieces of `piece`, which is to make `*text` whole.
  Decoder::Result Decode(const std::string& bytes, size_t piece, std::string* text,
                         bool* complete = nullptr) {
    auto decoder = MakeOne();
    Decoder::Result result = Decoder::Result::kTaken;
    for (size_t at = 0; at < bytes.size() && result == Decoder::Result::kTaken; at += piece) {
      buffer::Buffer in = Of(bytes.substr(at, piece)), out;
      result = decoder->Decode(in, kPlenty, out);
      *text += out.ToString();
    }
    if (complete != nullptr) *complete = decoder->complete();
    return result;
  }
};

// Some of it repeats.
std::string Text(size_t size) {
  base::Random random(7);
  std::string text;
  while (text.size() < size) {
    if (random.Next() % 2 == 0 && text.size() > 100) {
      text += text.substr(random.Next() % (text.size() - 50), 50);
    } else {
      text += static_cast<char>(random.Next() % 256);
    }
  }
  return text;
}

TEST_P(CodingTest, ThereAndBackInPieces) {
  const std::string text = Text(300'000);
  auto encoder = MakeEncoder(EncoderOf(GetParam()));
  buffer::Buffer encoded;
  for (size_t at = 0; at < text.size(); at += 70'001) {
    buffer::Buffer in = Of(text.substr(at, 70'001));
    ASSERT_TRUE(encoder->Encode(in, Flush::kPiece, encoded));
    EXPECT_TRUE(in.empty());
  }
  buffer::Buffer nothing;
  ASSERT_TRUE(encoder->Encode(nothing, Flush::kEnd, encoded));
  EXPECT_LT(encoded.size(), text.size());
  for (const size_t piece : {size_t{1'000'000}, size_t{4096}, size_t{1}}) {
    std::string back;
    bool complete = false;
    EXPECT_EQ(Decode(encoded.ToString(), piece, &back, &complete), Decoder::Result::kTaken);
    EXPECT_TRUE(back == text) << piece;
    EXPECT_TRUE(complete);
  }
}

TEST_P(CodingTest, WhatWasFlushedCanBeRead) {
  auto encoder = MakeEncoder(EncoderOf(GetParam()));
  auto decoder = MakeOne();
  for (int i = 0; i < 3; ++i) {
    buffer::Buffer in = Of("data: event\n\n"), encoded, out;
    ASSERT_TRUE(encoder->Encode(in, Flush::kPiece, encoded));
    ASSERT_EQ(decoder->Decode(encoded, kPlenty, out), Decoder::Result::kTaken);
    EXPECT_EQ(out.ToString(), "data: event\n\n");
    EXPECT_FALSE(decoder->complete());
  }
}

TEST_P(CodingTest, NothingIsAMessageToo) {
  std::string text;
  bool complete = false;
  EXPECT_EQ(Decode(Encoded(""), 100, &text, &complete), Decoder::Result::kTaken);
  EXPECT_EQ(text, "");
  EXPECT_TRUE(complete);
}

TEST_P(CodingTest, NoMoreThanAllowed) {
  const std::string bomb = Encoded(std::string(5'000'000, '0'));
  EXPECT_LT(bomb.size(), 50'000u);
  auto decoder = MakeOne();
  buffer::Buffer in = Of(bomb), out;
  EXPECT_EQ(decoder->Decode(in, 100'000, out), Decoder::Result::kTooMuch);
  EXPECT_LE(out.size(), 100'000u + kDefaultChunk);
  std::string text;
  EXPECT_EQ(Decode(bomb, 100'000, &text), Decoder::Result::kTaken);
  EXPECT_EQ(text.size(), 5'000'000u);
}

TEST_P(CodingTest, CutShortIsNotComplete) {
  const std::string whole = Encoded(Text(10'000));
  std::string text;
  bool complete = true;
  EXPECT_EQ(Decode(whole.substr(0, whole.size() - 3), 100'000, &text, &complete),
            Decoder::Result::kTaken);
  EXPECT_FALSE(complete);
}

TEST_P(CodingTest, ForeignBytesAreBroken) {
  std::string text;
  EXPECT_EQ(Decode(std::string(1000, '\xff'), 1000, &text), Decoder::Result::kBroken);
  EXPECT_EQ(Decode(Encoded("text") + std::string(100, '\xff'), 1000, &text),
            Decoder::Result::kBroken);
}

INSTANTIATE_TEST_SUITE_P(All, CodingTest, ::testing::Values(0, 1, 2),
                         [](const ::testing::TestParamInfo<int>& one) {
                           return std::string(NameOf(CodingOf(EncoderOf(one.param))));
                         });

TEST(GzipTest, MembersFollowEachOther) {
  auto first = MakeEncoder(GzipSettings()), second = MakeEncoder(GzipSettings());
  buffer::Buffer one = Of("one "), two = Of("two"), encoded, out;
  ASSERT_TRUE(first->Encode(one, Flush::kEnd, encoded));
  ASSERT_TRUE(second->Encode(two, Flush::kEnd, encoded));
  auto decoder = MakeDecoder(GzipDecoding());
  EXPECT_EQ(decoder->Decode(encoded, kPlenty, out), Decoder::Result::kTaken);
  EXPECT_EQ(out.ToString(), "one two");
  EXPECT_TRUE(decoder->complete());
}

TEST(SettingsTest, ExtremesWork) {
  const std::string text = Text(200'000);
  const EncoderSettings all[] = {
      GzipSettings{9, 9, 15, 0, 65536},         GzipSettings{1, 1, 9, 4, 4096},
      BrotliSettings{0, 0, 10, 24, true, 4096}, BrotliSettings{9, 1, 24, 24, false, 65536},
      ZstdSettings{22, 0, true, 65536},         ZstdSettings{1, 9, false, 4096},
  };
  for (const EncoderSettings& settings : all) {
    auto encoder = MakeEncoder(settings);
    buffer::Buffer in = Of(text), encoded, out;
    ASSERT_TRUE(encoder->Encode(in, Flush::kEnd, encoded));
    auto decoder = MakeDecoder(DecoderOf(static_cast<int>(settings.index())));
    EXPECT_EQ(decoder->Decode(encoded, kPlenty, out), Decoder::Result::kTaken);
    EXPECT_TRUE(out.ToString() == text) << settings.index();
  }
}

}  // namespace
}  // namespace proxenos::compression
