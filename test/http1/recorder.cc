// Events as text.
#include "test/http1/recorder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/http/chars.h"

namespace proxenos::http1 {
namespace {

// Longer bodies are named by their size and first bytes.
constexpr size_t kMaxShownBody = 120;

std::string FramingText(const http::Framing& framing) {
  switch (framing.kind) {
    case http::Framing::kNone:
      return "";
    case http::Framing::kLength:
      return absl::StrCat(" length=", framing.length);
    case http::Framing::kChunked:
      return " chunked";
    case http::Framing::kUntilClose:
      return " until-close";
    case http::Framing::kTunnel:
      return " tunnel";
  }
  return " ?";
}

std::string RequestText(const http::RequestHead& head) {
  std::string line = absl::StrCat("request ", Escape(head.method_text), " ", Escape(head.path),
                                  " host=", Escape(head.authority));
  CHECK(head.method == http::ParseMethod(head.method_text));
  if (!head.scheme.empty()) absl::StrAppend(&line, " scheme=", Escape(head.scheme));
  if (head.version == http::Version::kHttp10) absl::StrAppend(&line, " http10");
  if (!head.keep_alive) absl::StrAppend(&line, " close");
  absl::StrAppend(&line, FramingText(head.framing));
  if (head.expects_continue) absl::StrAppend(&line, " expects-continue");
  if (head.te_trailers) absl::StrAppend(&line, " te-trailers");
  if (!head.upgrade.empty()) absl::StrAppend(&line, " upgrade=", Escape(head.upgrade));
  return line;
}

std::string ResponseText(const http::ResponseHead& head) {
  std::string line = absl::StrCat("response ", head.status, " \"", Escape(head.reason), "\"");
  if (head.version == http::Version::kHttp10) absl::StrAppend(&line, " http10");
  if (!head.keep_alive) absl::StrAppend(&line, " close");
  absl::StrAppend(&line, FramingText(head.framing));
  if (!head.upgrade.empty()) absl::StrAppend(&line, " upgrade=", Escape(head.upgrade));
  return line;
}

}  // namespace

std::string Escape(absl::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out;
}

std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    CHECK(++i < text.size());
    switch (text[i]) {
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x':
        CHECK(i + 2 < text.size());
        out += static_cast<char>(http::HexValue(text[i + 1]) * 16 + http::HexValue(text[i + 2]));
        i += 2;
        break;
      case '(': {
        int times = 0;
        for (++i; http::IsDigit(text[i]); ++i) times = times * 10 + (text[i] - '0');
        CHECK(text[i] == '*');
        const size_t end = text.find(')', i);
        CHECK(end != absl::string_view::npos);
        const std::string part = Unescape(text.substr(i + 1, end - i - 1));
        while (times-- > 0) out += part;
        i = end;
        break;
      }
      default:
        CHECK(false);
    }
  }
  return out;
}

void Transcript::Begin() {
  CHECK(state_ == State::kIdle);
  state_ = State::kBegun;
}

void Transcript::Head(const std::string& line, const http::HeaderMap& headers, bool final_head) {
  CHECK(state_ == State::kBegun);
  state_ = final_head ? State::kBody : State::kIdle;
  Line(line);
  for (const http::Header& header : headers) {
    CHECK(header.id == http::LookUpHeader(header.name()));
    Line(absl::StrCat("  ", Escape(header.name()), ": ", Escape(header.value())));
  }
}

void Transcript::Body(absl::string_view data) {
  CHECK(state_ == State::kBody && !data.empty());
  absl::StrAppend(&body_, data);
}

void Transcript::BeginTrailers() {
  CHECK(state_ == State::kBody);
  state_ = State::kInTrailers;
}

void Transcript::Trailers(const http::HeaderMap& trailers) {
  CHECK(state_ == State::kInTrailers && !trailers.empty());
  state_ = State::kTrailersDone;
  Line("trailers");
  for (const http::Header& header : trailers) {
    Line(absl::StrCat("  ", Escape(header.name()), ": ", Escape(header.value())));
  }
}

void Transcript::Complete() {
  CHECK(state_ == State::kBody || state_ == State::kTrailersDone);
  state_ = State::kIdle;
  Line("complete");
}

void Transcript::FlushBody() {
  if (body_.empty()) return;
  const std::string body = std::exchange(body_, "");
  if (body.size() <= kMaxShownBody) {
    absl::StrAppend(&text_, "body ", Escape(body), "\n");
  } else {
    absl::StrAppend(&text_, "body of ", body.size(), " bytes: ", Escape(body.substr(0, 16)),
                    "...\n");
  }
}

void Transcript::Line(const std::string& line) {
  FlushBody();
  absl::StrAppend(&text_, line, "\n");
}

std::string Transcript::Take() {
  FlushBody();
  return std::exchange(text_, "");
}

http::RequestHead& RequestRecorder::OnMessageBegin() {
  transcript.Begin();
  head_.reset();
  arena_ = std::make_unique<buffer::Arena>();
  head_ = std::make_unique<http::RequestHead>(*arena_);
  if (http::KeepsSpellings(names)) head_->spellings = http::NameSpellings::Make(names, *arena_);
  return *head_;
}

void RequestRecorder::OnHead(buffer::Slice bytes) {
  head_bytes = std::move(bytes);
  transcript.Head(RequestText(*head_), head_->headers, true);
}

http::HeaderMap& RequestRecorder::OnTrailersBegin() {
  transcript.BeginTrailers();
  trailers_ = std::make_unique<http::HeaderMap>(*arena_);
  return *trailers_;
}

http::ResponseHead& ResponseRecorder::OnMessageBegin() {
  transcript.Begin();
  head_.reset();
  arena_ = std::make_unique<buffer::Arena>();
  head_ = std::make_unique<http::ResponseHead>(*arena_);
  if (http::KeepsSpellings(names)) head_->spellings = http::NameSpellings::Make(names, *arena_);
  return *head_;
}

void ResponseRecorder::OnHead(buffer::Slice bytes) {
  head_bytes = std::move(bytes);
  transcript.Head(ResponseText(*head_), head_->headers, true);
}

void ResponseRecorder::OnInformational(buffer::Slice bytes) {
  head_bytes = std::move(bytes);
  transcript.Head("informational " + ResponseText(*head_), head_->headers, false);
}

http::HeaderMap& ResponseRecorder::OnTrailersBegin() {
  transcript.BeginTrailers();
  trailers_ = std::make_unique<http::HeaderMap>(*arena_);
  return *trailers_;
}

}  // namespace proxenos::http1
