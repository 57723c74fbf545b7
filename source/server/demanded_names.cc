// Counting down.
#include "source/server/demanded_names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "source/base/check.h"

namespace proxenos::server {

bool MayBeDemanded(absl::string_view name) {
  constexpr size_t kLongest = 512;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); }) &&
         name.find('*') == absl::string_view::npos;
}

const DemandedNames::State* DemandedNames::Find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second.state;
}

bool DemandedNames::MakeRoom() {
  if (asked_.size() >= kMaxAskedNames) return false;
  if (names_.size() < kMaxDemandedNames) return true;
  if (missing_.empty()) return false;
  Forget(names_.find(missing_.begin()->second));
  return true;
}

void DemandedNames::Ask(const std::string& name, NameClaim claim, base::MonoTime now) {
  const auto [entry, added] = names_.try_emplace(name);
  CHECK(added);
  entry->second.claim = std::move(claim);
  Enter(name, entry->second, State::kAsked, now + kAnswerWait);
}

bool DemandedNames::Found(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return false;
  const bool waits = found->second.state == State::kAsked;
  Enter(name, found->second, State::kFound, base::kNever);
  return waits;
}

bool DemandedNames::Missing(const std::string& name, base::MonoTime now) {
  const auto found = names_.find(name);
  if (found == names_.end()) return false;
  const bool waits = found->second.state == State::kAsked;
  Enter(name, found->second, State::kMissing, now + kMissingKept);
  return waits;
}

void DemandedNames::Drop(const std::string& name) {
  const auto found = names_.find(name);
  if (found != names_.end()) Forget(found);
}

std::vector<std::string> DemandedNames::Asked() const {
  std::vector<std::string> names;
  for (const auto& [deadline, name] : asked_) names.push_back(name);
  return names;
}

std::vector<std::string> DemandedNames::AllFound() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : names_) {
    if (entry.state == State::kFound) names.push_back(name);
  }
  return names;
}

void DemandedNames::Expire(base::MonoTime now, absl::FunctionRef<void(const std::string&)> visit) {
  while (!missing_.empty() && missing_.begin()->first <= now) {
    Forget(names_.find(missing_.begin()->second));
  }
  while (!asked_.empty() && asked_.begin()->first <= now) {
    const std::string name = asked_.begin()->second;
    Forget(names_.find(name));
    visit(name);
  }
}

base::MonoTime DemandedNames::NextDeadline() const {
  base::MonoTime next = base::kNever;
  if (!missing_.empty()) next = missing_.begin()->first;
  if (!asked_.empty()) next = std::min(next, asked_.begin()->first);
  return next;
}

void DemandedNames::Enter(const std::string& name, Entry& entry, State state,
                          base::MonoTime deadline) {
  asked_.erase({entry.deadline, name});
  missing_.erase({entry.deadline, name});
  entry.state = state;
  entry.deadline = deadline;
  if (state == State::kAsked) asked_.insert({deadline, name});
  if (state == State::kMissing) missing_.insert({deadline, name});
}

void DemandedNames::Forget(absl::btree_map<std::string, Entry>::iterator entry) {
  asked_.erase({entry->second.deadline, entry->first});
  missing_.erase({entry->second.deadline, entry->first});
  names_.erase(entry);
}

}  // namespace proxenos::server
