// Changes of query parameters.
#include "source/filters/http/header_mutation/mutations.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/http/percent.h"

namespace proxenos::filters::header_mutation {
namespace {

using route::AppendAction;

// A query as the list of its parameters. Empty parts mean nothing and are left out.
using Parameters = std::vector<std::pair<absl::string_view, std::string>>;

Parameters Split(absl::string_view query) {
  Parameters parameters;
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const size_t equals = part.find('=');
    if (equals == absl::string_view::npos) {
      parameters.emplace_back(part, "");
    } else {
      parameters.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    }
  }
  return parameters;
}

// Octets of a name may be percent-encoded: who takes a parameter away must not be fooled by that.
bool Means(absl::string_view written, absl::string_view key) {
  return written == key ||
         (absl::StrContains(written, '%') && http::PercentDecoded(written) == key);
}

void Remove(absl::string_view key, Parameters& parameters) {
  parameters.erase(std::remove_if(parameters.begin(), parameters.end(),
                                  [key](const auto& each) { return Means(each.first, key); }),
                   parameters.end());
}

void Apply(const ParameterChange& change, Render render, Parameters& parameters) {
  if (change.remove) return Remove(change.key, parameters);
  const bool present = std::any_of(parameters.begin(), parameters.end(),
                                   [&](const auto& each) { return Means(each.first, change.key); });
  if (change.action == AppendAction::kAddIfAbsent && present) return;
  if (change.action == AppendAction::kOverwriteIfExists && !present) return;
  if (change.action != AppendAction::kAppend) Remove(change.key, parameters);
  const bool literal = change.format == route::HeaderAddition::kLiteral;
  parameters.emplace_back(change.key,
                          literal ? change.value : PercentEncode(render(change.format)));
}

}  // namespace

std::string PercentEncode(absl::string_view text) {
  return http::PercentEncoded(text, http::IsUnreserved);
}

std::string ChangeQuery(const std::vector<ParameterChange>& changes, absl::string_view path,
                        Render render) {
  const size_t question = path.find('?');
  Parameters parameters;
  if (question != absl::string_view::npos) parameters = Split(path.substr(question + 1));
  for (const ParameterChange& change : changes) Apply(change, render, parameters);
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string changed(path.substr(0, question));
  char before = '?';
  for (const auto& [key, value] : parameters) {
    absl::StrAppend(&changed, absl::string_view(&before, 1), key, "=", value);
    before = '&';
  }
  return changed;
}

}  // namespace proxenos::filters::header_mutation
