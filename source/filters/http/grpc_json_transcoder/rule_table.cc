// A tree of segments.
#include "source/filters/http/grpc_json_transcoder/rule_table.h"

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace proxenos::filters::grpc_json_transcoder {

bool RuleTable::Add(const PathTemplate& path, absl::string_view method, uint32_t rule) {
  using Kind = PathTemplate::Segment::Kind;
  Node* node = &root_;
  for (const PathTemplate::Segment& segment : path.segments) {
    std::unique_ptr<Node>& next = segment.kind == Kind::kLiteral ? node->literals[segment.text]
                                  : segment.kind == Kind::kOne   ? node->one
                                                                 : node->rest;
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  if (!path.verb.empty()) verbs_.insert(path.verb);
  return node->rules.emplace(std::make_pair(path.verb, std::string(method)), rule).second;
}

const uint32_t* RuleTable::RuleAt(const Node& node, const Asked& asked) {
  for (const absl::string_view method : {asked.method, absl::string_view("*")}) {
    const auto it = node.rules.find(std::make_pair(std::string(asked.verb), std::string(method)));
    if (it != node.rules.end()) return &it->second;
  }
  return nullptr;
}

const uint32_t* RuleTable::Walk(const Node& node, const Asked& asked, size_t at) {
  if (at == asked.segments.size()) {
    const uint32_t* rule = RuleAt(node, asked);
    if (rule != nullptr || node.rest == nullptr) return rule;
    return RuleAt(*node.rest, asked);  // "**" stands for nothing too.
  }
  const auto literal = node.literals.find(asked.segments[at]);
  if (literal != node.literals.end()) {
    if (const uint32_t* rule = Walk(*literal->second, asked, at + 1)) return rule;
  }
  if (node.one != nullptr) {
    if (const uint32_t* rule = Walk(*node.one, asked, at + 1)) return rule;
  }
  return node.rest == nullptr ? nullptr : RuleAt(*node.rest, asked);
}

std::optional<RuleTable::Found> RuleTable::Find(absl::string_view method,
                                                absl::string_view path) const {
  if (path.empty() || path[0] != '/') return std::nullopt;
  path.remove_prefix(1);
  Found found;
  absl::string_view verb;
  const size_t colon = path.rfind(':');
  if (colon != absl::string_view::npos && path.find('/', colon) == absl::string_view::npos) {
    const absl::string_view last = path.substr(colon + 1);
    if (splits_unknown_verbs_ || verbs_.find(last) != verbs_.end()) {
      verb = last;
      path = path.substr(0, colon);
    }
  }
  if (absl::EndsWith(path, "/")) path.remove_suffix(1);  // It means nothing, as in Envoy.
  if (!path.empty()) found.segments = absl::StrSplit(path, '/');
  const uint32_t* rule = Walk(root_, Asked{found.segments, verb, method}, 0);
  if (rule == nullptr) return std::nullopt;
  found.rule = *rule;
  return found;
}

std::string ValueOf(const PathTemplate::Variable& variable,
                    const std::vector<absl::string_view>& segments, Unescape how) {
  const size_t end = variable.to_the_end ? segments.size() : variable.end;
  if (variable.begin >= end || end > segments.size()) return std::string();
  const auto first = segments.begin() + static_cast<ptrdiff_t>(variable.begin);
  const auto last = segments.begin() + static_cast<ptrdiff_t>(end);
  return Unescaped(absl::StrJoin(first, last, "/"), variable.multiple ? how : Unescape::kAll);
}

}  // namespace proxenos::filters::grpc_json_transcoder
