// RadixTree: a set of byte strings, each with a number, that finds all of them that begin a text in
// one walk over the text. Built once from all keys, then immutable and compact: siblings lie side
// by side, 20 bytes a node.
//
// Thread: any, after Build.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::route {

class RadixTree {
 public:
  static constexpr uint32_t kNoValue = UINT32_MAX;

  // REQUIRES: no key was added before; value is not kNoValue.
  void Add(std::string key, uint32_t value) { pending_.emplace_back(std::move(key), value); }
  // After the last Add.
  void Build();

  bool empty() const { return nodes_.empty(); }

  // Calls visit(value, key length) for each key that `text` begins with, shortest first.
  template <typename Visit>
  void ForEachPrefixOf(absl::string_view text, Visit visit) const {
    if (nodes_.empty()) return;
    const Node* node = nodes_.data();
    size_t depth = 0;
    for (;;) {
      if (node->value != kNoValue) visit(node->value, depth);
      if (node->child_count == 0 || depth == text.size()) return;
      const char* first = first_bytes_.data() + node->first_child;
      const void* at = std::memchr(first, text[depth], node->child_count);
      if (at == nullptr) return;
      node = nodes_.data() + node->first_child + (static_cast<const char*>(at) - first);
      if (text.size() - depth < node->label_size ||
          std::memcmp(labels_.data() + node->label, text.data() + depth, node->label_size) != 0) {
        return;
      }
      depth += node->label_size;
    }
  }

 private:
  struct Node {
    uint32_t label = 0;  // Into labels_: the bytes between the parent's key and this one's.
    uint32_t label_size = 0;
    uint32_t first_child = 0;  // Into nodes_; the others follow it, by ascending first byte.
    uint32_t child_count = 0;
    uint32_t value = kNoValue;
  };
  struct Span;

  std::vector<std::pair<std::string, uint32_t>> pending_;  // Until Build.
  std::vector<Node> nodes_;                                // [0] is the root: the empty key.
  std::string first_bytes_;                                // Of each node's label, by node.
  std::string labels_;
};

}  // namespace proxenos::route
