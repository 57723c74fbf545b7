// The grammar of structured dictionaries.
#include "source/cache/structured_dictionary.h"

#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

using Type = DictionaryMember::Type;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlpha(char c) { return IsLower(http::LowerLetter(c)); }

// Takes what it reads from the front of `rest`; false: it was not there.
struct Scanner {
  absl::string_view rest;

  bool At(char c) const { return !rest.empty() && rest.front() == c; }
  bool Take(char c) {
    if (!At(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  // What lies between `start` and here.
  absl::string_view Since(absl::string_view start) const {
    return start.substr(0, start.size() - rest.size());
  }
  void SkipBlanks() {
    while (At(' ') || At('\t')) rest.remove_prefix(1);
  }

  bool Key(absl::string_view* key) {
    const absl::string_view start = rest;
    if (rest.empty() || !(IsLower(rest.front()) || rest.front() == '*')) return false;
    while (!rest.empty()) {
      const char c = rest.front();
      const bool part =
          IsLower(c) || http::IsDigit(c) || c == '_' || c == '-' || c == '.' || c == '*';
      if (!part) break;
      rest.remove_prefix(1);
    }
    *key = Since(start);
    return true;
  }

  // An Integer of at most 15 digits or a Decimal of at most 12 and 3; with '@' before it a Date.
  bool Number(Type* type) {
    Take('-');
    size_t digits = 0, fraction = 0;
    bool decimal = false;
    while (!rest.empty()) {
      if (http::IsDigit(rest.front())) {
        ++(decimal ? fraction : digits);
      } else if (rest.front() == '.' && !decimal && digits > 0) {
        decimal = true;
      } else {
        break;
      }
      rest.remove_prefix(1);
    }
    *type = decimal ? Type::kOther : Type::kInteger;
    if (decimal) return digits <= 12 && fraction >= 1 && fraction <= 3;
    return digits >= 1 && digits <= 15;
  }

  bool String(absl::string_view* text) {
    if (!Take('"')) return false;
    const absl::string_view start = rest;
    while (!rest.empty()) {
      const char c = rest.front();
      if (c == '"') {
        *text = Since(start);
        rest.remove_prefix(1);
        return true;
      }
      if (c < 0x20 || c > 0x7e) return false;
      rest.remove_prefix(1);
      if (c != '\\') continue;
      if (!At('"') && !At('\\')) return false;
      rest.remove_prefix(1);
    }
    return false;
  }

  bool Token() {
    if (rest.empty() || !(IsAlpha(rest.front()) || rest.front() == '*')) return false;
    while (!rest.empty() &&
           (http::IsTokenChar(rest.front()) || rest.front() == ':' || rest.front() == '/')) {
      rest.remove_prefix(1);
    }
    return true;
  }

  bool Bytes() {
    if (!Take(':')) return false;
    while (!rest.empty() && rest.front() != ':') {
      const char c = rest.front();
      if (!IsAlpha(c) && !http::IsDigit(c) && c != '+' && c != '/' && c != '=') return false;
      rest.remove_prefix(1);
    }
    return Take(':');
  }

  // %"...": text in UTF-8, percent-encoded.
  bool DisplayString() {
    if (!Take('%') || !Take('"')) return false;
    while (!rest.empty() && rest.front() != '"') {
      const char c = rest.front();
      if (c < 0x20 || c > 0x7e) return false;
      rest.remove_prefix(1);
      if (c != '%') continue;
      for (int i = 0; i < 2; ++i) {
        const bool hex = !rest.empty() && (http::IsDigit(rest.front()) ||
                                           (rest.front() >= 'a' && rest.front() <= 'f'));
        if (!hex) return false;
        rest.remove_prefix(1);
      }
    }
    return Take('"');
  }

  bool BareItem(Type* type, absl::string_view* text) {
    if (rest.empty()) return false;
    const absl::string_view start = rest;
    const char c = rest.front();
    *type = Type::kOther;
    *text = absl::string_view();
    if (c == '-' || http::IsDigit(c)) {
      if (!Number(type)) return false;
      *text = Since(start);
      return true;
    }
    if (c == '"') {
      *type = Type::kString;
      return String(text);
    }
    if (c == '?') {
      rest.remove_prefix(1);
      if (!At('0') && !At('1')) return false;
      *type = Type::kBoolean;
      *text = rest.substr(0, 1);
      rest.remove_prefix(1);
      return true;
    }
    if (c == ':') return Bytes();
    if (c == '%') return DisplayString();
    if (c == '@') {
      rest.remove_prefix(1);
      Type number;
      return Number(&number) && number == Type::kInteger;
    }
    return Token();
  }

  bool Parameters() {
    while (Take(';')) {
      while (Take(' ')) {
      }
      absl::string_view key, text;
      Type type;
      if (!Key(&key)) return false;
      if (Take('=') && !BareItem(&type, &text)) return false;
    }
    return true;
  }

  bool InnerList() {
    if (!Take('(')) return false;
    while (!rest.empty()) {
      while (Take(' ')) {
      }
      if (Take(')')) return true;
      absl::string_view text;
      Type type;
      if (!BareItem(&type, &text) || !Parameters()) return false;
      if (!At(' ') && !At(')')) return false;
    }
    return false;
  }
};

}  // namespace

bool Dictionary::Parse(absl::string_view line) {
  Scanner in{line};
  while (in.Take(' ')) {
  }
  while (!in.rest.empty() && in.rest.back() == ' ') in.rest.remove_suffix(1);
  while (!in.rest.empty()) {
    DictionaryMember member;
    if (!in.Key(&member.key)) return false;
    member.text = "1";
    if (in.Take('=')) {
      if (in.At('(')) {
        member.type = Type::kOther;
        member.text = absl::string_view();
        if (!in.InnerList()) return false;
      } else if (!in.BareItem(&member.type, &member.text)) {
        return false;
      }
    }
    if (!in.Parameters()) return false;
    bool replaced = false;
    for (DictionaryMember& known : members_) {
      if (known.key != member.key) continue;
      known = member;
      replaced = true;
    }
    if (!replaced) members_.push_back(member);
    in.SkipBlanks();
    if (in.rest.empty()) return true;
    if (!in.Take(',')) return false;
    in.SkipBlanks();
    if (in.rest.empty()) return false;  // A comma with nothing behind it.
  }
  return true;
}

}  // namespace proxenos::cache
