// The body of a direct response: inline, from a file, or from the environment.
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "source/route/action_config.h"

namespace proxenos::route {
namespace {

using envoy::config::core::v3::DataSource;

// Reads no further than needed for the caller to see that the file is larger than `limit`.
bool ReadFile(const std::string& name, uint32_t limit, std::string* content) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return false;
  char block[4096];
  while (content->size() <= limit && file) {
    file.read(block, sizeof(block));
    content->append(block, static_cast<size_t>(file.gcount()));
  }
  return !file.bad();
}

std::string ReadSource(const DataSource& source, uint32_t limit, config::Errors& errors,
                       const config::Path& path) {
  std::string content;
  switch (source.specifier_case()) {
    case DataSource::kInlineString:
      return source.inline_string();
    case DataSource::kInlineBytes:
      return source.inline_bytes();
    case DataSource::kFilename:
      if (!ReadFile(source.filename(), limit, &content)) {
        errors.AddValue(path.Field("filename"), source.filename(), "a file that can be read");
      }
      return content;
    case DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value != nullptr) return value;
      errors.AddValue(path.Field("environment_variable"), source.environment_variable(),
                      "a variable that is set");
      return content;
    }
    case DataSource::SPECIFIER_NOT_SET:
      break;
  }
  errors.Add(path, "expected one of filename, inline_bytes, inline_string, environment_variable");
  return content;
}

}  // namespace

DirectResponse CompileDirectResponse(const envoy::config::route::v3::DirectResponseAction& config,
                                     Compilation& compilation, const config::Path& path) {
  DirectResponse response;
  if (config.status() < 200 || config.status() > 599) {
    compilation.errors().AddValue(path.Field("status"), absl::StrCat(config.status()),
                                  "an HTTP status from 200 to 599");
  } else {
    response.status = static_cast<uint16_t>(config.status());
  }
  if (config.has_body()) {
    const uint32_t limit = compilation.max_direct_response_bytes;
    response.body = ReadSource(config.body(), limit, compilation.errors(), path.Field("body"));
    if (response.body.size() > limit) {
      compilation.errors().Add(
          path.Field("body"),
          absl::StrCat("is larger than max_direct_response_body_size_bytes (", limit, ")"));
    }
  }
  if (config.has_body_format()) {
    compilation.errors().Add(path.Field("body_format"), "is not implemented by proxenos");
  }
  return response;
}

}  // namespace proxenos::route
