// Two messages, field by field.
#include "source/rpc/header_wire.h"

#include "absl/strings/ascii.h"
#include "source/rpc/wire.h"

namespace proxenos::rpc {
namespace {

enum OptionField : uint32_t { kHeader = 1, kAppend = 2, kAppendAction = 3 };

}  // namespace

bool ReadNameAndValue(absl::string_view message, std::string* name, std::string* value) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == 1) *name = std::string(reader.bytes());
    // HeaderValue has a value of text and one of bytes.
    if (reader.field() == 2 || (reader.field() == 3 && !reader.bytes().empty())) {
      *value = std::string(reader.bytes());
    }
  }
  return reader.ok();
}

bool ReadHeaderOption(absl::string_view message, HeaderOption* option) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case kHeader:
        if (!ReadNameAndValue(reader.bytes(), &option->name, &option->value)) return false;
        break;
      case kAppend: {
        WireReader flag(reader.bytes());
        option->append = false;
        while (flag.Next()) option->append = flag.number() != 0;
        if (!flag.ok()) return false;
        break;
      }
      case kAppendAction:
        option->action = reader.number();
        break;
      default:
        break;
    }
  }
  option->name = absl::AsciiStrToLower(option->name);
  return reader.ok();
}

}  // namespace proxenos::rpc
