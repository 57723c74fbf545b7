// Two ClusterLoadAssignments as bytes, behind a line `---` each other's next version: what is
// patched together must be what the newer one compiles to.
#include <cstdint>
#include <memory>
#include <string>

#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/base/check.h"
#include "source/upstream/assignment_patch.h"
#include "source/upstream/cluster_config.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

std::shared_ptr<const Assignment> Whole(const std::string& bytes) {
  envoy::config::endpoint::v3::ClusterLoadAssignment proto;
  config::Errors errors;
  if (!proto.ParseFromString(bytes)) return nullptr;
  return CompileAssignment(proto, errors, config::Path());
}

void Run(const std::string& before, const std::string& now) {
  const auto difference = FindDifference(before, now);
  const auto old_whole = Whole(before);
  if (!difference.has_value() || old_whole == nullptr) return;
  const auto changed = Whole(difference->bytes);
  if (changed == nullptr) return;
  const auto patched = Patch(*old_whole, *difference, *changed);
  if (patched == nullptr) return;
  const auto whole = Whole(now);
  CHECK(whole != nullptr && testing::SameAssignment(*whole, *patched));
}

}  // namespace
}  // namespace proxenos::upstream

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find("\n---\n");
  if (split == std::string::npos) return 0;
  proxenos::upstream::Run(input.substr(0, split), input.substr(split + 5));
  return 0;
}
