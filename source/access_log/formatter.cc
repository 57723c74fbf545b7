// Compiling and running text formats.
#include "source/access_log/formatter.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proxenos::access_log {

const char kDefaultFormat[] =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

namespace {

// Reads what follows an operator's name or argument: "%" or ":N%". Returns how long that is, or 0.
size_t ParseEnd(absl::string_view text, std::optional<uint32_t>& limit) {
  limit.reset();
  if (text.empty()) return 0;
  if (text[0] == '%') return 1;
  if (text[0] != ':') return 0;
  const size_t percent = text.find('%');
  if (percent == absl::string_view::npos || percent < 2) return 0;
  const absl::string_view digits = text.substr(1, percent - 1);
  for (const char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return 0;
  }
  uint32_t value;
  limit = absl::SimpleAtoi(digits, &value) ? value : UINT32_MAX;
  return percent + 1;
}

// Splits the operator that `text` starts with, behind its '%'. Returns its size with the closing
// '%', or 0 when there is none. An argument ends at the first ')' behind which an operator can end:
// so it may hold '%' itself.
size_t SplitOperator(absl::string_view text, OperatorText& out) {
  size_t at = 0;
  while (at < text.size() &&
         (absl::ascii_isupper(static_cast<unsigned char>(text[at])) ||
          absl::ascii_isdigit(static_cast<unsigned char>(text[at])) || text[at] == '_')) {
    ++at;
  }
  if (at == 0) return 0;
  out.name = text.substr(0, at);
  out.argument.reset();
  if (at < text.size() && text[at] == '(') {
    const size_t begin = at + 1;
    for (at = text.find(')', begin); at != absl::string_view::npos; at = text.find(')', at + 1)) {
      const size_t end = ParseEnd(text.substr(at + 1), out.limit);
      if (end == 0) continue;
      if (at > begin) out.argument = text.substr(begin, at - begin);
      return at + 1 + end;
    }
    return 0;
  }
  const size_t end = ParseEnd(text.substr(at), out.limit);
  return end == 0 ? 0 : at + end;
}

}  // namespace

absl::StatusOr<Formatter> Formatter::Compile(absl::string_view format, const Options& options) {
  if (format.size() > kMaxFormatBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("format longer than ", kMaxFormatBytes, " bytes"));
  }
  Formatter formatter;
  formatter.options_ = options;
  const absl::Status status = formatter.Parse(format);
  if (!status.ok()) return status;
  return formatter;
}

absl::Status Formatter::Parse(absl::string_view format) {
  std::string* literal = &prefix_;
  for (size_t at = 0; at < format.size();) {
    const size_t percent = format.find('%', at);
    literal->append(format.data() + at,
                    (percent == absl::string_view::npos ? format.size() : percent) - at);
    if (percent == absl::string_view::npos) break;
    if (format.substr(percent + 1, 1) == "%") {
      *literal += '%';
      at = percent + 2;
      continue;
    }
    OperatorText text;
    const size_t size = SplitOperator(format.substr(percent + 1), text);
    if (size == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no command operator at position ", percent, " ('",
          absl::CHexEscape(format.substr(percent, 20)), "'); a literal '%' is written '%%'"));
    }
    absl::StatusOr<Operator> op = CompileOperator(text, options_.extensions);
    if (!op.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(op.status().message(), " (position ", percent, ")"));
    }
    if (operators_.size() == kMaxSegments) {
      return absl::InvalidArgumentError(
          absl::StrCat("format with more than ", kMaxSegments, " operators"));
    }
    operators_.push_back({*std::move(op), {}});
    literal = &operators_.back().literal;
    at = percent + 1 + size;
  }
  return absl::OkStatus();
}

void Formatter::Format(const FormatInput& input, std::string& out) const {
  const absl::string_view absent = options_.omit_empty_values ? "" : "-";
  Scratch scratch;
  out += prefix_;
  for (const Segment& segment : operators_) {
    AppendAsText(segment.op.Get(input, scratch), absent, out);
    out += segment.literal;
  }
}

}  // namespace proxenos::access_log
