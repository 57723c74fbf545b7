// A parsed text before it has a type: maps, lists and scalars with their places. YAML, JSON and
// protobuf Structs are all read into this form, so there is one binder to messages.
//
// Invariant: nodes are in the order of the text; node 0 is a sentinel, so index 0 means "none". A
// map's children alternate key and value. An alias refers to a node that was complete before it,
// therefore following aliases always ends.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace proxenos::config {

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kMap, kList, kAlias };
  Kind kind = Kind::kNull;
  // A scalar that is text whatever it looks like: quoted, a block scalar, or a JSON string.
  bool quoted = false;
  // A map key tagged `!ignore`: its pair only holds anchors.
  bool ignored = false;
  uint32_t line = 0;  // 1-based; 0 where the text has no lines (a Struct).
  uint32_t column = 0;
  uint32_t next = 0;   // Next sibling.
  uint32_t child = 0;  // First child; for an alias the node it stands for.
  std::string_view text = {};
};

class Document {
 public:
  // How scalars that are not quoted are read: by YAML's words and radixes or as JSON literals.
  enum class Typing { kYaml, kJson };

  explicit Document(Typing typing) : typing_(typing) { nodes_.emplace_back(); }
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;

  // Appends a node to the container that is open (the first one becomes the root).
  uint32_t Add(const Node& node);
  // Appends a map or list and makes it the open container until Close().
  uint32_t Open(const Node& node);
  void Close();

  // How many containers are open.
  size_t depth() const { return open_.size(); }
  bool IsOpen(uint32_t index) const;

  // Copies text that would not outlive the reader into the document.
  std::string_view Keep(std::string_view text);

  const Node& node(uint32_t index) const { return nodes_[index]; }
  // 0 for an empty document.
  uint32_t root() const { return nodes_.size() > 1 ? 1 : 0; }
  Typing typing() const { return typing_; }
  // What binding every node once costs, in the unit of Cost().
  size_t cost() const { return cost_; }
  // One for the value and one for each 64 bytes of its text.
  static size_t Cost(const Node& node) { return 1 + node.text.size() / 64; }

 private:
  struct OpenContainer {
    uint32_t node;
    uint32_t last_child;
  };
  Typing typing_;
  std::vector<Node> nodes_;
  size_t cost_ = 0;
  std::vector<OpenContainer> open_;
  // Chunks never grow past their reserved capacity, so views into them stay valid.
  std::deque<std::string> chunks_;
};

}  // namespace proxenos::config
