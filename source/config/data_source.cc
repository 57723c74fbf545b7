// The four kinds.
#include "source/config/data_source.h"

#include <cstdlib>
#include <utility>

#include "source/config/concat.h"

namespace proxenos::config {
namespace {

using envoy::config::core::v3::DataSource;

std::optional<std::string> ReadNamed(const std::string& name, const Path& path, Errors& errors,
                                     size_t max_bytes) {
  absl::StatusOr<std::string> content = ReadFile(name, max_bytes);
  if (content.ok()) return *std::move(content);
  const absl::string_view why = content.status().message();
  errors.Add(path, Concat("file ", name, " ", std::string_view(why.data(), why.size())));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> ReadDataSource(const DataSource& source, const Path& path,
                                          Errors& errors, size_t max_bytes) {
  std::optional<std::string> content;
  switch (source.specifier_case()) {
    case DataSource::kInlineString:
      content = source.inline_string();
      break;
    case DataSource::kInlineBytes:
      content = source.inline_bytes();
      break;
    case DataSource::kFilename:
      return ReadNamed(source.filename(), path.Field("filename"), errors, max_bytes);
    case DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value == nullptr) {
        errors.AddValue(path.Field("environment_variable"), source.environment_variable(),
                        "an environment variable that is set");
        return std::nullopt;
      }
      content = value;
      break;
    }
    case DataSource::SPECIFIER_NOT_SET:
      errors.Add(path,
                 "expected one of filename, inline_bytes, inline_string, environment_variable");
      return std::nullopt;
  }
  if (content->size() > max_bytes) {
    errors.Add(path, Concat("is larger than ", max_bytes, " bytes"));
    return std::nullopt;
  }
  return content;
}

}  // namespace proxenos::config
