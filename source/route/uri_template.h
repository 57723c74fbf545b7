// UriTemplate: the patterns of envoy.extensions.path.match.uri_template.v3, and what
// envoy.extensions.path.rewrite.uri_template.v3 makes of what they capture.
//
//   /videos/{language=lang/*}/*.m4s     `*` is one segment, `**` any number of them, a variable the
//                                       segments that its own pattern says, one without any.
//
// A template becomes an RE2 pattern, so that it stands in the index of paths beside other regular
// expressions and costs in proportion to the path, whatever it says. Thread: any (values).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::route {

struct UriTemplate {
  static constexpr size_t kMaxVariables = 5;
  static constexpr size_t kMaxNameBytes = 16;

  std::string regex;                   // Of whole paths, without their query.
  std::vector<std::string> variables;  // In the order of the groups that capture them.
};

// Error: what is wrong, in Envoy's sense of the grammar.
absl::StatusOr<UriTemplate> ParseUriTemplate(absl::string_view text);

// A rewrite such as "/{language}/x" as a substitution ("\1") of the template's groups. Error: a
// text that is no path, or a variable that the template lacks.
absl::StatusOr<std::string> UriTemplateSubstitution(absl::string_view rewrite,
                                                    const UriTemplate& pattern);

}  // namespace proxenos::route
