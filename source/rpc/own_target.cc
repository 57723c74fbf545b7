// Naming and forgetting.
#include "source/rpc/own_target.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proxenos::rpc {

OwnTargets& OwnTargets::OfProcess() {
  // Never destroyed: targets may be held by what ends after everything else has.
  static OwnTargets* const targets = std::make_unique<OwnTargets>().release();
  return *targets;
}

OwnTargetPtr OwnTargets::Name(absl::string_view label, const std::string& key,
                              absl::FunctionRef<std::string(const std::string& cluster)> define) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Named& named = targets_[key];
  named.stamp = ++stamp_;
  if (named.target == nullptr) {
    std::string cluster =
        absl::StrCat(std::string(1, OwnTarget::kMark), "google_grpc/", label, "/", named.stamp);
    std::string definition = define(cluster);
    named.target =
        std::make_shared<const OwnTarget>(OwnTarget{std::move(cluster), std::move(definition)});
  }
  return named.target;
}

uint64_t OwnTargets::stamp() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stamp_;
}

std::vector<OwnTargetPtr> OwnTargets::NamedSince(uint64_t stamp) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<OwnTargetPtr> found;
  for (const auto& [key, named] : targets_) {
    if (named.stamp > stamp) found.push_back(named.target);
  }
  return found;
}

bool OwnTargets::Forget(const OwnTargetPtr& target) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // The caller's and the table's: as the table is locked, nobody can come to a third.
  if (target.use_count() > 2) return false;
  for (auto it = targets_.begin(); it != targets_.end(); ++it) {
    if (it->second.target != target) continue;
    targets_.erase(it);
    break;
  }
  return true;
}

}  // namespace proxenos::rpc
