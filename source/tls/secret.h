// Secret: what a name of SDS, or of static_resources.secrets, stands for: plain data, with files
// read. No proto.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "source/tls/context_options.h"

namespace proxenos::tls {

enum class SecretKind : uint8_t { kIdentity, kValidation, kTicketKeys, kGeneric };

// What to call it in messages: "a certificate", "a validation context".
const char* NameOf(SecretKind kind);

// TlsSessionTicketKeys.
struct TicketKeys {
  std::vector<std::string> keys;  // As ServerOptions::ticket_keys.
};

// GenericSecret: what filters keep from others, such as the key of a signature.
struct GenericValues {
  std::string value;  // Empty where only `named` has some.
  std::map<std::string, std::string> named;
};

struct Secret {
  std::variant<std::monostate, Identity, Validation, TicketKeys, GenericValues> content;
  SecretKind kind = SecretKind::kGeneric;
  // Directories where a change may mean that files of it have changed: those named by a
  // watched_directory, and those of files for which none is named.
  std::vector<std::string> watched_directories;
  std::vector<std::string> file_directories;
};

// Whether two readings of the same message found the same bytes in its files.
bool SameFiles(const Secret& a, const Secret& b);

}  // namespace proxenos::tls
