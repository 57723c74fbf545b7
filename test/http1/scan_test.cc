// The vector scans against the character classes that they stand for: each byte, at each place.
#include <string>

#include "gtest/gtest.h"
#include "source/buffer/slab.h"
#include "source/http/chars.h"

namespace proxenos::http1 {
namespace {

// Places on either side of a vector's end.
constexpr int kMaxPlace = 40;

TEST(Scans, StopAtEachByteOutsideOfTheClass) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (int place = 0; place < kMaxPlace; ++place) {
      std::string text(kMaxPlace, 'A');
      text[place] = c;
      buffer::Slice slice = buffer::Slice::Copy(text);
      char* const begin = slice.data();
      char* const end = begin + slice.size();
      EXPECT_EQ(http::FindValueEnd(begin, end) == begin + place, !http::IsValueChar(c))
          << byte << " " << place;
      EXPECT_EQ(http::FindTargetEnd(begin, end) == begin + place, !http::IsTargetChar(c)) << byte;
    }
  }
}

TEST(Scans, ReportNothingBelowTheEndWhenThereIsNothing) {
  for (int size = 0; size < kMaxPlace; ++size) {
    buffer::Slice slice = buffer::Slice::Copy(std::string(kMaxPlace, 'a') + "\r\n#");
    const char* const end = slice.data() + size;
    EXPECT_GE(http::FindValueEnd(slice.data(), end), end);
    EXPECT_GE(http::FindTargetEnd(slice.data(), end), end);
    EXPECT_GE(http::FindPlainNameEnd(slice.data(), end), end);
  }
}

TEST(Scans, FindTheEndOfAPlainName) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool plain =
        http::IsDigit(c) || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (int place = 0; place < kMaxPlace; ++place) {
      std::string text(kMaxPlace, 'Z');
      text[place] = c;
      buffer::Slice slice = buffer::Slice::Copy(text);
      char* const stop = http::FindPlainNameEnd(slice.data(), slice.data() + slice.size());
      EXPECT_EQ(stop == slice.data() + place, !plain) << byte << " " << place;
    }
  }
}

TEST(LowerName, LowersLettersOfTheNameAndNothingElse) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (int begin = 0; begin < 256; ++begin) {
    for (int size : {0, 1, 2, 15, 16, 17, 31, 32, 33}) {
      if (begin + size > 256) continue;
      std::string expected = all;
      for (int i = begin; i < begin + size; ++i) {
        if (expected[i] >= 'A' && expected[i] <= 'Z') expected[i] += 'a' - 'A';
      }
      buffer::Slice slice = buffer::Slice::Copy(all);
      http::LowerName(slice.data() + begin, slice.data() + begin + size, slice.data() + 256);
      EXPECT_EQ(slice.view(), expected) << begin << " " << size;
      slice = buffer::Slice::Copy(all);  // As little room as there can be.
      http::LowerName(slice.data() + begin, slice.data() + begin + size,
                      slice.data() + begin + size);
      EXPECT_EQ(slice.view(), expected) << begin << " " << size;
    }
  }
}

TEST(LowerName, WritesNothingBehindTheEnd) {
  for (int size = 0; size < kMaxPlace; ++size) {
    buffer::Slice slice = buffer::Slice::Copy(std::string(kMaxPlace, 'Z'));
    http::LowerName(slice.data(), slice.data() + size, slice.data() + size);
    EXPECT_EQ(slice.view(), std::string(size, 'z') + std::string(kMaxPlace - size, 'Z'));
  }
}

}  // namespace
}  // namespace proxenos::http1
