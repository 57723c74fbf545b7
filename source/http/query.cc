// Parameter by parameter.
#include "source/http/query.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "source/http/path.h"

namespace proxenos::http {
namespace {

bool HasName(absl::string_view parameter, absl::string_view name) {
  return absl::StartsWith(parameter, name) &&
         (parameter.size() == name.size() || parameter[name.size()] == '=');
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
