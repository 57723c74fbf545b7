// Parameter by parameter.
#include "source/http/query.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "source/http/path.h"
#include "source/http/percent.h"

namespace proxenos::http {
namespace {

// Takes the first octet of a text that is not empty, decoded where it is an escape.
char TakeOctet(absl::string_view* text) {
  const int escaped = EscapedByte(*text, 0);
  const char octet = escaped < 0 ? (*text)[0] : static_cast<char>(escaped);
  text->remove_prefix(escaped < 0 ? 1 : 3);
  return octet;
}

// Octets of a name may be percent-encoded (RFC 3986, section 2.1): who takes a parameter away must
// not be fooled by that.
bool MeansName(absl::string_view written, absl::string_view name) {
  for (; !written.empty() && !name.empty(); name.remove_prefix(1)) {
    if (TakeOctet(&written) != name[0]) return false;
  }
  return written.empty() && name.empty();
}

bool HasName(absl::string_view parameter, absl::string_view name) {
  return MeansName(parameter.substr(0, parameter.find('=')), name);
}

std::vector<absl::string_view> ParametersOf(absl::string_view path) {
  const absl::string_view query = QueryOf(path);
  if (query.empty()) return {};
  return absl::StrSplit(query, '&');
}

std::string Joined(absl::string_view path, const std::vector<absl::string_view>& parameters) {
  if (parameters.empty()) return std::string(WithoutQuery(path));
  return absl::StrCat(WithoutQuery(path), "?", absl::StrJoin(parameters, "&"));
}

}  // namespace

void ForEachQueryParameter(absl::string_view path, absl::string_view name,
                           absl::FunctionRef<void(absl::string_view)> visit) {
  for (const absl::string_view one : ParametersOf(path)) {
    const size_t equals = one.find('=');
    if (equals != absl::string_view::npos && HasName(one, name)) visit(one.substr(equals + 1));
  }
}

std::string RemoveQueryParameter(absl::string_view path, absl::string_view name) {
  std::vector<absl::string_view> kept;
  for (const absl::string_view one : ParametersOf(path)) {
    if (!HasName(one, name)) kept.push_back(one);
  }
  return Joined(path, kept);
}

std::string SetQueryParameter(absl::string_view path, absl::string_view name,
                              absl::string_view value) {
  const std::string parameter = absl::StrCat(name, "=", value);
  std::vector<absl::string_view> kept;
  bool placed = false;
  for (const absl::string_view one : ParametersOf(path)) {
    if (!HasName(one, name)) {
      kept.push_back(one);
    } else if (!placed) {
      kept.push_back(parameter);
      placed = true;
    }
  }
  if (!placed) kept.push_back(parameter);
  return Joined(path, kept);
}

}  // namespace proxenos::http
