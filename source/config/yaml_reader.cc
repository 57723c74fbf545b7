// YAML to Document. libyaml does scanning and structure; this file keeps anchors, tags and limits.
//
// As Envoy reads YAML: the first document only (a second one that says anything is an error here,
// since ignoring it would hide configuration), no merge keys (`<<` is a plain key, hence an unknown
// field), keys tagged `!ignore` dropped, other tags without effect.
#include <yaml.h>

#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/config/concat.h"
#include "source/config/readers.h"

namespace proxenos::config {
namespace {

constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

// Owns a libyaml parser over a text and the event that was read last.
class EventSource {
 public:
  explicit EventSource(std::string_view text) : ready_(yaml_parser_initialize(&parser_) != 0) {
    if (!ready_) return;
    if (text.empty()) text = "";  // libyaml takes no null.
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~EventSource() {
    if (has_event_) yaml_event_delete(&event_);
    if (ready_) yaml_parser_delete(&parser_);
  }
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  // False at a syntax error.
  bool Next() {
    if (has_event_) yaml_event_delete(&event_);
    has_event_ = ready_ && yaml_parser_parse(&parser_, &event_) != 0;
    return has_event_;
  }

  const yaml_event_t& event() const { return event_; }

  std::string Problem() const {
    if (!ready_ || parser_.problem == nullptr) return "out of memory";
    std::string text = Concat("YAML syntax: ", parser_.problem);
    if (parser_.context != nullptr) Append(text, " ", parser_.context);
    Append(text, " (at ", parser_.problem_mark.line + 1, ":", parser_.problem_mark.column + 1, ")");
    return text;
  }

 private:
  yaml_parser_t parser_;
  yaml_event_t event_;
  bool ready_;
  bool has_event_ = false;
};

std::string_view View(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

bool IsNullWord(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

class YamlReader {
 public:
  YamlReader(std::string_view text, const ParseLimits& limits, Document& document)
      : source_(text), limits_(limits), document_(document) {}

  // False with problem() set.
  bool Read() {
    bool done = false;
    while (!done) {
      if (!source_.Next()) return Fail(source_.Problem());
      if (!OnEvent(done)) return false;
    }
    return true;
  }

  const std::string& problem() const { return problem_; }

 private:
  bool Fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool FailHere(std::string_view what) {
    const yaml_mark_t& mark = source_.event().start_mark;
    return Fail(Concat(what, " (at ", mark.line + 1, ":", mark.column + 1, ")"));
  }

  bool OnEvent(bool& done) {
    const yaml_event_t& event = source_.event();
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        ++documents_;
        return true;
      case YAML_STREAM_END_EVENT:
        done = true;
        return true;
      case YAML_SCALAR_EVENT:
        return OnScalar(event.data.scalar);
      case YAML_ALIAS_EVENT:
        return OnAlias(View(event.data.alias.anchor));
      case YAML_SEQUENCE_START_EVENT:
        return OnOpen(Node::Kind::kList, event.data.sequence_start.anchor,
                      event.data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return OnOpen(Node::Kind::kMap, event.data.mapping_start.anchor,
                      event.data.mapping_start.tag);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        document_.Close();
        return true;
      default:
        return true;
    }
  }

  Node MakeNode(Node::Kind kind) const {
    const yaml_mark_t& mark = source_.event().start_mark;
    Node node;
    node.kind = kind;
    node.line = static_cast<uint32_t>(mark.line + 1);
    node.column = static_cast<uint32_t>(mark.column + 1);
    return node;
  }

  bool OnScalar(const decltype(yaml_event_t::data.scalar)& scalar) {
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const std::string_view tag = View(scalar.tag);
    Node node = MakeNode(Node::Kind::kScalar);
    node.quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE || tag == "!" || tag == kStringTag;
    node.ignored = tag == "!ignore";
    if (!node.quoted && IsNullWord(text)) node.kind = Node::Kind::kNull;
    if (documents_ > 1) {
      return node.kind == Node::Kind::kNull || FailHere("a second YAML document");
    }
    node.text = document_.Keep(text);
    Remember(scalar.anchor, document_.Add(node));
    return true;
  }

  bool OnOpen(Node::Kind kind, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (documents_ > 1) return FailHere("a second YAML document");
    if (document_.depth() >= limits_.max_depth) {
      return FailHere(Concat("nested deeper than ", limits_.max_depth, " levels"));
    }
    Node node = MakeNode(kind);
    node.ignored = View(tag) == "!ignore";
    Remember(anchor, document_.Open(node));
    return true;
  }

  bool OnAlias(std::string_view anchor) {
    if (documents_ > 1) return FailHere("a second YAML document");
    const auto found = anchors_.find(std::string(anchor));
    if (found == anchors_.end()) return FailHere(Concat("unknown alias *", anchor));
    if (document_.IsOpen(found->second)) {
      return FailHere(Concat("alias *", anchor, " inside of what it stands for"));
    }
    Node node = MakeNode(Node::Kind::kAlias);
    node.child = found->second;
    document_.Add(node);
    return true;
  }

  void Remember(const yaml_char_t* anchor, uint32_t index) {
    if (anchor != nullptr) anchors_[std::string(View(anchor))] = index;
  }

  EventSource source_;
  const ParseLimits& limits_;
  Document& document_;
  absl::flat_hash_map<std::string, uint32_t> anchors_;
  int documents_ = 0;
  std::string problem_;
};

}  // namespace

bool ReadYaml(std::string_view text, const ParseLimits& limits, Document& document,
              const Path& root, Errors& errors) {
  if (text.size() > limits.max_bytes) {
    errors.Add(root,
               Concat("text of ", text.size(), " bytes: expected at most ", limits.max_bytes));
    return false;
  }
  YamlReader reader(text, limits, document);
  if (reader.Read()) return true;
  errors.Add(root, reader.problem());
  return false;
}

}  // namespace proxenos::config
