// HeaderMap: the fields of one message head (or trailer section), in the order they came.
//
// An array of views into the bytes of the head; a field that the proxy adds or changes points into
// the stream's arena instead. Several values of one name stay several fields: nothing is joined,
// so that no matcher can be bypassed by a duplicate. Names are lower case, always.
// Thread: the stream's worker. Dies with the stream's arena, in which its array lives.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/http/header_id.h"

namespace proxenos::http {

struct Header {
  const char* name_data;
  const char* value_data;
  uint32_t value_size;
  uint16_t name_size;
  HeaderId id;

  absl::string_view name() const { return absl::string_view(name_data, name_size); }
  absl::string_view value() const { return absl::string_view(value_data, value_size); }
};

class HeaderMap {
 public:
  explicit HeaderMap(buffer::Arena& arena) : arena_(&arena) {}
  HeaderMap(const HeaderMap&) = delete;
  HeaderMap& operator=(const HeaderMap&) = delete;

  const Header* begin() const { return headers_; }
  const Header* end() const { return headers_ + size_; }
  Header* begin() { return headers_; }
  Header* end() { return headers_ + size_; }
  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Sum of name and value sizes.
  uint64_t ByteSize() const;

  // The first field of that name, or nullptr.
  const Header* Find(HeaderId id) const { return MayHave(id) ? FindAdded(id) : nullptr; }
  const Header* Find(absl::string_view lower_case_name) const;
  bool Has(HeaderId id) const { return Find(id) != nullptr; }
  // The first value, or an empty view when there is none.
  absl::string_view Get(HeaderId id) const {
    const Header* header = Find(id);
    return header == nullptr ? absl::string_view() : header->value();
  }
  uint32_t Count(HeaderId id) const;

  // Appends a field whose bytes outlive the stream or live in its arena or head (no copy).
  // REQUIRES: a lower-case, valid name; a value without CR, LF, NUL.
  void AddView(HeaderId id, absl::string_view name, absl::string_view value) {
    DCHECK(!name.empty() && name.size() <= UINT16_MAX);
    if (size_ == capacity_) GrowTo(capacity_ == 0 ? kFirstCapacity : capacity_ * 2);
    headers_[size_++] = Header{name.data(), value.data(), static_cast<uint32_t>(value.size()),
                               static_cast<uint16_t>(name.size()), id};
    added_[Word(id)] |= Bit(id);
  }
  // Appends a field, copying what is not static.
  void Add(HeaderId id, absl::string_view value);
  void Add(absl::string_view lower_case_name, absl::string_view value);
  // Replaces all fields of that name by one.
  void Set(HeaderId id, absl::string_view value);
  void Set(absl::string_view lower_case_name, absl::string_view value);
  // Removes all fields of that name; returns how many there were. Keeps the order of the rest.
  uint32_t Remove(HeaderId id) { return MayHave(id) ? RemoveAdded(id) : 0; }
  uint32_t Remove(absl::string_view lower_case_name);
  // Removes every field for which predicate(const Header&) holds.
  template <typename Predicate>
  uint32_t RemoveIf(Predicate predicate) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < size_; ++i) {
      if (!predicate(headers_[i])) {
        if (kept != i) headers_[kept] = headers_[i];
        ++kept;
      }
    }
    const uint32_t removed = size_ - kept;
    size_ = kept;
    return removed;
  }
  void Clear() {
    size_ = 0;
    added_[0] = added_[1] = 0;
  }

  // Moves every view that points into [old_base, old_base + size) by the distance to new_base:
  // for the codec, when a partial head had to move to a larger block.
  void Rebase(const char* old_base, size_t size, const char* new_base);

  buffer::Arena& arena() { return *arena_; }

 private:
  static constexpr uint32_t kFirstCapacity = 24;  // Few messages have more fields.

  static_assert(static_cast<int>(HeaderId::kCount) <= 128, "added_ needs another word");

  static uint32_t Word(HeaderId id) { return static_cast<uint32_t>(id) / 64; }
  static uint64_t Bit(HeaderId id) { return uint64_t{1} << (static_cast<uint32_t>(id) % 64); }
  bool MayHave(HeaderId id) const { return (added_[Word(id)] & Bit(id)) != 0; }
  const Header* FindAdded(HeaderId id) const;
  uint32_t RemoveAdded(HeaderId id);
  void GrowTo(uint32_t capacity);

  buffer::Arena* arena_;
  Header* headers_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  // A bit for each id that was ever added: most names that the proxy looks for are not there, and
  // that must not cost a walk over all fields.
  uint64_t added_[2] = {0, 0};
};

}  // namespace proxenos::http
