// Reading of templates. The grammar has no alternatives that need more than the next byte.
#include "source/route/uri_template.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace proxenos::route {
namespace {

// pchar (RFC 3986, section 3.3) as a class of RE2.
constexpr absl::string_view kSegment = "[a-zA-Z0-9\\-._~%!$&'()*+,;=:@]+";
constexpr absl::string_view kSegments = "[a-zA-Z0-9\\-._~%!$&'()*+,;=:@/]*";

bool IsPathByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("-._~%!$&'()*+,;=:@", c);
}

bool IsName(absl::string_view name) {
  return !name.empty() && absl::ascii_isalpha(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
         });
}

void AppendLiteral(absl::string_view literal, std::string* regex) {
  for (const char c : literal) {
    if (absl::StrContains("$().+", c)) regex->push_back('\\');
    regex->push_back(c);
  }
}

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

class Reader {
 public:
  explicit Reader(absl::string_view text) : rest_(text) {}

  absl::StatusOr<UriTemplate> Read() {
    if (!absl::ConsumePrefix(&rest_, "/")) return Wrong("does not begin with '/'");
    made_.regex = "/";
    while (!rest_.empty()) {
      const absl::Status status = Segment();
      if (!status.ok()) return status;
      if (absl::ConsumePrefix(&rest_, "/")) made_.regex.push_back('/');
    }
    return std::move(made_);
  }

 private:
  // Up to the next '/' that is not a variable's own.
  absl::Status Segment() {
    if (rest_.front() == '*') {
      absl::Status status = Part(rest_);
      if (!status.ok() || rest_.empty() || rest_.front() == '/') return status;
      status = Literal(rest_);
      if (!status.ok() || rest_.empty()) return status;
      return Wrong("has text right behind a wildcard that does not stand at the end");
    }
    const size_t end = std::min(rest_.find('/'), rest_.size());
    const size_t brace = rest_.find('{');
    if (brace >= end) return Literal(rest_);
    if (brace != 0) {  // Text before the variable: then no '/' is in that.
      if (rest_.substr(0, end).find('}') == absl::string_view::npos) {
        return Wrong("has a variable without '}' in its segment");
      }
      absl::string_view before = rest_.substr(0, brace);
      const absl::Status status = Literal(before);
      if (!status.ok()) return status;
      rest_.remove_prefix(brace);
    }
    const absl::Status status = Variable();
    if (!status.ok() || rest_.empty() || rest_.front() == '/') return status;
    return Literal(rest_);
  }

  // A wildcard or literal in front of `text`.
  absl::Status Part(absl::string_view& text) {
    if (absl::ConsumePrefix(&text, "**")) return Wildcard(kSegments, true);
    if (absl::ConsumePrefix(&text, "*")) return Wildcard(kSegment, false);
    return Literal(text);
  }

  absl::Status Wildcard(absl::string_view regex, bool many) {
    if (seen_many_) return Wrong("has a wildcard behind '**'");
    seen_many_ = many;
    absl::StrAppend(&made_.regex, regex);
    return absl::OkStatus();
  }

  // Up to the end of its segment.
  absl::Status Literal(absl::string_view& text) {
    const absl::string_view literal = text.substr(0, text.find('/'));
    if (literal.empty() || !std::all_of(literal.begin(), literal.end(), IsPathByte)) {
      return Wrong("has a literal that is empty or has a byte which paths do not");
    }
    if (absl::StrContains(literal, '*')) {
      // Envoy makes it a repetition of the byte before.
      return Wrong("has '*' in the middle of a segment: write a variable, such as {name}");
    }
    AppendLiteral(literal, &made_.regex);
    text.remove_prefix(literal.size());
    return absl::OkStatus();
  }

  // {name} or {name=pattern}
  absl::Status Variable() {
    const size_t end = rest_.find('}');
    if (end == absl::string_view::npos) return Wrong("has a variable without '}'");
    absl::string_view inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    const size_t equals = inside.find('=');
    absl::Status status = Name(inside.substr(0, equals));
    if (!status.ok()) return status;
    made_.regex.push_back('(');
    if (equals == absl::string_view::npos) {
      status = Wildcard(kSegment, false);
    } else {
      inside.remove_prefix(equals + 1);
      status = Inside(inside);
    }
    made_.regex.push_back(')');
    return status;
  }

  absl::Status Name(absl::string_view name) {
    if (!IsName(name)) return Wrong("has a variable whose name is no identifier");
    if (made_.variables.size() >= UriTemplate::kMaxVariables) return Wrong("has over 5 variables");
    if (name.size() > UriTemplate::kMaxNameBytes) {
      return Wrong("has a variable whose name is longer than 16 bytes");
    }
    if (std::find(made_.variables.begin(), made_.variables.end(), name) != made_.variables.end()) {
      return Wrong("has a variable twice");
    }
    made_.variables.emplace_back(name);
    return absl::OkStatus();
  }

  absl::Status Inside(absl::string_view pattern) {
    do {
      if (pattern.empty()) return Wrong("has a variable with an empty pattern or segment");
      absl::Status status = Part(pattern);
      if (!status.ok()) return status;
      if (pattern.empty()) return absl::OkStatus();
      if (!absl::ConsumePrefix(&pattern, "/")) {
        return Wrong("has a variable with text behind a wildcard");
      }
      made_.regex.push_back('/');
    } while (true);
  }

  absl::string_view rest_;
  UriTemplate made_;
  bool seen_many_ = false;
};

}  // namespace

absl::StatusOr<UriTemplate> ParseUriTemplate(absl::string_view text) { return Reader(text).Read(); }

absl::StatusOr<std::string> UriTemplateSubstitution(absl::string_view rewrite,
                                                    const UriTemplate& pattern) {
  if (!absl::StartsWith(rewrite, "/")) return Wrong("does not begin with '/'");
  if (absl::StrContains(rewrite, "//")) return Wrong("has '//'");
  std::string made;
  while (!rewrite.empty()) {
    const absl::string_view literal = rewrite.substr(0, rewrite.find('{'));
    if (!std::all_of(literal.begin(), literal.end(),
                     [](char c) { return c == '/' || IsPathByte(c); })) {
      return Wrong("has a byte which paths do not");
    }
    absl::StrAppend(&made, literal);
    rewrite.remove_prefix(literal.size());
    if (rewrite.empty()) break;
    const size_t end = rewrite.find('}');
    if (end == absl::string_view::npos) return Wrong("has a variable without '}'");
    const absl::string_view name = rewrite.substr(1, end - 1);
    const auto known = std::find(pattern.variables.begin(), pattern.variables.end(), name);
    if (known == pattern.variables.end()) {
      return Wrong(absl::StrCat("has a variable that the template lacks: '", name, "'"));
    }
    absl::StrAppend(&made, "\\", known - pattern.variables.begin() + 1);
    rewrite.remove_prefix(end + 1);
  }
  return made;
}

}  // namespace proxenos::route
