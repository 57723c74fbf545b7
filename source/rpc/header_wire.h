// Reads the messages of the API that carry header fields off the wire: what side services answer
// with (source/rpc/wire.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::rpc {

// core.v3.HeaderValue, whose value is text or bytes, and whatever else is a name and a value
// (service.auth's query parameters). False: the message is broken.
bool ReadNameAndValue(absl::string_view message, std::string* name, std::string* value);

// core.v3.HeaderValueOption.
struct HeaderOption {
  std::string name;  // In lower case.
  std::string value;
  std::optional<bool> append;  // As long as it is set, it has the word; deprecated.
  uint64_t action = 0;         // append_action; 4 and more do not exist.
};

// False: the message is broken.
bool ReadHeaderOption(absl::string_view message, HeaderOption* option);

}  // namespace proxenos::rpc
