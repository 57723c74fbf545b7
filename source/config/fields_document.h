// docs/configuration.md from the table, so that the documentation cannot say what the code does
// not.
#pragma once

#include <string>

namespace proxenos::config {

// The whole file in Markdown.
std::string FieldsDocument();

}  // namespace proxenos::config
