// Request fields that hold addresses of clients, with no more of these than may leave. What cannot
// be taken for an address could hide one: it does not leave.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "source/filters/http/shield/address_mask.h"
#include "source/filters/http/shield/name_set.h"

namespace proxenos::filters::shield {

// More addresses in one field are an attack: the field goes.
inline constexpr size_t kMaxAddresses = 256;

// A list as of X-Forwarded-For: addresses between commas, with or without port. Those masked, in
// the same places, without ports; "unknown" in the place of what is none. False: no such field.
bool MaskList(absl::string_view value, AddressMask mask, std::string& out);

// Forwarded (RFC 7239, section 4): as MaskList with each `for`, where obfuscated identifiers
// (section 6.3) stay too; other parameters stay as they are. False, too, where it is malformed.
bool MaskForwarded(absl::string_view value, AddressMask mask, std::string& out);

// Of ClientAddress. Thread: any (immutable).
struct ClientFields {
  AddressMask mask;
  bool remove = false;  // The fields go wholly.
  ChosenNames names;    // What is masked or removed.

  void Apply(http::HeaderMap& headers) const;
};

}  // namespace proxenos::filters::shield
