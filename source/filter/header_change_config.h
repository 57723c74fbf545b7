// HeaderValueOption lists of filters to changes.
#pragma once

#include <vector>

#include "absl/strings/ascii.h"
#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"
#include "source/filter/header_change.h"

namespace proxenos::filter {

// Values are text: a format is an error, since filters have none. `path` is that of the list.
inline std::vector<HeaderChange> CompileHeaderChanges(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& list,
    const config::Path& path, config::Errors& errors) {
  using Option = envoy::config::core::v3::HeaderValueOption;
  using How = HeaderChange::How;
  std::vector<HeaderChange> changes;
  for (int i = 0; i < list.size(); ++i) {
    const Option& option = list[i];
    const config::Path at = path.Index(static_cast<size_t>(i));
    HeaderChange change{
        How::kAdd, absl::AsciiStrToLower(option.header().key()),
        option.header().value().empty() ? option.header().raw_value() : option.header().value()};
    if (option.has_append()) {
      change.how = option.append().value() ? How::kAdd : How::kSet;
    } else if (option.append_action() == Option::ADD_IF_ABSENT) {
      change.how = How::kAddIfAbsent;
    } else if (option.append_action() == Option::OVERWRITE_IF_EXISTS_OR_ADD) {
      change.how = How::kSet;
    } else if (option.append_action() == Option::OVERWRITE_IF_EXISTS) {
      change.how = How::kOverwritePresent;
    }
    if (!IsValid(change) || change.name[0] == ':') {
      errors.Add(at.Field("header"), "expected a field that can stand in a response");
    } else if (change.value.find('%') != std::string::npos) {
      errors.AddValue(at.Field("header").Field("value"), change.value,
                      "a text without formats, which filters do not have");
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace proxenos::filter
