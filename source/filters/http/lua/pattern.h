// PatternMatch: a Lua pattern (section 5.4.1 of the manual of Lua 5.1) against a text, in a number
// of steps that is counted: what a costly pattern and a client's text take together is bounded,
// which the library's own functions are not.
//
// Owner: a call of string.find and its like, on the stack: it has no destructor to run, for Lua's
// errors run none. Thread: the script's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::filters::lua {

class PatternMatch {
 public:
  static constexpr size_t kNo = SIZE_MAX;

  struct Capture {
    size_t begin = 0;
    size_t size = 0;
    enum class State : uint8_t { kOpen, kClosed, kPosition };
    State state = State::kOpen;
  };

  // Takes of `steps` what it needs. `pattern`: without the anchor that it may begin with.
  PatternMatch(absl::string_view text, absl::string_view pattern, uint64_t& steps)
      : text_(text), pattern_(pattern), steps_(steps) {}

  // The end of what matches at `at`, or kNo: then error() may say why.
  size_t At(size_t at);
  const char* error() const { return error_; }

  absl::string_view text() const { return text_; }
  size_t capture_count() const { return count_; }
  const Capture& capture(size_t index) const { return captures_[index]; }

 private:
  static constexpr size_t kMaxCaptures = 32;  // As in Lua.
  static constexpr int kMaxDepth = 200;

  // Of the rest of the pattern from `p` on at `at`.
  size_t Rest(size_t at, size_t p);
  size_t Walk(size_t at, size_t p);
  // The longest first, the shortest first, of what stands at `p` up to `end`.
  size_t Most(size_t at, size_t p, size_t end);
  size_t Least(size_t at, size_t p, size_t end);
  size_t Begin(size_t at, size_t p, Capture::State state);
  size_t End(size_t at, size_t p);
  size_t Balanced(size_t at, size_t p);
  size_t Again(size_t at, char digit);
  bool AtFrontier(size_t at, size_t p, size_t end);

  // Behind what stands at `p`: a character, a class or a set.
  size_t ItemEnd(size_t p);
  // Whether the character at `at`, if there is one, is of the item between.
  bool Holds(size_t at, size_t p, size_t end);
  bool IsIn(unsigned char c, size_t p, size_t end);
  char PatternAt(size_t p) const { return p < pattern_.size() ? pattern_[p] : '\0'; }
  bool Step(uint64_t count = 1);
  size_t Fail(const char* why) {
    error_ = why;
    return kNo;
  }

  const absl::string_view text_;
  const absl::string_view pattern_;
  uint64_t& steps_;
  const char* error_ = nullptr;
  int depth_ = 0;
  size_t count_ = 0;
  Capture captures_[kMaxCaptures];
};

// Whether `pattern` is a text that stands for itself.
bool IsPlain(absl::string_view pattern);

}  // namespace proxenos::filters::lua
