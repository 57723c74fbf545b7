// A table of the names of one head. Its hash is seeded by the process: names that a peer chose to
// fall into one bucket do not.
#include "source/http/name_spellings.h"

#include <cstring>
#include <new>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace proxenos::http {
namespace {

// In lower case, a piece at a time: names may be long, and have long beginnings in common.
uint32_t HashOf(absl::string_view name) {
  size_t hash = name.size();
  while (!name.empty()) {
    char lower[64];
    const absl::string_view piece = name.substr(0, sizeof(lower));
    for (size_t i = 0; i < piece.size(); ++i) {
      lower[i] = absl::ascii_tolower(static_cast<uint8_t>(piece[i]));
    }
    hash = absl::HashOf(absl::string_view(lower, piece.size()), hash);
    name.remove_prefix(piece.size());
  }
  return static_cast<uint32_t>(hash);
}

}  // namespace

struct NameSpellings::Spelling {
  Spelling* next;
  const char* data;
  uint32_t size;
  uint32_t hash;

  absl::string_view name() const { return absl::string_view(data, size); }
};

void WriteAsWords(char* name, size_t size) {
  bool begins = true;
  for (size_t i = 0; i < size; ++i) {
    const auto c = static_cast<uint8_t>(name[i]);
    if (begins) name[i] = absl::ascii_toupper(c);
    begins = !absl::ascii_isalnum(c);
  }
}

const NameSpellings* NameSpellings::Make(NameStyle style, buffer::Arena& arena) {
  return new (arena.Allocate(sizeof(NameSpellings)))
      NameSpellings(style == NameStyle::kPreserveOrWords);
}

const NameSpellings::Spelling* NameSpellings::Find(absl::string_view name, uint32_t hash) const {
  for (const Spelling* at = buckets_[hash % kBuckets]; at != nullptr; at = at->next) {
    if (at->hash == hash && absl::EqualsIgnoreCase(at->name(), name)) return at;
  }
  return nullptr;
}

void NameSpellings::Keep(absl::string_view name, buffer::Arena& arena) const {
  const uint32_t hash = HashOf(name);
  if (name.empty() || Find(name, hash) != nullptr) return;
  Spelling*& first = buckets_[hash % kBuckets];
  first = new (arena.Allocate(sizeof(Spelling)))
      Spelling{first, arena.Copy(name).data(), static_cast<uint32_t>(name.size()), hash};
}

void NameSpellings::Write(char* name, size_t size) const {
  const absl::string_view lower(name, size);
  if (const Spelling* spelling = Find(lower, HashOf(lower)); spelling != nullptr) {
    std::memcpy(name, spelling->data, size);
  } else if (others_as_words_) {
    WriteAsWords(name, size);
  }
}

}  // namespace proxenos::http
