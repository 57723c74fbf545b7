// Walking the folders.
#include "source/runtime/disk_layer.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/runtime/layer_config.h"

namespace proxenos::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 16;         // As in Envoy; links may go round in circles.
constexpr size_t kMaxKeys = 100'000;  // Of one layer.
constexpr uint64_t kMaxFileBytes = uint64_t{64} << 10;  // A value is a few bytes.

absl::Status Unreadable(const fs::path& path, const std::error_code& why) {
  return absl::UnavailableError(absl::StrCat("cannot read ", path.string(), ": ", why.message()));
}

// What a file holds but for comments and the blanks at its end.
std::string WithoutComments(const std::string& content) {
  std::string value;
  for (const absl::string_view line : absl::StrSplit(content, '\n')) {
    if (!absl::StartsWith(line, "#")) absl::StrAppend(&value, line, "\n");
  }
  absl::StripTrailingAsciiWhitespace(&value);
  return value;
}

class Walk {
 public:
  explicit Walk(Layer& layer) : layer_(layer) {}

  absl::Status Into(const fs::path& directory, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) {
      return absl::InvalidArgumentError(absl::StrCat("folders too deep: ", directory.string()));
    }
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      const std::string key = prefix.empty() ? name : absl::StrCat(prefix, ".", name);
      std::error_code kind;
      absl::Status status;
      if (it->is_directory(kind)) {
        status = Into(it->path(), key, depth + 1);
      } else if (it->is_regular_file(kind)) {
        status = Take(it->path(), key);
      }
      if (!status.ok()) return status;
    }
    return error ? Unreadable(directory, error) : absl::OkStatus();
  }

 private:
  absl::Status Take(const fs::path& path, const std::string& key) {
    std::error_code error;
    const uint64_t size = fs::file_size(path, error);
    if (error) return Unreadable(path, error);
    if (size > kMaxFileBytes || layer_.values.size() >= kMaxKeys) {
      return absl::InvalidArgumentError(absl::StrCat(path.string(), ": more than ", kMaxFileBytes,
                                                     " bytes in a file, or than ", kMaxKeys,
                                                     " files"));
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    if (size > 0) content << file.rdbuf();
    if (!file || !content) {
      return Unreadable(path, std::make_error_code(std::errc::io_error));
    }
    layer_.values[key] = ParseValue(WithoutComments(content.str()));
    return absl::OkStatus();
  }

  Layer& layer_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Layer>> ReadDiskLayer(const std::string& name,
                                                           const std::string& directory) {
  auto layer = std::make_unique<Layer>();
  layer->name = name;
  const absl::Status status = Walk(*layer).Into(directory, "", 0);
  if (!status.ok()) return status;
  return std::shared_ptr<const Layer>(std::move(layer));
}

}  // namespace proxenos::runtime
