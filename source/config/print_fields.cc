// Prints docs/configuration.md: `bazel run //source/config:print_fields > docs/configuration.md`.
#include <cstdio>
#include <string>

#include "source/config/fields_document.h"

int main() {
  const std::string text = proxenos::config::FieldsDocument();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
