// Blocks that several threads lend slices of.
#include "source/buffer/shared_bytes.h"

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/buffer.h"

namespace proxenos::buffer {
namespace {

SharedBytes Make(absl::string_view text) {
  SharedBytes bytes = SharedBytes::WithCapacity(static_cast<uint32_t>(text.size()));
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

TEST(SharedBytesTest, SlicesOutliveTheBlocksOwner) {
  Buffer buffer;
  {
    const SharedBytes bytes = Make("hello world");
    EXPECT_EQ(bytes.capacity(), 11u);
    const Slice slice = bytes.Lend(6, 5);
    EXPECT_EQ(slice.data(), bytes.data() + 6) << "nothing is copied";
    EXPECT_EQ(slice.slab_capacity(), 0u) << "it keeps no memory of this thread";
    buffer.Append(bytes.Lend(0, 6));
    buffer.Append(slice);
  }
  EXPECT_EQ(buffer.ToString(), "hello world");
  Buffer half;
  half.AppendFrom(buffer, 3);
  buffer.Drain(3);
  EXPECT_EQ(half.ToString() + "|" + buffer.ToString(), "hel|world");
}

TEST(SharedBytesTest, ThreadsLendAtOnce) {
  SharedBytes bytes = Make(std::string(4096, 'x'));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([own = bytes] {
      for (uint32_t j = 0; j < 5000; ++j) {
        Slice slice = own.Lend(j % 4000, 50);
        const Slice copy = slice;
        slice.RemovePrefix(10);
        EXPECT_EQ(copy.view().find_first_not_of('x'), absl::string_view::npos);
        EXPECT_EQ(slice.size(), 40u);
      }
    });
  }
  bytes = SharedBytes();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace proxenos::buffer
