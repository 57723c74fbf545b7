// Reading of directives.
#include "source/cache/directives.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "source/cache/structured_dictionary.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

using http::HeaderId;

// One directive as it stands in the field.
struct Directive {
  absl::string_view name;
  absl::string_view argument;  // Without quotes; quoted pairs as they are.
  bool has_argument = false;
  bool quoted = false;
  bool malformed = false;  // Blanks or semicolons in it, or a quoted string that does not end.

  bool Is(absl::string_view lower_case) const { return absl::EqualsIgnoreCase(name, lower_case); }
  // Of a directive that allows something: only when it says just that.
  bool Plain() const { return !has_argument && !malformed; }
};

Directive ReadDirective(absl::string_view member) {
  Directive directive;
  const size_t equals = member.find('=');
  if (equals == absl::string_view::npos) {
    directive.name = member;
    return directive;
  }
  directive.name = absl::StripAsciiWhitespace(member.substr(0, equals));
  absl::string_view argument = member.substr(equals + 1);
  directive.malformed =
      directive.name.size() != equals || (!argument.empty() && http::IsBlank(argument.front()));
  argument = absl::StripAsciiWhitespace(argument);
  directive.has_argument = true;
  if (!argument.empty() && argument.front() == '"') {
    directive.quoted = true;
    argument.remove_prefix(1);
    if (!argument.empty() && argument.back() == '"') {
      argument.remove_suffix(1);
    } else {
      directive.malformed = true;
    }
  }
  directive.argument = argument;
  return directive;
}

void Take(const Directive& directive, Seconds& seconds) {
  if (seconds.present) return;
  if (directive.has_argument && !directive.malformed) seconds = ReadSeconds(directive.argument);
  seconds.present = true;
}

bool IsToken(absl::string_view text) {
  for (const char c : text) {
    if (!http::IsTokenChar(c)) return false;
  }
  return !text.empty();
}

// no-cache and private: of some fields, or of all of the response.
void TakeQualified(const Directive& directive, bool& unqualified, ResponseDirectives& out) {
  if (!directive.quoted || directive.malformed) {
    unqualified = true;
    return;
  }
  bool any = false;
  const bool understood = ForEachMember(directive.argument, [&](absl::string_view field) {
    if (!IsToken(field)) return false;
    out.withheld_fields.push_back(field);
    any = true;
    return true;
  });
  if (!understood || !any) unqualified = true;
}

void Take(const Directive& directive, ResponseDirectives& out) {
  if (directive.Is("max-age")) return Take(directive, out.max_age);
  if (directive.Is("s-maxage")) return Take(directive, out.s_maxage);
  if (directive.Is("stale-while-revalidate")) return Take(directive, out.stale_while_revalidate);
  if (directive.Is("stale-if-error")) return Take(directive, out.stale_if_error);
  if (directive.Is("no-cache")) return TakeQualified(directive, out.no_cache, out);
  if (directive.Is("private")) return TakeQualified(directive, out.is_private, out);
  if (directive.Is("no-store")) out.no_store = true;
  if (directive.Is("must-revalidate")) {
    out.must_revalidate = true;
    if (directive.Plain()) out.may_share_credentials = true;
  }
  if (directive.Is("proxy-revalidate")) out.proxy_revalidate = true;
  if (directive.Is("public") && directive.Plain()) out.is_public = true;
  if (directive.Is("must-understand") && directive.Plain()) out.must_understand = true;
}

void Take(const Directive& directive, RequestDirectives& out) {
  if (directive.Is("max-age")) return Take(directive, out.max_age);
  if (directive.Is("min-fresh")) return Take(directive, out.min_fresh);
  if (directive.Is("stale-if-error")) return Take(directive, out.stale_if_error);
  if (directive.Is("max-stale")) {
    if (directive.Plain() && !out.max_stale.present) out.any_stale = true;
    return Take(directive, out.max_stale);
  }
  if (directive.Is("no-cache")) out.no_cache = true;
  if (directive.Is("no-store")) out.no_store = true;
  if (directive.Is("only-if-cached")) out.only_if_cached = true;
}

// One member of the list. Blanks and semicolons have no place in it but in quoted text; where an
// origin took them for commas ("no-store; max-age=0"), what each part forbids is forbidden.
template <typename Directives>
void TakeMember(absl::string_view member, Directives& out) {
  constexpr absl::string_view kMistaken = "; \t";
  if (member.substr(0, member.find('"')).find_first_of(kMistaken) == absl::string_view::npos) {
    return Take(ReadDirective(member), out);
  }
  for (const absl::string_view part :
       absl::StrSplit(member, absl::ByAnyChar(kMistaken), absl::SkipEmpty())) {
    Directive directive = ReadDirective(part);
    directive.malformed = true;
    Take(directive, out);
  }
}

// A member of a structured dictionary: a Boolean true says no more than the name, an Integer is
// what delta-seconds are; what is of another type is none of ours (RFC 9213, section 2.1).
void Take(const DictionaryMember& member, ResponseDirectives& out) {
  using Type = DictionaryMember::Type;
  Directive directive;
  directive.name = member.key;
  const bool lifetime = member.key == "max-age" || member.key == "s-maxage" ||
                        member.key == "stale-while-revalidate" || member.key == "stale-if-error";
  if (lifetime) {
    directive.has_argument = true;
    directive.malformed = member.type != Type::kInteger;
    directive.argument = member.text;
  } else if (member.type == Type::kBoolean) {
    if (member.text == "0") return;  // ?0: not given.
  } else {
    directive.has_argument = true;
    directive.quoted = member.type == Type::kString;
    directive.argument = member.text;
  }
  Take(directive, out);
}

bool ReadTargeted(absl::string_view name, const http::HeaderMap& headers, ResponseDirectives& out) {
  Dictionary dictionary;
  for (const http::Header& header : headers) {
    if (header.name() == name && !dictionary.Parse(header.value())) return false;
  }
  if (dictionary.members().empty()) return false;
  // A type that is not the directive's own makes the field none that this cache could obey.
  for (const DictionaryMember& member : dictionary.members()) {
    const bool lifetime = member.key == "max-age" || member.key == "s-maxage";
    if (lifetime && member.type != DictionaryMember::Type::kInteger) return false;
  }
  for (const DictionaryMember& member : dictionary.members()) Take(member, out);
  out.targeted = true;
  return true;
}

}  // namespace

bool ForEachMember(absl::string_view list, absl::FunctionRef<bool(absl::string_view)> member) {
  constexpr size_t kNowhere = absl::string_view::npos;
  size_t start = 0;
  size_t opened = kNowhere;  // Where the quoted string begins that this is in.
  bool literal = false;
  for (size_t i = 0;; ++i) {
    if (i >= list.size() && opened != kNowhere) {
      // It does not end: then it is none, or it would hide what comes behind it.
      literal = true;
      i = opened;
      opened = kNowhere;
      continue;
    }
    if (i < list.size()) {
      if (opened != kNowhere) {
        if (list[i] == '"') opened = kNowhere;
        if (list[i] == '\\') ++i;
        continue;
      }
      if (list[i] == '"' && !literal) opened = i;
      if (list[i] != ',') continue;
    }
    const absl::string_view text = absl::StripAsciiWhitespace(list.substr(start, i - start));
    if (!text.empty() && !member(text)) return false;
    if (i >= list.size()) return true;
    start = i + 1;
  }
}

Seconds ReadSeconds(absl::string_view digits) {
  Seconds seconds;
  seconds.present = true;
  if (digits.empty()) return seconds;
  int64_t value = 0;
  for (const char c : digits) {
    if (!http::IsDigit(c)) return seconds;
    value = value * 10 + (c - '0');
    if (value > kMaxSeconds) value = kMaxSeconds;
  }
  seconds.valid = true;
  seconds.value = value;
  return seconds;
}

RequestDirectives ReadRequestDirectives(const http::HeaderMap& headers) {
  RequestDirectives directives;
  bool pragma = false;
  bool control = false;
  for (const http::Header& header : headers) {
    if (header.id == HeaderId::kCacheControl) {
      control = true;
      ForEachMember(header.value(), [&](absl::string_view member) {
        TakeMember(member, directives);
        return true;
      });
    } else if (header.id == HeaderId::kPragma) {
      ForEachMember(header.value(), [&](absl::string_view member) {
        if (absl::EqualsIgnoreCase(member, "no-cache")) pragma = true;
        return true;
      });
    }
  }
  if (pragma && !control) directives.no_cache = true;
  return directives;
}

ResponseDirectives ReadResponseDirectives(const http::HeaderMap& headers,
                                          absl::Span<const absl::string_view> targets) {
  ResponseDirectives directives;
  for (const absl::string_view target : targets) {
    if (headers.Find(target) == nullptr) continue;
    if (ReadTargeted(target, headers, directives)) return directives;
    directives = ResponseDirectives();
  }
  for (const http::Header& header : headers) {
    if (header.id != HeaderId::kCacheControl) continue;
    ForEachMember(header.value(), [&](absl::string_view member) {
      TakeMember(member, directives);
      return true;
    });
  }
  return directives;
}

}  // namespace proxenos::cache
