// HeaderMutations: what configuration adds to and removes from a head, compiled.
//
// A value without %OPERATORS% is a literal: applying it is one view into the route table (which the
// stream pins), no copy. Any other names a format of the table by index; the filter layer compiles
// formats() once a table and passes a function that renders one.
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::route {

// HeaderValueOption.HeaderAppendAction.
enum class AppendAction : uint8_t { kAppend, kAddIfAbsent, kOverwriteOrAdd, kOverwriteIfExists };

struct HeaderAddition {
  static constexpr uint32_t kLiteral = UINT32_MAX;

  http::HeaderId id = http::HeaderId::kUnknown;
  AppendAction action = AppendAction::kAppend;
  bool keep_empty_value = false;
  uint32_t format_index = kLiteral;  // Into RouteTable::formats().
  std::string name;                  // Lower case.
  std::string value;                 // Of a literal, with "%%" read as "%".
};

struct HeaderRemoval {
  http::HeaderId id = http::HeaderId::kUnknown;
  std::string name;  // Lower case.
};

struct HeaderMutations {
  std::vector<HeaderRemoval> removals;
  std::vector<HeaderAddition> additions;

  bool empty() const { return removals.empty() && additions.empty(); }
};

inline void Remove(const std::vector<HeaderRemoval>& removals, http::HeaderMap& headers) {
  for (const HeaderRemoval& removal : removals) {
    if (removal.id != http::HeaderId::kUnknown) {
      headers.Remove(removal.id);
    } else {
      headers.Remove(removal.name);
    }
  }
}

// Applies one level as Envoy does: removals first; then every value is computed and presence judged
// against the head as it then is; then what overwrites, then what appends.
// `format` is called as absl::string_view format(uint32_t format_index); its result must live as
// long as the head (in its arena). Empty values are left out unless keep_empty_value.
template <typename Format>
void Apply(const HeaderMutations& mutations, http::HeaderMap& headers, Format format) {
  Remove(mutations.removals, headers);
  struct Pending {
    const HeaderAddition* addition;
    absl::string_view value;
  };
  absl::InlinedVector<Pending, 8> overwrites;
  absl::InlinedVector<Pending, 8> appends;
  const auto present = [&headers](const HeaderAddition& addition) {
    return addition.id != http::HeaderId::kUnknown ? headers.Has(addition.id)
                                                   : headers.Find(addition.name) != nullptr;
  };
  for (const HeaderAddition& addition : mutations.additions) {
    const absl::string_view value = addition.format_index == HeaderAddition::kLiteral
                                        ? absl::string_view(addition.value)
                                        : format(addition.format_index);
    if (value.empty() && !addition.keep_empty_value) continue;
    switch (addition.action) {
      case AppendAction::kAppend:
        appends.push_back({&addition, value});
        break;
      case AppendAction::kAddIfAbsent:
        if (!present(addition)) appends.push_back({&addition, value});
        break;
      case AppendAction::kOverwriteOrAdd:
        overwrites.push_back({&addition, value});
        break;
      case AppendAction::kOverwriteIfExists:
        if (present(addition)) overwrites.push_back({&addition, value});
        break;
    }
  }
  for (const Pending& pending : overwrites) {
    const HeaderAddition& addition = *pending.addition;
    if (addition.id != http::HeaderId::kUnknown) {
      headers.Remove(addition.id);
    } else {
      headers.Remove(addition.name);
    }
    headers.AddView(addition.id, addition.name, pending.value);
  }
  for (const Pending& pending : appends) {
    headers.AddView(pending.addition->id, pending.addition->name, pending.value);
  }
}

}  // namespace proxenos::route
