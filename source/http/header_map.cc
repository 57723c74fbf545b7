// Look-up and change of header fields.
#include "source/http/header_map.h"

#include <cstring>

namespace proxenos::http {

uint64_t HeaderMap::ByteSize() const {
  uint64_t bytes = 0;
  for (const Header& header : *this) bytes += header.name_size + header.value_size;
  return bytes;
}

const Header* HeaderMap::FindAdded(HeaderId id) const {
  for (const Header& header : *this) {
    if (header.id == id) return &header;
  }
  return nullptr;
}

const Header* HeaderMap::Find(absl::string_view name) const {
  const HeaderId id = LookUpHeader(name);
  if (id != HeaderId::kUnknown) return Find(id);
  for (const Header& header : *this) {
    if (header.id == HeaderId::kUnknown && header.name() == name) return &header;
  }
  return nullptr;
}

uint32_t HeaderMap::Count(HeaderId id) const {
  uint32_t n = 0;
  for (const Header& header : *this) n += header.id == id;
  return n;
}

void HeaderMap::GrowTo(uint32_t capacity) {
  Header* grown = arena_->AllocateArray<Header>(capacity);
  if (size_ > 0) std::memcpy(grown, headers_, size_ * sizeof(Header));
  headers_ = grown;
  capacity_ = capacity;
}

void HeaderMap::Add(HeaderId id, absl::string_view value) {
  AddView(id, HeaderName(id), arena_->Copy(value));
}

void HeaderMap::Add(absl::string_view name, absl::string_view value) {
  const HeaderId id = LookUpHeader(name);
  AddView(id, id == HeaderId::kUnknown ? arena_->Copy(name) : HeaderName(id), arena_->Copy(value));
}

void HeaderMap::Set(HeaderId id, absl::string_view value) {
  const absl::string_view kept = arena_->Copy(value);  // `value` may be one of those removed.
  Remove(id);
  AddView(id, HeaderName(id), kept);
}

void HeaderMap::Set(absl::string_view name, absl::string_view value) {
  const HeaderId id = LookUpHeader(name);
  if (id != HeaderId::kUnknown) return Set(id, value);
  const absl::string_view kept_name = arena_->Copy(name);
  const absl::string_view kept_value = arena_->Copy(value);
  Remove(kept_name);
  AddView(id, kept_name, kept_value);
}

uint32_t HeaderMap::RemoveAdded(HeaderId id) {
  return RemoveIf([id](const Header& header) { return header.id == id; });
}

uint32_t HeaderMap::Remove(absl::string_view name) {
  const HeaderId id = LookUpHeader(name);
  if (id != HeaderId::kUnknown) return Remove(id);
  return RemoveIf([name](const Header& header) {
    return header.id == HeaderId::kUnknown && header.name() == name;
  });
}

void HeaderMap::Rebase(const char* old_base, size_t size, const char* new_base) {
  const ptrdiff_t distance = new_base - old_base;
  const auto move = [&](const char* p) {
    return p >= old_base && p <= old_base + size ? p + distance : p;
  };
  for (Header& header : *this) {
    header.name_data = move(header.name_data);
    header.value_data = move(header.value_data);
  }
}

}  // namespace proxenos::http
