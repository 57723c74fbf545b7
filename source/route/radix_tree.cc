// Building of the tree, breadth first, from the sorted keys.
#include "source/route/radix_tree.h"

#include <algorithm>
#include <deque>

#include "source/base/check.h"

namespace proxenos::route {
namespace {

size_t CommonPrefix(const std::string& a, const std::string& b) {
  const size_t n = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

// Keys [begin, end) of the sorted list share their first `depth` bytes, which lead to `node`.
struct RadixTree::Span {
  uint32_t node;
  size_t begin;
  size_t end;
  size_t depth;
};

void RadixTree::Build() {
  if (pending_.empty()) return;
  std::sort(pending_.begin(), pending_.end());
  nodes_.emplace_back();
  first_bytes_.push_back('\0');
  std::deque<Span> spans = {{0, 0, pending_.size(), 0}};
  while (!spans.empty()) {
    Span span = spans.front();
    spans.pop_front();
    if (pending_[span.begin].first.size() == span.depth) {
      nodes_[span.node].value = pending_[span.begin].second;
      ++span.begin;
      DCHECK(span.begin == span.end || pending_[span.begin].first.size() > span.depth);
    }
    nodes_[span.node].first_child = static_cast<uint32_t>(nodes_.size());
    for (size_t begin = span.begin; begin < span.end;) {
      const std::string& key = pending_[begin].first;
      size_t end = begin + 1;
      while (end < span.end && pending_[end].first[span.depth] == key[span.depth]) ++end;
      const size_t depth = CommonPrefix(key, pending_[end - 1].first);
      Node child;
      child.label = static_cast<uint32_t>(labels_.size());
      child.label_size = static_cast<uint32_t>(depth - span.depth);
      labels_.append(key, span.depth, depth - span.depth);
      first_bytes_.push_back(key[span.depth]);
      spans.push_back({static_cast<uint32_t>(nodes_.size()), begin, end, depth});
      nodes_.push_back(child);
      ++nodes_[span.node].child_count;
      begin = end;
    }
  }
  pending_.clear();
  pending_.shrink_to_fit();
  nodes_.shrink_to_fit();
  first_bytes_.shrink_to_fit();
  labels_.shrink_to_fit();
}

}  // namespace proxenos::route
