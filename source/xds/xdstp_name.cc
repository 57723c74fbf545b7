// Percent signs, slashes and parameters.
#include "source/xds/xdstp_name.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace proxenos::xds {
namespace {

constexpr absl::string_view kScheme = "xdstp://";
constexpr size_t kMaxParams = 64;

// What has a meaning of its own in each part.
constexpr absl::string_view kInAuthority = "%/?#";
constexpr absl::string_view kInId = "%:?#[]";
constexpr absl::string_view kInContext = "%#[]&=";

std::string Encoded(absl::string_view text, absl::string_view reserved) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < '~' && !absl::StrContains(reserved, c)) {
      out.push_back(c);
    } else {
      absl::StrAppend(&out, "%",
                      absl::AsciiStrToUpper(absl::StrCat(absl::Hex(byte, absl::kZeroPad2))));
    }
  }
  return out;
}

// What is no %XX stands for itself.
std::string Decoded(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && i + 2 < text.size() &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                         absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]));
    if (!escaped) {
      out.push_back(text[i]);
      continue;
    }
    out += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  return out;
}

absl::Status Malformed(absl::string_view name, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(name.substr(0, 200), ": ", problem));
}

absl::Status ParseContext(absl::string_view name, absl::string_view query, XdstpName& to) {
  for (const absl::string_view param : absl::StrSplit(query, '&')) {
    const size_t equals = param.find('=');
    if (equals == 0 || equals == absl::string_view::npos) {
      return Malformed(name, "a context parameter is written KEY=VALUE");
    }
    if (to.context.size() >= kMaxParams) return Malformed(name, "has more than 64 parameters");
    const bool added =
        to.context.emplace(Decoded(param.substr(0, equals)), Decoded(param.substr(equals + 1)))
            .second;
    if (!added) return Malformed(name, "has a context parameter twice");
  }
  return absl::OkStatus();
}

}  // namespace

XdstpName XdstpName::Collection() const {
  XdstpName collection = *this;
  const size_t slash = id.rfind('/');
  collection.id = slash == std::string::npos ? "*" : absl::StrCat(id.substr(0, slash), "/*");
  return collection;
}

std::string XdstpName::ToString() const {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(id, '/')) {
    parts.push_back(Encoded(part, kInId));
  }
  std::vector<std::string> params;
  for (const auto& [key, value] : context) {
    params.push_back(absl::StrCat(Encoded(key, kInContext), "=", Encoded(value, kInContext)));
  }
  return absl::StrCat(kScheme, Encoded(authority, kInAuthority), "/", type, "/",
                      absl::StrJoin(parts, "/"), params.empty() ? "" : "?",
                      absl::StrJoin(params, "&"));
}

absl::StatusOr<XdstpName> ParseXdstpName(absl::string_view name) {
  if (!absl::StartsWith(name, kScheme)) {
    return Malformed(name, "expected xdstp://AUTHORITY/TYPE/ID");
  }
  absl::string_view rest = name.substr(kScheme.size());
  if (absl::StrContains(rest, '#')) {
    return Malformed(name, "directives (after #) are not implemented by proxenos");
  }
  const size_t question = rest.find('?');
  const absl::string_view path = rest.substr(0, question);
  const size_t type_at = path.find('/');
  const size_t id_at = type_at == absl::string_view::npos ? type_at : path.find('/', type_at + 1);
  if (id_at == absl::string_view::npos || id_at + 1 == path.size() || id_at == type_at + 1) {
    return Malformed(name, "expected xdstp://AUTHORITY/TYPE/ID");
  }
  XdstpName parsed;
  parsed.authority = Decoded(path.substr(0, type_at));
  parsed.type = std::string(path.substr(type_at + 1, id_at - type_at - 1));
  parsed.id = Decoded(path.substr(id_at + 1));
  if (question != absl::string_view::npos && question + 1 < rest.size()) {
    if (absl::Status status = ParseContext(name, rest.substr(question + 1), parsed); !status.ok()) {
      return status;
    }
  }
  return parsed;
}

std::string NormalName(absl::string_view name) {
  if (!IsXdstpName(name)) return std::string(name);
  const absl::StatusOr<XdstpName> parsed = ParseXdstpName(name);
  return parsed.ok() ? parsed->ToString() : std::string(name);
}

}  // namespace proxenos::xds
