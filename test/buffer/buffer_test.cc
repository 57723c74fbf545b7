// Slices, buffers against a std::string reference, and arenas.
#include "source/buffer/buffer.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/limits.h"
#include "source/base/random.h"
#include "source/buffer/arena.h"

namespace proxenos::buffer {
namespace {

TEST(SlabPool, SameBytesAreLentAgainUntilSomebodyKeepsThem) {
  SlabPool& pool = SlabPool::ThisThread();
  char* first = pool.Lend(100).data;
  EXPECT_EQ(pool.Lend(100).data, first);
  std::memcpy(first, "kept", 4);
  const Slice kept = pool.Take(4);
  EXPECT_EQ(pool.Lend(100).data, first + 4);
  EXPECT_EQ(kept.view(), "kept");
}

TEST(SlabPool, KeptBytesAreNeverOverwritten) {
  SlabPool& pool = SlabPool::ThisThread();
  std::vector<Slice> kept;
  for (int i = 0; i < 1000; ++i) {
    const SlabPool::Room room = pool.Lend(1000);
    ASSERT_GE(room.size, 1000u);
    std::memset(room.data, i % 251, room.size);
    kept.push_back(pool.Take(700));
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(kept[i].view(), std::string(700, static_cast<char>(i % 251)));
  }
}

TEST(SlabPool, SlabsComeBack) {
  {
    std::vector<Slice> kept;
    for (int i = 0; i < 40; ++i) {
      SlabPool::ThisThread().Lend(base::limits::kSlabBytes);
      kept.push_back(SlabPool::ThisThread().Take(base::limits::kSlabBytes));
    }
    EXPECT_GE(SlabPool::ThisThread().slabs(), 40u);
  }
  EXPECT_LE(SlabPool::ThisThread().slabs(), 17u);  // The current one, and 16 kept ready.
}

TEST(Slice, TailRoomIsTheOnlyHoldersAlone) {
  Slice slice = Slice::WithCapacity(10);
  EXPECT_EQ(slice.TailRoom(), 10u);
  std::memcpy(slice.data(), "abc", 3);
  slice.Grow(3);
  EXPECT_EQ(slice.TailRoom(), 7u);
  const Slice other = slice;
  EXPECT_EQ(slice.TailRoom(), 0u);
  EXPECT_EQ(other.Sub(1, 1).view(), "b");
  EXPECT_EQ(Slice().TailRoom(), 0u);
}

TEST(Buffer, SmallPiecesLieSideBySide) {
  Buffer buffer;
  buffer.Append("one ");
  buffer.Append("two ");
  buffer.Append(Slice::Copy("three"));
  EXPECT_EQ(buffer.slice_count(), 1u);
  EXPECT_EQ(buffer.ToString(), "one two three");
}

TEST(Buffer, LargeTextSpansSlabs) {
  const std::string text(3 * base::limits::kSlabBytes + 17, 'x');
  Buffer buffer;
  buffer.Append(text);
  EXPECT_EQ(buffer.size(), text.size());
  EXPECT_EQ(buffer.ToString(), text);
}

// One of a few buffers with the string that it should hold.
struct Pair {
  Buffer buffer;
  std::string text;
};

void Step(base::Random& random, Pair& a, Pair& b) {
  const std::string piece(random.Below(5000), static_cast<char>('a' + random.Below(26)));
  switch (random.Below(7)) {
    case 0:
      a.buffer.Append(piece);
      a.text += piece;
      break;
    case 1:
      a.buffer.Append(Slice::Copy(piece));
      a.text += piece;
      break;
    case 2:
      a.buffer.Append(std::move(b.buffer));
      a.text += std::exchange(b.text, "");
      break;
    case 3: {
      const uint64_t n = random.Below(b.text.size() + 1);
      a.buffer.AppendFrom(b.buffer, n);
      a.text += b.text.substr(0, n);
      b.text.erase(0, n);
      break;
    }
    case 4: {
      const uint64_t n = random.Below(a.text.size() + 1);
      a.buffer.Drain(n);
      a.text.erase(0, n);
      break;
    }
    case 5:
      if (!a.buffer.empty()) a.text.erase(0, a.buffer.PopFront().size());
      break;
    case 6: {
      const uint32_t n = static_cast<uint32_t>(piece.size());
      std::memcpy(a.buffer.Reserve(n), piece.data(), n);
      a.buffer.Commit(n);
      a.text += piece;
      break;
    }
  }
}

TEST(Buffer, BehavesLikeAString) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    base::Random random(seed);
    Pair pairs[3];
    for (int i = 0; i < 400; ++i) {
      const uint64_t first = random.Below(3);
      Pair& a = pairs[first];
      Step(random, a, pairs[(first + 1 + random.Below(2)) % 3]);
      for (const Pair& pair : pairs) {
        ASSERT_EQ(pair.buffer.size(), pair.text.size()) << "seed " << seed << " step " << i;
        ASSERT_EQ(pair.buffer.empty(), pair.text.empty());
        ASSERT_EQ(pair.buffer.ToString(), pair.text) << "seed " << seed << " step " << i;
      }
    }
  }
}

TEST(Buffer, GatherShowsTheFront) {
  Buffer buffer;
  const std::string large(3000, 'L');
  for (int i = 0; i < 5; ++i) buffer.Append(Slice::Copy(large));
  buffer.Drain(1000);
  iovec parts[3];
  ASSERT_EQ(buffer.Gather(parts, 3), 3);
  EXPECT_EQ(parts[0].iov_len, 2000u);
  EXPECT_EQ(parts[1].iov_len, 3000u);
}

// A queue that never runs empty, as under a slow reader, keeps no place for what went through it.
TEST(Buffer, DrainedSlotsAreForgotten) {
  const std::string large(3000, 'L');
  Buffer popped;
  Buffer drained;
  popped.Append(Slice::Copy(large));
  drained.Append(Slice::Copy(large));
  for (int i = 0; i < 10000; ++i) {
    popped.Append(Slice::Copy(large));
    popped.PopFront();
    drained.Append(Slice::Copy(large));
    drained.Drain(2999);
  }
  EXPECT_LE(popped.slot_count(), 100u);
  EXPECT_LE(drained.slot_count(), drained.slice_count() + drained.slice_count() + 100u);
}

// A peer may send what is held here byte by byte, while the bytes of others fill slab after slab.
TEST(Buffer, FewBytesDoNotKeepManySlabs) {
  SlabPool& pool = SlabPool::ThisThread();
  const uint32_t before = pool.slabs();
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const uint32_t size = i % 100 == 0 ? 3000 : 1;
    std::memset(pool.Lend(size).data, 'a' + i % 26, size);
    buffer.Append(pool.Take(size));
    expected.append(size, static_cast<char>('a' + i % 26));
    pool.Lend(base::limits::kSlabBytes);  // The slab is full.
    if (i % 7 == 0) {
      buffer.Drain(1);
      expected.erase(0, 1);
    }
  }
  EXPECT_LT(pool.slabs(), before + 64);
  EXPECT_LT(buffer.slot_count(), 512u);
  EXPECT_EQ(buffer.size(), expected.size());
  EXPECT_EQ(buffer.ToString(), expected);
}

// Slices of slabs that they fill are not copied.
TEST(Buffer, ManyLargeSlicesStayWhereTheyAre) {
  SlabPool& pool = SlabPool::ThisThread();
  Buffer buffer;
  std::vector<const char*> places;
  for (int i = 0; i < 100; ++i) {
    std::memset(pool.Lend(40000).data, 'a', 40000);
    Slice slice = pool.Take(40000);
    places.push_back(slice.data());
    buffer.Append(std::move(slice));
  }
  ASSERT_EQ(buffer.slice_count(), places.size());
  for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(buffer.slice(i).data(), places[i]);
}

TEST(Arena, AlignsKeepsAndFrees) {
  Arena arena;
  base::Random random(7);
  std::vector<std::pair<absl::string_view, std::string>> kept;
  for (int i = 0; i < 2000; ++i) {
    const std::string text(random.Below(i % 100 == 0 ? 9000 : 60), static_cast<char>('a' + i % 26));
    const absl::string_view copy = arena.Copy(text);
    kept.emplace_back(copy, text);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(copy.data()) % 8, 0u);
  }
  for (const auto& [copy, text] : kept) EXPECT_EQ(copy, text);
  EXPECT_GT(arena.footprint(), 0u);
  arena.Reset();
  EXPECT_EQ(arena.footprint(), 0u);
  EXPECT_EQ(arena.Copy("again"), "again");
}

TEST(Arena, ChunkIsUsedToItsLastByte) {
  Arena arena;
  for (int i = 0; i < 510; ++i) arena.Allocate(8);  // 4096 bytes but for the header's 16.
  EXPECT_EQ(arena.footprint(), 4096u);
  arena.Allocate(1);
  EXPECT_EQ(arena.footprint(), 2 * 4096u);
}

}  // namespace
}  // namespace proxenos::buffer
