// The perfect hash of known header names, searched at compile time.
#include "source/http/header_id.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace proxenos::http {
namespace {

constexpr int kCount = static_cast<int>(HeaderId::kCount);

// Loads of bytes as one word. While compiling they are put together the way the machine would.
template <typename Word>
constexpr uint64_t Load(const char* p) {
  Word word = 0;
  if (std::is_constant_evaluated()) {
    for (size_t i = 0; i < sizeof(Word); ++i) {
      const size_t place = std::endian::native == std::endian::little ? i : sizeof(Word) - 1 - i;
      word |= static_cast<Word>(static_cast<Word>(static_cast<uint8_t>(p[i])) << (8 * place));
    }
  } else {
    std::memcpy(&word, p, sizeof(word));
  }
  return word;
}

// Both ends of a name in two words, which overlap when it is shorter than 16 bytes. Names of one
// size up to 16 with the same words are the same name.
struct Ends {
  uint64_t first;
  uint64_t last;
};

constexpr Ends EndsOf(const char* name, size_t size) {
  if (size >= 8) return Ends{Load<uint64_t>(name), Load<uint64_t>(name + size - 8)};
  if (size >= 4) return Ends{Load<uint32_t>(name), Load<uint32_t>(name + size - 4)};
  return Ends{Load<uint8_t>(name),
              Load<uint8_t>(name + size / 2) << 8 | Load<uint8_t>(name + size - 1)};
}

// Texts lie in the table itself, so that a look-up follows no pointer; each in a cache line of its
// own, since that line is what a look-up costs.
struct alignas(64) Name {
  Ends ends;
  char text[47];
  uint8_t size;
};

template <size_t N>
constexpr Name MakeName(const char (&text)[N]) {
  static_assert(N - 1 <= sizeof(Name::text));
  Name name{EndsOf(text, N - 1), {}, static_cast<uint8_t>(N - 1)};
  for (size_t i = 0; i + 1 < N; ++i) name.text[i] = text[i];
  return name;
}

constexpr std::array<Name, kCount> kNames = {Name{},
#define PROXENOS_X(id, name) MakeName(name),
                                             PROXENOS_KNOWN_HEADERS(PROXENOS_X)
#undef PROXENOS_X
};

constexpr int kSlotBits = 10;
constexpr int kSlots = 1 << kSlotBits;

// The multiplier is chosen below so that no two known names share a slot.
constexpr uint32_t Hash(const char* name, size_t size, const Ends& ends, uint64_t multiplier) {
  uint64_t mixed = ends.first ^ (ends.last << 29 | ends.last >> 35) ^ size;
  // Some long names differ in their middle only.
  if (size > 16) mixed ^= Load<uint64_t>(name + size / 2 - 4) << 7;
  return static_cast<uint32_t>((mixed * multiplier) >> (64 - kSlotBits));
}

constexpr bool IsPerfect(uint64_t multiplier) {
  std::array<bool, kSlots> used{};
  for (int i = 1; i < kCount; ++i) {
    const uint32_t slot = Hash(kNames[i].text, kNames[i].size, kNames[i].ends, multiplier);
    if (used[slot]) return false;
    used[slot] = true;
  }
  return true;
}

constexpr uint64_t FindMultiplier() {
  uint64_t multiplier = 0x9e3779b97f4a7c15u;
  for (int tries = 0; tries < 500; ++tries) {
    if (IsPerfect(multiplier)) return multiplier;
    multiplier = (multiplier * 6364136223846793005u + 1442695040888963407u) | 1;
  }
  return 0;
}

constexpr uint64_t kMultiplier = FindMultiplier();
static_assert(kMultiplier != 0, "no perfect hash found: take more slots");

constexpr std::array<uint8_t, kSlots> MakeTable() {
  static_assert(kCount < 256);
  std::array<uint8_t, kSlots> table{};
  for (int i = 1; i < kCount; ++i) {
    table[Hash(kNames[i].text, kNames[i].size, kNames[i].ends, kMultiplier)] =
        static_cast<uint8_t>(i);
  }
  return table;
}

constexpr std::array<uint8_t, kSlots> kTable = MakeTable();

}  // namespace

HeaderId LookUpHeader(const char* name, size_t size) {
  if (size == 0) return HeaderId::kUnknown;
  const Ends ends = EndsOf(name, size);
  const uint8_t index = kTable[Hash(name, size, ends, kMultiplier)];
  const Name& candidate = kNames[index];
  // An empty slot is index 0, whose size is that of no name.
  if (candidate.size != size || candidate.ends.first != ends.first ||
      candidate.ends.last != ends.last) {
    return HeaderId::kUnknown;
  }
  if (size > 16 && std::memcmp(candidate.text + 8, name + 8, size - 16) != 0) {
    return HeaderId::kUnknown;
  }
  return static_cast<HeaderId>(index);
}

absl::string_view HeaderName(HeaderId id) {
  const Name& name = kNames[static_cast<int>(id)];
  return absl::string_view(name.text, name.size);
}

}  // namespace proxenos::http
