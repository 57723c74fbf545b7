// The perfect hash of known header names, searched at compile time.
#include "source/http/header_id.h"

#include <array>
#include <cstring>

namespace proxenos::http {
namespace {

constexpr int kCount = static_cast<int>(HeaderId::kCount);

struct Name {
  const char* text;
  uint8_t size;
};

template <size_t N>
constexpr Name MakeName(const char (&text)[N]) {
  return Name{text, static_cast<uint8_t>(N - 1)};
}

constexpr std::array<Name, kCount> kNames = {
    Name{"", 0},
#define PROXENOS_X(id, name) MakeName(name),
    PROXENOS_KNOWN_HEADERS(PROXENOS_X)
#undef PROXENOS_X
};

constexpr int kSlots = 2048;

// Length, both ends and two characters on the way tell the known names apart; the multiplier is
// chosen below so that no two share a slot.
constexpr uint32_t Hash(const char* name, size_t size, uint32_t multiplier) {
  const uint32_t mixed = (static_cast<uint8_t>(name[0]) << 24 |
                          static_cast<uint8_t>(name[size - 1]) << 16 |
                          static_cast<uint8_t>(name[size / 2]) << 8 |
                          static_cast<uint8_t>(name[size * 3 / 4])) +
                         static_cast<uint32_t>(size) * 0x01010101u;
  return (mixed * multiplier) >> 21;  // The top 11 bits: 2048 slots.
}

constexpr bool IsPerfect(uint32_t multiplier) {
  std::array<bool, kSlots> used{};
  for (int i = 1; i < kCount; ++i) {
    const uint32_t slot = Hash(kNames[i].text, kNames[i].size, multiplier);
    if (used[slot]) return false;
    used[slot] = true;
  }
  return true;
}

constexpr uint32_t FindMultiplier() {
  uint32_t multiplier = 0x9e3779b1u;
  for (int tries = 0; tries < 2000; ++tries) {
    if (IsPerfect(multiplier)) return multiplier;
    multiplier = multiplier * 1664525u + 1013904223u;
    multiplier |= 1;
  }
  return 0;
}

constexpr uint32_t kMultiplier = FindMultiplier();
static_assert(kMultiplier != 0, "no perfect hash found: take another character into the mix");

constexpr std::array<uint8_t, kSlots> MakeTable() {
  static_assert(kCount < 256);
  std::array<uint8_t, kSlots> table{};
  for (int i = 1; i < kCount; ++i) {
    table[Hash(kNames[i].text, kNames[i].size, kMultiplier)] = static_cast<uint8_t>(i);
  }
  return table;
}

constexpr std::array<uint8_t, kSlots> kTable = MakeTable();

}  // namespace

HeaderId LookUpHeader(const char* name, size_t size) {
  if (size == 0) return HeaderId::kUnknown;
  const uint8_t index = kTable[Hash(name, size, kMultiplier)];
  const Name& candidate = kNames[index];
  if (candidate.size != size || std::memcmp(candidate.text, name, size) != 0) {
    return HeaderId::kUnknown;
  }
  return static_cast<HeaderId>(index);
}

absl::string_view HeaderName(HeaderId id) {
  const Name& name = kNames[static_cast<int>(id)];
  return absl::string_view(name.text, name.size);
}

}  // namespace proxenos::http
