// The tree of a text; see document.h for its invariants.
#include "source/config/document.h"

#include <algorithm>

namespace proxenos::config {

uint32_t Document::Add(const Node& node) {
  const auto index = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back(node);
  cost_ += Cost(node);
  if (!open_.empty()) {
    OpenContainer& container = open_.back();
    if (container.last_child == 0) {
      nodes_[container.node].child = index;
    } else {
      nodes_[container.last_child].next = index;
    }
    container.last_child = index;
  }
  return index;
}

uint32_t Document::Open(const Node& node) {
  const uint32_t index = Add(node);
  open_.push_back({index, 0});
  return index;
}

void Document::Close() { open_.pop_back(); }

bool Document::IsOpen(uint32_t index) const {
  return std::any_of(open_.begin(), open_.end(),
                     [index](const OpenContainer& c) { return c.node == index; });
}

std::string_view Document::Keep(std::string_view text) {
  constexpr size_t kChunkBytes = 64 * 1024;
  if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < text.size()) {
    chunks_.emplace_back().reserve(std::max(kChunkBytes, text.size()));
  }
  std::string& chunk = chunks_.back();
  const size_t start = chunk.size();
  chunk.append(text);
  return std::string_view(chunk).substr(start);
}

}  // namespace proxenos::config
