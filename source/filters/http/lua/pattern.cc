// By backtracking: what is repeated, optional or captured goes one level down.
#include "source/filters/http/lua/pattern.h"

#include "absl/strings/ascii.h"

namespace proxenos::filters::lua {
namespace {

// Bytes of a set that are looked at for a step.
constexpr size_t kBytesOfStep = 4;
constexpr char kTooMany[] = "patterns took too many steps";
constexpr char kEndsWithEscape[] = "malformed pattern (ends with '%')";
constexpr char kNoBracket[] = "malformed pattern (missing ']')";

// A letter's upper case stands for all others.
bool OfClass(unsigned char c, char letter) {
  bool is = false;
  switch (absl::ascii_tolower(static_cast<unsigned char>(letter))) {
    case 'a':
      is = absl::ascii_isalpha(c);
      break;
    case 'c':
      is = absl::ascii_iscntrl(c);
      break;
    case 'd':
      is = absl::ascii_isdigit(c);
      break;
    case 'g':
      is = absl::ascii_isgraph(c);
      break;
    case 'l':
      is = absl::ascii_islower(c);
      break;
    case 'p':
      is = absl::ascii_ispunct(c);
      break;
    case 's':
      is = absl::ascii_isspace(c);
      break;
    case 'u':
      is = absl::ascii_isupper(c);
      break;
    case 'w':
      is = absl::ascii_isalnum(c);
      break;
    case 'x':
      is = absl::ascii_isxdigit(c);
      break;
    case 'z':
      is = c == 0;
      break;
    default:
      return letter == static_cast<char>(c);
  }
  return is != absl::ascii_isupper(static_cast<unsigned char>(letter));
}

}  // namespace

bool IsPlain(absl::string_view pattern) {
  return pattern.find_first_of("^$*+?.([%-") == absl::string_view::npos;
}

bool PatternMatch::Step(uint64_t count) {
  if (steps_ >= count) {
    steps_ -= count;
    return true;
  }
  steps_ = 0;
  error_ = kTooMany;
  return false;
}

size_t PatternMatch::At(size_t at) {
  count_ = 0;
  return Rest(at, 0);
}

size_t PatternMatch::Rest(size_t at, size_t p) {
  if (depth_ == kMaxDepth) return Fail("pattern too complex");
  ++depth_;
  const size_t end = Walk(at, p);
  --depth_;
  return error_ == nullptr ? end : kNo;
}

size_t PatternMatch::Walk(size_t at, size_t p) {
  while (p < pattern_.size()) {
    if (!Step()) return kNo;
    const char c = pattern_[p];
    const char next = PatternAt(p + 1);
    if (c == '(') {
      return next == ')' ? Begin(at, p + 2, Capture::State::kPosition)
                         : Begin(at, p + 1, Capture::State::kOpen);
    }
    if (c == ')') return End(at, p + 1);
    if (c == '$' && p + 1 == pattern_.size()) return at == text_.size() ? at : kNo;
    if (c == '%' && next == 'b') {
      at = Balanced(at, p + 2);
      if (at == kNo) return kNo;
      p += 4;
      continue;
    }
    if (c == '%' && next == 'f') {
      if (PatternAt(p + 2) != '[') return Fail("missing '[' after '%f' in pattern");
      const size_t end = ItemEnd(p + 2);
      if (end == kNo || !AtFrontier(at, p + 2, end)) return kNo;
      p = end;
      continue;
    }
    if (c == '%' && absl::ascii_isdigit(static_cast<unsigned char>(next))) {
      at = Again(at, next);
      if (at == kNo) return kNo;
      p += 2;
      continue;
    }
    const size_t end = ItemEnd(p);
    if (end == kNo) return kNo;
    const char how = PatternAt(end);
    if (how == '*') return Most(at, p, end);
    if (how == '-') return Least(at, p, end);
    const bool holds = Holds(at, p, end);
    if (error_ != nullptr) return kNo;
    if (how == '+') return holds ? Most(at + 1, p, end) : kNo;
    if (how == '?') {
      if (holds) {
        const size_t found = Rest(at + 1, end + 1);
        if (found != kNo || error_ != nullptr) return found;
      }
      p = end + 1;
      continue;
    }
    if (!holds) return kNo;
    ++at;
    p = end;
  }
  return at;
}

size_t PatternMatch::Most(size_t at, size_t p, size_t end) {
  size_t count = 0;
  while (Holds(at + count, p, end)) ++count;
  if (error_ != nullptr) return kNo;
  for (;; --count) {
    const size_t found = Rest(at + count, end + 1);
    if (found != kNo || error_ != nullptr || count == 0) return found;
  }
}

size_t PatternMatch::Least(size_t at, size_t p, size_t end) {
  for (;; ++at) {
    const size_t found = Rest(at, end + 1);
    if (found != kNo || error_ != nullptr) return found;
    if (!Holds(at, p, end)) return kNo;
  }
}

size_t PatternMatch::Begin(size_t at, size_t p, Capture::State state) {
  if (count_ == kMaxCaptures) return Fail("too many captures");
  captures_[count_++] = {at, 0, state};
  const size_t found = Rest(at, p);
  if (found == kNo) --count_;
  return found;
}

size_t PatternMatch::End(size_t at, size_t p) {
  size_t index = count_;
  while (index > 0 && captures_[index - 1].state != Capture::State::kOpen) --index;
  if (index == 0) return Fail("invalid pattern capture");
  Capture& capture = captures_[index - 1];
  capture.size = at - capture.begin;
  capture.state = Capture::State::kClosed;
  const size_t found = Rest(at, p);
  if (found == kNo) capture.state = Capture::State::kOpen;
  return found;
}

size_t PatternMatch::Balanced(size_t at, size_t p) {
  if (p + 1 >= pattern_.size()) return Fail("unbalanced pattern");
  if (at >= text_.size() || text_[at] != pattern_[p]) return kNo;
  const char opens = pattern_[p];
  const char closes = pattern_[p + 1];
  for (size_t depth = 1, i = at + 1; i < text_.size(); ++i) {
    if (!Step()) return kNo;
    if (text_[i] == closes) {
      if (--depth == 0) return i + 1;
    } else if (text_[i] == opens) {
      ++depth;
    }
  }
  return kNo;
}

size_t PatternMatch::Again(size_t at, char digit) {
  const size_t index = static_cast<size_t>(digit - '1');
  if (digit == '0' || index >= count_ || captures_[index].state == Capture::State::kOpen) {
    return Fail("invalid capture index");
  }
  const Capture& capture = captures_[index];
  // A position is no text that could come again.
  if (capture.state == Capture::State::kPosition) return kNo;
  if (!Step(capture.size / 16 + 1)) return kNo;
  const absl::string_view before = text_.substr(capture.begin, capture.size);
  return text_.substr(at, before.size()) == before ? at + before.size() : kNo;
}

bool PatternMatch::AtFrontier(size_t at, size_t p, size_t end) {
  const auto byte = [this](size_t i) { return static_cast<unsigned char>(text_[i]); };
  return !IsIn(at == 0 ? 0 : byte(at - 1), p, end - 1) &&
         IsIn(at < text_.size() ? byte(at) : 0, p, end - 1);
}

size_t PatternMatch::ItemEnd(size_t p) {
  const size_t begin = p;
  const char c = pattern_[p++];
  if (c == '%') return p == pattern_.size() ? Fail(kEndsWithEscape) : p + 1;
  if (c != '[') return p;
  if (PatternAt(p) == '^') ++p;
  do {  // What comes first is of the set, a bracket too.
    if (p >= pattern_.size()) return Fail(kNoBracket);
    if (pattern_[p++] == '%' && p < pattern_.size()) ++p;
  } while (PatternAt(p) != ']' || p >= pattern_.size());
  return Step((p - begin) / kBytesOfStep) ? p + 1 : kNo;
}

bool PatternMatch::Holds(size_t at, size_t p, size_t end) {
  if (!Step() || at >= text_.size()) return false;
  const auto c = static_cast<unsigned char>(text_[at]);
  switch (pattern_[p]) {
    case '.':
      return true;
    case '%':
      return OfClass(c, pattern_[p + 1]);
    case '[':
      return IsIn(c, p, end - 1);
    default:
      return pattern_[p] == text_[at];
  }
}

// `end`: of its bracket.
bool PatternMatch::IsIn(unsigned char c, size_t p, size_t end) {
  if (!Step((end - p) / kBytesOfStep)) return false;
  const auto byte = [this](size_t i) { return static_cast<unsigned char>(pattern_[i]); };
  bool in = true;
  ++p;
  if (pattern_[p] == '^') {
    in = false;
    ++p;
  }
  while (p < end) {
    if (pattern_[p] == '%') {
      if (OfClass(c, pattern_[p + 1])) return in;
      p += 2;
    } else if (pattern_[p + 1] == '-' && p + 2 < end) {
      if (byte(p) <= c && c <= byte(p + 2)) return in;
      p += 3;
    } else if (byte(p++) == c) {
      return in;
    }
  }
  return !in;
}

}  // namespace proxenos::filters::lua
