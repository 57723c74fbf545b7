// Numbers, texts with their escapes, names and signs.
#include "source/cel/lexer.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/base/utf8.h"

namespace proxenos::cel {
namespace {

bool BeginsName(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool ContinuesName(char c) {
  return BeginsName(c) || absl::ascii_isdigit(static_cast<unsigned char>(c));
}

// The character that a backslash and `c` stand for; 0: none.
char SimpleEscape(char c) {
  constexpr absl::string_view kFrom = "abfnrtv\\?\"'`";
  constexpr absl::string_view kTo = "\a\b\f\n\r\t\v\\?\"'`";
  const size_t found = kFrom.find(c);
  return found == absl::string_view::npos ? '\0' : kTo[found];
}

}  // namespace

absl::Status Lexer::Wrong(size_t at, absl::string_view why) const {
  return absl::InvalidArgumentError(absl::StrCat("at byte ", at, ": ", why));
}

void Lexer::SkipBlanks() {
  while (at_ < text_.size()) {
    if (absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
      ++at_;
    } else if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      return;
    }
  }
}

absl::Status Lexer::Number(Token& token) {
  const size_t begin = at_;
  const auto digits = [this](bool hex) {
    while (at_ < text_.size() &&
           (hex ? absl::ascii_isxdigit(static_cast<unsigned char>(text_[at_]))
                : absl::ascii_isdigit(static_cast<unsigned char>(text_[at_])))) {
      ++at_;
    }
  };
  const bool hex = text_.substr(at_, 2) == "0x" || text_.substr(at_, 2) == "0X";
  if (hex) at_ += 2;
  digits(hex);
  bool real = false;
  if (!hex && at_ + 1 < text_.size() && text_[at_] == '.' &&
      absl::ascii_isdigit(static_cast<unsigned char>(text_[at_ + 1]))) {
    real = true;
    ++at_;
    digits(false);
  }
  if (!hex && at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    real = true;
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits(false);
  }
  const absl::string_view number = text_.substr(begin, at_ - begin);
  if (real) {
    double value = 0;
    if (!absl::SimpleAtod(number, &value) || !std::isfinite(value)) {
      return Wrong(begin, "a number that is none, or too large");
    }
    token.kind = Token::Kind::kLiteral;
    token.literal = value;
    return absl::OkStatus();
  }
  const bool good = hex ? absl::SimpleHexAtoi(number, &token.magnitude)
                        : absl::SimpleAtoi(number, &token.magnitude);
  if (!good) return Wrong(begin, "a number that is none, or too large");
  token.kind = Token::Kind::kMagnitude;
  if (at_ < text_.size() && (text_[at_] == 'u' || text_[at_] == 'U')) {
    ++at_;
    token.kind = Token::Kind::kLiteral;
    token.literal = token.magnitude;
  }
  return absl::OkStatus();
}

// Behind the backslash.
absl::Status Lexer::Escape(bool bytes, std::string& out) {
  const size_t begin = at_ - 1;
  if (at_ >= text_.size()) return Wrong(begin, "a text without an end");
  const char c = text_[at_++];
  if (const char simple = SimpleEscape(c); simple != '\0') {
    out.push_back(simple);
    return absl::OkStatus();
  }
  const bool octal = c >= '0' && c <= '3';
  const size_t length = octal ? 2 : c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (length == 0 || (bytes && (c == 'u' || c == 'U')) || text_.size() - at_ < length) {
    return Wrong(begin, "an escape that there is not");
  }
  uint32_t point = octal ? static_cast<uint32_t>(c - '0') : 0;
  for (size_t i = 0; i < length; ++i) {
    const char digit = absl::ascii_tolower(static_cast<unsigned char>(text_[at_++]));
    const bool good = octal ? digit >= '0' && digit <= '7'
                            : absl::ascii_isxdigit(static_cast<unsigned char>(digit));
    if (!good) return Wrong(begin, "an escape that there is not");
    const uint32_t value = static_cast<uint32_t>(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
    point = point * (octal ? 8 : 16) + value;
  }
  if (bytes) {
    out.push_back(static_cast<char>(point));
    return absl::OkStatus();
  }
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
    return Wrong(begin, "no Unicode character");
  }
  base::AppendUtf8(point, out);
  return absl::OkStatus();
}

absl::Status Lexer::Text(Token& token, bool raw, bool bytes) {
  const size_t begin = at_;
  const char quote = text_[at_];
  const std::string three(3, quote);
  const size_t quotes = text_.substr(at_, 3) == three ? 3 : 1;
  const absl::string_view end = absl::string_view(three).substr(0, quotes);
  at_ += quotes;
  std::string out;
  while (text_.substr(at_, quotes) != end) {
    if (at_ >= text_.size() || (quotes == 1 && (text_[at_] == '\n' || text_[at_] == '\r'))) {
      return Wrong(begin, "a text without an end");
    }
    const char c = text_[at_++];
    if (c != '\\' || raw) {
      out.push_back(c);
      continue;
    }
    if (absl::Status status = Escape(bytes, out); !status.ok()) return status;
  }
  at_ += quotes;
  token.kind = Token::Kind::kLiteral;
  if (bytes) {
    token.literal = BytesLiteral{std::move(out)};
  } else {
    token.literal = std::move(out);
  }
  return absl::OkStatus();
}

absl::Status Lexer::Next(Token& token) {
  SkipBlanks();
  token = Token();
  token.begin = at_;
  if (at_ >= text_.size()) return absl::OkStatus();
  const char c = text_[at_];
  if (absl::ascii_isdigit(static_cast<unsigned char>(c))) return Number(token);
  if (c == '.' && at_ + 1 < text_.size() &&
      absl::ascii_isdigit(static_cast<unsigned char>(text_[at_ + 1]))) {
    return Number(token);
  }
  // Up to two letters before a quote: r, b, and both.
  size_t quote = at_;
  bool raw = false;
  bool bytes = false;
  for (; quote < text_.size() && quote < at_ + 2; ++quote) {
    const char letter = absl::ascii_tolower(static_cast<unsigned char>(text_[quote]));
    bool& flag = letter == 'r' ? raw : bytes;
    if ((letter != 'r' && letter != 'b') || flag) break;
    flag = true;
  }
  if (quote < text_.size() && (text_[quote] == '"' || text_[quote] == '\'')) {
    at_ = quote;
    return Text(token, raw, bytes);
  }
  if (BeginsName(c)) {
    while (at_ < text_.size() && ContinuesName(text_[at_])) ++at_;
    token.kind = Token::Kind::kName;
    token.text = text_.substr(token.begin, at_ - token.begin);
    return absl::OkStatus();
  }
  static constexpr absl::string_view kSigns[] = {"==", "!=", "<=", ">=", "&&", "||", "<", ">",
                                                 "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
                                                 "(",  ")",  "[",  "]",  "{",  "}",  ",", "."};
  for (absl::string_view sign : kSigns) {
    if (text_.substr(at_, sign.size()) != sign) continue;
    at_ += sign.size();
    token.kind = Token::Kind::kSign;
    token.text = sign;
    return absl::OkStatus();
  }
  return Wrong(at_, "a character that begins nothing");
}

}  // namespace proxenos::cel
