// Compilation of changes with formats.
#include "source/access_log/formatted_change_config.h"

#include <string>
#include <utility>

#include "source/filter/header_change_config.h"

namespace proxenos::access_log {

FormattedChanges CompileFormattedChanges(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& list,
    const config::Path& path, config::Errors& errors) {
  const auto is_format = [](const envoy::config::core::v3::HeaderValueOption& option) {
    return option.header().value().find('%') != std::string::npos;
  };
  auto names = list;  // With something in the place of formats.
  for (auto& option : names) {
    if (is_format(option)) option.mutable_header()->set_value("-");
  }
  std::vector<filter::HeaderChange> changes = filter::CompileHeaderChanges(names, path, errors);
  FormattedChanges result;
  for (int i = 0; i < list.size(); ++i) {
    FormattedChange change;
    change.change = std::move(changes[static_cast<size_t>(i)]);
    change.keep_empty = list[i].keep_empty_value();
    if (is_format(list[i])) {
      auto format = Formatter::Compile(list[i].header().value(),
                                       {.omit_empty_values = true, .extensions = {}});
      if (format.ok()) {
        change.format = *std::move(format);
      } else {
        errors.Add(path.Index(static_cast<size_t>(i)).Field("header").Field("value"),
                   std::string(format.status().message()));
      }
    }
    result.push_back(std::move(change));
  }
  return result;
}

}  // namespace proxenos::access_log
