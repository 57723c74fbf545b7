// Recursive descent with a limit of depth.
#include "source/json/parse.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "source/base/utf8.h"

namespace proxenos::json {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  bool Document(Value& value) {
    SkipBlanks();
    if (!ReadValue(value, kMaxDepth)) return false;
    SkipBlanks();
    return at_ == text_.size();
  }

 private:
  // '\0' at the end, which no rule of the grammar takes.
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool TakeWord(absl::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++at_;
  }

  bool ReadValue(Value& value, int depth) {
    switch (Peek()) {
      case '{':
        return ReadObject(value, depth);
      case '[':
        return ReadList(value, depth);
      case '"': {
        std::string text;
        if (!ReadText(text)) return false;
        value = Value(std::move(text));
        return true;
      }
      case 't':
        value = Value(true);
        return TakeWord("true");
      case 'f':
        value = Value(false);
        return TakeWord("false");
      case 'n':
        return TakeWord("null");
      default:
        return ReadNumber(value);
    }
  }

  bool ReadObject(Value& value, int depth) {
    if (depth == 0) return false;
    Object members;
    ++at_;
    SkipBlanks();
    for (bool first = true; !Take('}'); first = false) {
      if (!first && !Take(',')) return false;
      SkipBlanks();
      std::string name;
      if (!ReadText(name)) return false;
      SkipBlanks();
      if (!Take(':')) return false;
      SkipBlanks();
      const auto [member, added] = members.try_emplace(std::move(name));
      if (!added || !ReadValue(member->second, depth - 1)) return false;
      SkipBlanks();
    }
    value = Value(std::move(members));
    return true;
  }

  bool ReadList(Value& value, int depth) {
    if (depth == 0) return false;
    List items;
    ++at_;
    SkipBlanks();
    for (bool first = true; !Take(']'); first = false) {
      if (!first && !Take(',')) return false;
      SkipBlanks();
      if (!ReadValue(items.emplace_back(), depth - 1)) return false;
      SkipBlanks();
    }
    value = Value(std::move(items));
    return true;
  }

  bool ReadText(std::string& text) {
    if (!Take('"')) return false;
    while (!Take('"')) {
      if (Take('\\')) {
        if (!ReadEscape(text)) return false;
        continue;
      }
      const size_t size = base::Utf8Size(text_.substr(at_));
      if (size == 0 || static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      text.append(text_.data() + at_, size);
      at_ += size;
    }
    return true;
  }

  bool ReadEscape(std::string& text) {
    static constexpr absl::string_view kLetters = "\"\\/bfnrt";
    static constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char c = Peek();
    ++at_;  // At the end there is no closing quote either.
    if (c == 'u') return ReadCodePoint(text);
    const size_t which = kLetters.find(c);
    if (which == absl::string_view::npos || c == '\0') return false;
    text += kMeanings[which];
    return true;
  }

  bool ReadCodePoint(std::string& text) {
    uint32_t code = 0;
    if (!ReadHex4(code) || (code >= 0xdc00 && code <= 0xdfff)) return false;
    if (code >= 0xd800 && code <= 0xdbff) {
      uint32_t low = 0;
      if (!TakeWord("\\u") || !ReadHex4(low) || low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    base::AppendUtf8(code, text);
    return true;
  }

  bool ReadHex4(uint32_t& code) {
    if (text_.size() - std::min(at_, text_.size()) < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const int digit = HexDigit(text_[at_++]);
      if (digit < 0) return false;
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool SkipDigits() {
    const size_t start = at_;
    while (Peek() >= '0' && Peek() <= '9') ++at_;
    return at_ > start;
  }

  // RFC 8259, section 6.
  bool ReadNumber(Value& value) {
    const size_t start = at_;
    Take('-');
    const bool zero = Peek() == '0';
    const size_t digits = at_;
    if (!SkipDigits() || (zero && at_ > digits + 1)) return false;
    bool whole = true;
    if (Take('.')) {
      whole = false;
      if (!SkipDigits()) return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      whole = false;
      ++at_;
      if (!Take('+')) Take('-');
      if (!SkipDigits()) return false;
    }
    const absl::string_view text = text_.substr(start, at_ - start);
    int64_t exact;
    if (whole && absl::SimpleAtoi(text, &exact)) {
      value = Value(exact);
      return true;
    }
    double number;
    // What no double holds would come out as an infinity, which no JSON can say.
    if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return false;
    value = Value(number);
    return true;
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<Value> Parse(absl::string_view text) {
  Value value;
  if (!Parser(text).Document(value)) return std::nullopt;
  return value;
}

std::optional<Object> ParseObject(absl::string_view text) {
  std::optional<Value> value = Parse(text);
  if (!value.has_value() || value->object() == nullptr) return std::nullopt;
  return std::move(*value->object());
}

}  // namespace proxenos::json
