// Walking down.
#include "source/rbac/match_tree.h"

#include <utility>

namespace proxenos::rbac {
namespace {

std::optional<uint32_t> Follow(const MatchTree::OnMatch& on_match, const Access& access) {
  if (on_match.tree != nullptr) return on_match.tree->Find(access);
  return on_match.action;
}

}  // namespace

MatchTree::MatchTree(std::vector<Entry> list, std::unique_ptr<const ByText> by_text,
                     std::optional<OnMatch> otherwise)
    : list_(std::move(list)), by_text_(std::move(by_text)), otherwise_(std::move(otherwise)) {}

std::optional<uint32_t> MatchTree::FindByText(const Access& access) const {
  std::string scratch;
  absl::string_view text;
  if (!by_text_->input.Read(access, scratch, &text)) return std::nullopt;
  if (!by_text_->prefixes) {
    const auto it = by_text_->map.find(text);
    return it == by_text_->map.end() ? std::nullopt : Follow(it->second, access);
  }
  for (const size_t length : by_text_->lengths) {
    if (length > text.size()) continue;
    const auto it = by_text_->map.find(text.substr(0, length));
    if (it == by_text_->map.end()) continue;
    if (auto found = Follow(it->second, access)) return found;
  }
  return std::nullopt;
}

std::optional<uint32_t> MatchTree::Find(const Access& access) const {
  for (const Entry& entry : list_) {
    if (!entry.condition.Holds(access)) continue;
    if (auto found = Follow(entry.on_match, access)) return found;
  }
  if (by_text_ != nullptr) {
    if (auto found = FindByText(access)) return found;
  }
  if (!otherwise_) return std::nullopt;
  return Follow(*otherwise_, access);
}

}  // namespace proxenos::rbac
