// The index of server names.
#include "source/tls/identity_choice.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace proxenos::tls {
namespace {

// Who has thousands of certificates need not go through all of them for each client without a name.
constexpr size_t kMostOfAKind = 32;

}  // namespace

void IdentityChoice::Add(const std::vector<std::string>& names, bool is_rsa) {
  const uint16_t index = static_cast<uint16_t>(added_.size());
  Added added{names, is_rsa};
  std::sort(added.names.begin(), added.names.end());
  added.names.erase(std::unique(added.names.begin(), added.names.end()), added.names.end());
  for (const std::string& name : added.names) {
    if (absl::StartsWith(name, "*.")) {
      wildcard_[name.substr(2)].push_back(index);
    } else {
      exact_[name].push_back(index);
    }
  }
  added_.push_back(std::move(added));
}

void IdentityChoice::Seal(bool scan_all) {
  for (auto& [name, candidates] : exact_) Prefer(candidates);
  for (auto& [name, candidates] : wildcard_) Prefer(candidates);
  unnamed_ = OfEachKind();
  Prefer(unnamed_);
  if (scan_all) {
    default_ = unnamed_;
    return;
  }
  for (size_t i = 0; i < added_.size(); ++i) {
    if (i == 0 || added_[i].names == added_[0].names) default_.push_back(static_cast<uint16_t>(i));
  }
  Prefer(default_);
}

IdentityChoice::Candidates IdentityChoice::OfEachKind() const {
  Candidates chosen;
  size_t count[2] = {0, 0};
  for (size_t i = 0; i < added_.size(); ++i) {
    if (count[added_[i].is_rsa]++ < kMostOfAKind) chosen.push_back(static_cast<uint16_t>(i));
  }
  return chosen;
}

void IdentityChoice::Prefer(Candidates& candidates) const {
  std::stable_sort(candidates.begin(), candidates.end(), [this](uint16_t a, uint16_t b) {
    return !added_[a].is_rsa && added_[b].is_rsa;
  });
}

IdentityChoice::Lists IdentityChoice::For(absl::string_view server_name) const {
  if (server_name.empty()) return Lists{nullptr, nullptr, &unnamed_};
  Lists lists{nullptr, nullptr, &default_};
  const std::string name = absl::AsciiStrToLower(server_name);
  if (const auto exact = exact_.find(name); exact != exact_.end()) lists[0] = &exact->second;
  const size_t dot = name.find('.');
  if (dot != std::string::npos && dot > 0) {
    const auto wildcard = wildcard_.find(absl::string_view(name).substr(dot + 1));
    if (wildcard != wildcard_.end()) lists[1] = &wildcard->second;
  }
  return lists;
}

}  // namespace proxenos::tls
