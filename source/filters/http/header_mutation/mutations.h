// Mutations: what one configuration of the filter changes, compiled: lists of single changes, each
// of which sees what those before it have made.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/access_log/formatter.h"
#include "source/route/field_change.h"

namespace proxenos::filters::header_mutation {

using route::FieldChange;
using Render = route::RenderFormat;

// KeyValueMutation of a query parameter.
struct ParameterChange {
  std::string key;
  bool remove = false;
  route::AppendAction action = route::AppendAction::kAppend;
  std::string value;  // Percent-encoded, of a literal.
  uint32_t format = route::HeaderAddition::kLiteral;
};
// The path with its query changed. As in Envoy the parameters stand in the order of their names
// then. REQUIRES: !changes.empty().
std::string ChangeQuery(const std::vector<ParameterChange>& changes, absl::string_view path,
                        Render render);
// What stands for itself in a query is left as it is (RFC 3986, section 2.3).
std::string PercentEncode(absl::string_view text);

struct Mutations {
  std::vector<FieldChange> request;
  std::vector<ParameterChange> query;
  std::vector<FieldChange> request_trailers;
  std::vector<FieldChange> response;
  std::vector<FieldChange> response_trailers;
  std::vector<access_log::Formatter> formats;
};

}  // namespace proxenos::filters::header_mutation
