// Templates of paths: a line with a template, one with a rewrite, the rest a path. What is taken
// for a template is a regex of bounded size, and a rewrite of it makes paths and nothing else.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/check.h"
#include "source/match/regex.h"
#include "source/route/uri_template.h"

namespace {

using proxenos::match::Regex;
using proxenos::route::ParseUriTemplate;
using proxenos::route::UriTemplate;
using proxenos::route::UriTemplateSubstitution;

void Run(const std::string& input) {
  const std::vector<std::string> lines = absl::StrSplit(input, absl::MaxSplits('\n', 2));
  const auto pattern = ParseUriTemplate(lines[0]);
  if (!pattern.ok()) return;
  CHECK(pattern->variables.size() <= UriTemplate::kMaxVariables);
  const auto regex = Regex::Compile(absl::StrCat("^(?:", pattern->regex, ")$"));
  if (!regex.ok()) return;  // Too large.
  if (lines.size() < 2) return;
  const auto substitution = UriTemplateSubstitution(lines[1], *pattern);
  if (!substitution.ok()) return;
  CHECK(regex->CheckSubstitution(*substitution).ok());
  if (lines.size() < 3 || !regex->FullMatch(lines[2])) return;
  const std::optional<std::string> made = regex->ReplaceAll(lines[2], *substitution);
  if (!made.has_value()) return;
  CHECK(absl::StartsWith(*made, "/"));
  CHECK(made->find_first_of("?# \r\n") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
