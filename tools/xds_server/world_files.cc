// Files to resources.
#include "tools/xds_server/world_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/config/text.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds_server {
namespace {

bool IsResourceFile(const std::filesystem::path& path) {
  if (absl::StartsWith(path.filename().string(), ".")) return false;
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json" ||
         extension == ".pb" || extension == ".pb_text";
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (IsResourceFile(it->path())) files.push_back(it->path().string());
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

std::string Fingerprint(const std::vector<google::protobuf::Any>& resources) {
  std::string hashes;
  for (const google::protobuf::Any& resource : resources) {
    absl::StrAppend(&hashes, absl::Hex(xds::XxHash64(resource.value())), " ");
  }
  return absl::StrCat(absl::Hex(xds::XxHash64(hashes), absl::kZeroPad16));
}

}  // namespace

absl::StatusOr<WorldState> LoadWorld(const std::string& folder) {
  const absl::StatusOr<std::vector<std::string>> files = ListFiles(folder);
  if (!files.ok()) return files.status();
  WorldState world;
  for (const char* type :
       {xds::kClusterType, xds::kEndpointType, xds::kListenerType, xds::kRouteType}) {
    world[type];
  }
  std::set<std::pair<std::string, std::string>> names;
  std::vector<std::string> errors;
  for (const std::string& file : *files) {
    DiscoveryServer::Response content;
    config::Errors found;
    config::LoadFile(file, content, found);
    if (!found.ok()) {
      errors.push_back(std::string(found.ToStatus(file).message()));
      continue;
    }
    for (int i = 0; i < content.resources_size(); ++i) {
      google::protobuf::Any& resource = *content.mutable_resources(i);
      const std::string name = NameOf(resource);
      if (name.empty()) {
        errors.push_back(absl::StrCat(file, ": resources[", i, "] has no name"));
      } else if (!names.insert({resource.type_url(), name}).second) {
        errors.push_back(absl::StrCat(file, ": resources[", i, "]: a resource named ", name,
                                      " of this type was seen before"));
      } else {
        world[resource.type_url()].resources.push_back(std::move(resource));
      }
    }
  }
  if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  for (auto& [type, state] : world) state.version = Fingerprint(state.resources);
  return world;
}

}  // namespace proxenos::xds_server
