// The JSON of an event, and what is left out of it.
#include "source/waf/audit_event.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "source/json/value.h"

namespace proxenos::waf {
namespace {

using json::Object;
using json::Value;

constexpr char kRedacted[] = "[redacted]";

Value Text(absl::string_view text) { return Value(std::string(text.substr(0, kMaxAuditText))); }

// "%41" becomes "A" and "+" a blank, as those read who take arguments out of queries.
std::string Decoded(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      out += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string RedactedUri(absl::string_view uri, const Redaction& redaction) {
  const size_t query = uri.find('?');
  if (query == absl::string_view::npos || redaction.arguments.empty()) return std::string(uri);
  std::string out(uri.substr(0, query));
  char before = '?';
  for (const absl::string_view argument : absl::StrSplit(uri.substr(query + 1), '&')) {
    out.push_back(before);
    before = '&';
    const absl::string_view name = argument.substr(0, argument.find('='));
    const bool secret = redaction.arguments.contains(Decoded(name));
    absl::StrAppend(&out, secret ? absl::StrCat(name, "=", kRedacted) : std::string(argument));
  }
  return out;
}

// Whether a text that a rule made may hold the value of something secret: it then names where the
// value was found, such as "REQUEST_HEADERS:Authorization".
bool NamesSecret(absl::string_view text, const Redaction& redaction) {
  const std::string lower = absl::AsciiStrToLower(text);
  if (redaction.headers.contains("cookie") && absl::StrContains(lower, "request_cookies")) {
    return true;
  }
  for (const std::string& name : redaction.headers) {
    if (absl::StrContains(lower, absl::StrCat("_headers:", name))) return true;
  }
  for (const std::string& name : redaction.arguments) {
    const std::string suffix = absl::AsciiStrToLower(name);
    // ARGS:name, ARGS_GET:name, and ARGS:json.name of JSON.
    if (absl::StrContains(lower, absl::StrCat(":", suffix)) ||
        absl::StrContains(lower, absl::StrCat(".", suffix))) {
      return true;
    }
  }
  // Of the message as a whole nobody can say what is in it.
  return !redaction.arguments.empty() &&
         (absl::StrContains(lower, "request_body") || absl::StrContains(lower, "request_line") ||
          absl::StrContains(lower, "request_uri") || absl::StrContains(lower, "query_string"));
}

Value FieldsOf(const FieldTexts& fields, const Redaction& redaction) {
  Object out;
  for (const auto& [name, value] : fields) {
    const absl::string_view shown =
        redaction.headers.contains(name) ? absl::string_view(kRedacted) : value;
    const auto [it, is_new] = out.emplace(name, Text(shown));
    if (is_new) continue;
    // Several of one name become a list.
    if (it->second.list() == nullptr) it->second = Value(json::List{it->second});
    json::List all = *it->second.list();
    all.push_back(Text(shown));
    it->second = Value(std::move(all));
  }
  return Value(std::move(out));
}

Value MatchOf(const RuleMatch& match, const Redaction& redaction) {
  Object out;
  out.emplace("id", Value(match.rule));
  out.emplace("phase", Value(int64_t{match.phase}));
  out.emplace("severity", Value(int64_t{match.severity}));
  out.emplace("message", Text(NamesSecret(match.message, redaction) ? kRedacted : match.message));
  if (!match.data.empty() && !redaction.omit_matched_data) {
    out.emplace("data", Text(NamesSecret(match.data, redaction) ? kRedacted : match.data));
  }
  json::List tags;
  for (const std::string& tag : match.tags) tags.push_back(Text(tag));
  out.emplace("tags", Value(std::move(tags)));
  out.emplace("file", Text(match.file));
  out.emplace("line", Value(int64_t{match.line}));
  return Value(std::move(out));
}

Value EndpointOf(const Endpoint& endpoint) {
  Object out;
  out.emplace("address", Text(endpoint.address));
  out.emplace("port", Value(int64_t{endpoint.port}));
  return Value(std::move(out));
}

}  // namespace

Redaction::Redaction()
    : headers({"authorization", "proxy-authorization", "cookie", "set-cookie"}) {}

std::string ToJsonLine(const AuditEvent& event, const Redaction& redaction) {
  Object out;
  out.emplace("time", Value(absl::FormatTime(absl::RFC3339_full, absl::FromUnixNanos(event.time),
                                             absl::UTCTimeZone())));
  out.emplace("transaction", Text(event.transaction));
  out.emplace("mode", Text(event.mode == Mode::kBlock ? "block" : "detect"));
  out.emplace("outcome", Text(event.outcome));
  out.emplace("client", EndpointOf(event.client));
  out.emplace("server", EndpointOf(event.server));
  out.emplace("route", Text(event.route));
  Object request;
  request.emplace("method", Text(event.method));
  request.emplace("uri", Text(RedactedUri(event.uri, redaction)));
  request.emplace("version", Text(event.version));
  request.emplace("headers", FieldsOf(event.request_fields, redaction));
  out.emplace("request", Value(std::move(request)));
  out.emplace("status", Value(int64_t{event.status}));
  if (event.rule != 0) out.emplace("rule", Value(event.rule));
  if (event.inbound_score) out.emplace("inbound_score", Value(*event.inbound_score));
  if (event.outbound_score) out.emplace("outbound_score", Value(*event.outbound_score));
  json::List matches;
  for (const RuleMatch& match : event.matches) matches.push_back(MatchOf(match, redaction));
  out.emplace("matches", Value(std::move(matches)));
  std::string line;
  json::AppendJson(out, line);
  line.push_back('\n');
  return line;
}

}  // namespace proxenos::waf
