// JSON to Document (RFC 8259). Recursive descent with a depth limit; strings without escapes are
// views into the text. A comma before a closing bracket is taken, since Envoy takes it and people
// write it; every other deviation is a syntax error.
#include <string>

#include "source/base/utf8.h"
#include "source/config/concat.h"
#include "source/config/readers.h"

namespace proxenos::config {
namespace {

class JsonReader {
 public:
  JsonReader(std::string_view text, const ParseLimits& limits, Document& document)
      : text_(text), limits_(limits), document_(document) {}

  bool Read() {
    SkipSpace();
    if (!ReadValue()) return false;
    SkipSpace();
    return at_ == text_.size() || Fail("text after the end of the JSON value");
  }

  std::string problem() const {
    return Concat("JSON syntax: ", problem_, " (at ", line_, ":", at_ - line_start_ + 1, ")");
  }

 private:
  bool Fail(std::string_view problem) {
    problem_ = problem;
    return false;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void SkipSpace() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  Node MakeNode(Node::Kind kind) const {
    Node node;
    node.kind = kind;
    node.line = line_;
    node.column = static_cast<uint32_t>(at_ - line_start_ + 1);
    return node;
  }

  bool ReadValue() {
    switch (Peek()) {
      case '{':
        return ReadContainer(Node::Kind::kMap, '}');
      case '[':
        return ReadContainer(Node::Kind::kList, ']');
      case '"':
        return ReadString();
      default:
        return ReadLiteral();
    }
  }

  bool ReadContainer(Node::Kind kind, char end) {
    if (document_.depth() >= limits_.max_depth) {
      return Fail(Concat("nested deeper than ", limits_.max_depth, " levels"));
    }
    document_.Open(MakeNode(kind));
    ++at_;
    SkipSpace();
    while (Peek() != end || at_ >= text_.size()) {
      if (at_ >= text_.size()) return Fail("unexpected end of text");
      if (kind == Node::Kind::kMap && !ReadKey()) return false;
      if (!ReadValue()) return false;
      SkipSpace();
      if (Peek() == ',') {
        ++at_;
        SkipSpace();
      } else if (Peek() != end) {
        return Fail(kind == Node::Kind::kMap ? "expected ',' or '}'" : "expected ',' or ']'");
      }
    }
    ++at_;
    document_.Close();
    return true;
  }

  bool ReadKey() {
    if (Peek() != '"') return Fail("expected a field name in double quotes");
    if (!ReadString()) return false;
    SkipSpace();
    if (Peek() != ':') return Fail("expected ':'");
    ++at_;
    SkipSpace();
    return true;
  }

  bool ReadString() {
    Node node = MakeNode(Node::Kind::kScalar);
    node.quoted = true;
    const size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') SkipStringByte();
    if (Peek() == '"' && at_ < text_.size()) {
      node.text = text_.substr(start, at_ - start);
      ++at_;
      document_.Add(node);
      return true;
    }
    std::string value(text_.substr(start, at_ - start));
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        if (!ReadEscape(value)) return false;
      } else {
        value += text_[at_];
        SkipStringByte();
      }
    }
    if (at_ >= text_.size()) return Fail("a string without its closing quote");
    ++at_;
    node.text = document_.Keep(value);
    document_.Add(node);
    return true;
  }

  // Control characters inside strings are passed on as Envoy does; only line counting cares.
  void SkipStringByte() {
    if (text_[at_] == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    }
    ++at_;
  }

  bool ReadEscape(std::string& value) {
    ++at_;
    const char c = Peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        value += c;
        return true;
      case 'b':
        value += '\b';
        return true;
      case 'f':
        value += '\f';
        return true;
      case 'n':
        value += '\n';
        return true;
      case 'r':
        value += '\r';
        return true;
      case 't':
        value += '\t';
        return true;
      case 'u':
        return ReadUnicodeEscape(value);
      default:
        return Fail("unknown escape in a string");
    }
  }

  // RFC 8259 section 7: code points beyond the basic plane come as a surrogate pair.
  bool ReadUnicodeEscape(std::string& value) {
    uint32_t code = 0;
    if (!ReadHex4(code)) return Fail("expected four hexadecimal digits after \\u");
    if (code >= 0xDC00 && code <= 0xDFFF) return Fail("half of a surrogate pair");
    if (code >= 0xD800 && code <= 0xDBFF) {
      uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return Fail("half of a surrogate pair");
      at_ += 2;
      if (!ReadHex4(low) || low < 0xDC00 || low > 0xDFFF) return Fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    base::AppendUtf8(code, value);
    return true;
  }

  bool ReadHex4(uint32_t& code) {
    if (text_.size() < at_ + 4) return false;
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = static_cast<uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return false;
      }
      code = code * 16 + digit;
    }
    return true;
  }

  // true, false, null or a number; the binder checks numbers against the field's type.
  bool ReadLiteral() {
    Node node = MakeNode(Node::Kind::kScalar);
    const size_t start = at_;
    while (at_ < text_.size() && IsLiteralByte(text_[at_])) ++at_;
    node.text = text_.substr(start, at_ - start);
    if (node.text == "null") {
      node.kind = Node::Kind::kNull;
    } else if (node.text != "true" && node.text != "false" && !IsNumber(node.text)) {
      at_ = start;
      return Fail("expected a value");
    }
    document_.Add(node);
    return true;
  }

  static bool IsLiteralByte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
  }

  // RFC 8259 section 6.
  static bool IsNumber(std::string_view text) {
    size_t i = 0;
    const auto digits = [&text, &i] {
      const size_t start = i;
      while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
      return i > start;
    };
    if (i < text.size() && text[i] == '-') ++i;
    const size_t first = i;
    if (!digits() || (text[first] == '0' && i > first + 1)) return false;
    if (i < text.size() && text[i] == '.') {
      ++i;
      if (!digits()) return false;
    }
    if (i < text.size() && (text[i] | 0x20) == 'e') {
      ++i;
      if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
      if (!digits()) return false;
    }
    return i == text.size();
  }

  std::string_view text_;
  const ParseLimits& limits_;
  Document& document_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  uint32_t line_ = 1;
  std::string problem_;
};

}  // namespace

bool ReadJson(std::string_view text, const ParseLimits& limits, Document& document,
              const Path& root, Errors& errors) {
  if (text.size() > limits.max_bytes) {
    errors.Add(root,
               Concat("text of ", text.size(), " bytes: expected at most ", limits.max_bytes));
    return false;
  }
  JsonReader reader(text, limits, document);
  if (reader.Read()) return true;
  errors.Add(root, reader.problem());
  return false;
}

}  // namespace proxenos::config
