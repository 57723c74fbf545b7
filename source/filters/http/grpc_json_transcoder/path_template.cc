// One walk over the text of a template.
#include "source/filters/http/grpc_json_transcoder/path_template.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/http/percent.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

using Kind = PathTemplate::Segment::Kind;

absl::Status Bad(absl::string_view what) { return absl::InvalidArgumentError(what); }

bool IsFieldName(absl::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
         });
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : rest_(text) {}

  absl::StatusOr<PathTemplate> Parse() {
    do {
      if (!Take('/')) return Bad("expected a path that begins with a slash");
      const absl::Status segment = Take('{') ? ParseVariable() : ParseSegment();
      if (!segment.ok()) return segment;
    } while (!rest_.empty() && rest_[0] != ':');
    if (Take(':')) {
      made_.verb = std::string(TakeLiteral());
      if (made_.verb.empty()) return Bad("expected a verb behind the colon");
    }
    if (!rest_.empty()) return Bad(absl::StrCat("expected the end of the path at \"", rest_, "\""));
    return std::move(made_);
  }

 private:
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  absl::string_view TakeLiteral() {
    const absl::string_view text = rest_.substr(0, rest_.find_first_of("/:{}*="));
    rest_.remove_prefix(text.size());
    return text;
  }

  absl::Status ParseSegment() {
    PathTemplate::Segment segment;
    if (!made_.segments.empty() && made_.segments.back().kind == Kind::kRest) {
      return Bad("expected nothing behind \"**\" but a verb");
    }
    if (made_.segments.size() == PathTemplate::kMaxSegments) {
      return Bad(absl::StrCat("expected at most ", PathTemplate::kMaxSegments, " segments"));
    }
    if (Take('*')) {
      segment.kind = Take('*') ? Kind::kRest : Kind::kOne;
    } else {
      segment.text = std::string(TakeLiteral());
      if (segment.text.empty()) return Bad("expected a text, a field, \"*\" or \"**\"");
    }
    made_.segments.push_back(std::move(segment));
    return absl::OkStatus();
  }

  absl::Status ParseVariable() {
    PathTemplate::Variable variable;
    const absl::string_view field = TakeLiteral();
    variable.field = absl::StrSplit(field, '.');
    if (!std::all_of(variable.field.begin(), variable.field.end(), IsFieldName)) {
      return Bad(absl::StrCat("expected the name of a field, not \"", field, "\""));
    }
    variable.begin = made_.segments.size();
    if (Take('=')) {
      do {
        if (const absl::Status segment = ParseSegment(); !segment.ok()) return segment;
      } while (Take('/'));
    } else {
      made_.segments.push_back({Kind::kOne});
    }
    if (!Take('}')) return Bad("expected a closing brace");
    variable.end = made_.segments.size();
    variable.to_the_end = made_.segments.back().kind == Kind::kRest;
    variable.multiple = variable.to_the_end || variable.end - variable.begin > 1;
    made_.variables.push_back(std::move(variable));
    return absl::OkStatus();
  }

  absl::string_view rest_;
  PathTemplate made_;
};

// RFC 6570, section 1.5.
bool IsReserved(char c) {
  return absl::string_view(":/?#[]@!$&'()*+,;=").find(c) != absl::string_view::npos;
}

}  // namespace

absl::StatusOr<PathTemplate> PathTemplate::Parse(absl::string_view text) {
  return Parser(text).Parse();
}

std::string Unescaped(absl::string_view text, Unescape how) {
  if (how == Unescape::kAll) return http::PercentDecoded(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = http::EscapedByte(text, i);
    const char c = static_cast<char>(byte);
    const bool stays = byte < 0 || (how == Unescape::kAllButSlash ? c == '/' : IsReserved(c));
    decoded += stays ? text[i] : c;
    if (!stays) i += 2;
  }
  return decoded;
}

}  // namespace proxenos::filters::grpc_json_transcoder
