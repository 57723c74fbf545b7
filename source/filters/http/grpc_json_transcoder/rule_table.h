// RuleTable: finds the rule of a request by its method and path: a literal goes before "*", and
// that before "**", at each segment in turn.
//
// What a walk costs is bounded by the size of the tree. Thread: any (immutable once built).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filters/http/grpc_json_transcoder/path_template.h"

namespace proxenos::filters::grpc_json_transcoder {

class RuleTable {
 public:
  struct Found {
    uint32_t rule = 0;
    // Of the path, without its verb; in the path's own bytes.
    std::vector<absl::string_view> segments;
  };

  // `method`: "*" stands for all. False: there is such a rule already.
  bool Add(const PathTemplate& path, absl::string_view method, uint32_t rule);
  // A verb that no rule has is one all the same.
  void SplitUnknownVerbs() { splits_unknown_verbs_ = true; }
  // `path`: without its query.
  std::optional<Found> Find(absl::string_view method, absl::string_view path) const;

 private:
  struct Node {
    absl::flat_hash_map<std::string, std::unique_ptr<Node>> literals;
    std::unique_ptr<Node> one;
    std::unique_ptr<Node> rest;
    absl::flat_hash_map<std::pair<std::string, std::string>, uint32_t> rules;  // By verb, method.
  };
  struct Asked {
    const std::vector<absl::string_view>& segments;
    absl::string_view verb;
    absl::string_view method;
  };
  static const uint32_t* RuleAt(const Node& node, const Asked& asked);
  // From segment `at` on. Recursion: as deep as the tree.
  static const uint32_t* Walk(const Node& node, const Asked& asked, size_t at);

  Node root_;
  std::set<std::string, std::less<>> verbs_;
  bool splits_unknown_verbs_ = false;
};

// The value of a variable in a path that was found.
std::string ValueOf(const PathTemplate::Variable& variable,
                    const std::vector<absl::string_view>& segments, Unescape how);

}  // namespace proxenos::filters::grpc_json_transcoder
