// Lexer: the tokens of an expression's text.
//
// Owner: the parser. Thread: the main thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "source/cel/syntax.h"

namespace proxenos::cel {

struct Token {
  enum class Kind : uint8_t { kEnd, kName, kLiteral, kMagnitude, kSign };
  Kind kind = Kind::kEnd;
  size_t begin = 0;        // Where in the text.
  absl::string_view text;  // Of kName and kSign.
  Literal literal;         // Of kLiteral.
  uint64_t magnitude = 0;  // Of kMagnitude: an int without its sign.
};

class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  // Error: no token begins here.
  absl::Status Next(Token& token);

 private:
  void SkipBlanks();
  absl::Status Number(Token& token);
  absl::Status Text(Token& token, bool raw, bool bytes);
  absl::Status Escape(bool bytes, std::string& out);
  absl::Status Wrong(size_t at, absl::string_view why) const;

  absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace proxenos::cel
