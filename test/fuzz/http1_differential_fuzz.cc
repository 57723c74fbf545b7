// Our request decoder against Debian's http_parser, which descends from nginx's and was Node's and
// Envoy's: what we accept it must accept too and read the same way, message by message. (The other
// direction is no aim: it accepts a good deal that we refuse.)
//
// Differences that are known and justified, each handled where it is named below:
//   1. Methods: http_parser has a list; we take any token. Requests with others are not compared.
//   2. Targets: in an absolute URL http_parser wants a strict host and no sub-delims such as "~" or
//      "!"; CONNECT and absolute targets that it calls invalid are not compared further.
//   3. http_parser stops at any Upgrade that Connection names. We take one out that asks for HTTP
//      itself (h2c) or comes with content; it is told to go on there.
//   4. http_parser keeps blanks at the end of a value in some states; values are compared trimmed.
//   5. After a request with Connection: close http_parser takes no more. Nor does a connection of
//      ours: the comparison ends there.
//   6. Chunk extensions are skipped by http_parser and checked by us: no difference in what is
//      accepted by both.
//   7. Where the input ends within a chunk line, we have not judged it yet, while http_parser takes
//      byte by byte what it may come to regret: of such a body only the part that we gave out is
//      compared.
//   8. http_parser takes a name that only begins with "transfer-encoding" for that field, and then
//      misses its chunked, or finds a length beside it. Such messages are not compared.
//   9. Where RFC 9110, 5.6.3 allows spaces and tabs, http_parser takes spaces only: behind a length
//   or
//      a coding, and between a chunk size and its extension. Input with tabs may be refused for
//      these.
#include <http_parser.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "source/base/check.h"
#include "source/http1/decoder.h"

namespace proxenos::http1 {
namespace {

struct Message {
  std::string method;
  std::string target_end;  // Path, or authority of CONNECT: what the target ends with.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool tunnel = false;
  bool keep_alive = true;
  bool complete = false;
};

class Collector final : public http::RequestVisitor {
 public:
  http::RequestHead& OnMessageBegin() override {
    arenas_.push_back(std::make_unique<buffer::Arena>());
    heads_.push_back(std::make_unique<http::RequestHead>(*arenas_.back()));
    return *heads_.back();
  }
  void OnHead(buffer::Slice) override {
    const http::RequestHead& head = *heads_.back();
    Message message;
    message.method = std::string(head.method_text);
    message.target_end =
        std::string(head.method == http::Method::kConnect ? head.authority : head.path);
    for (const http::Header& header : head.headers) {
      message.headers.emplace_back(std::string(header.name()), std::string(header.value()));
    }
    message.tunnel = head.framing.kind == http::Framing::kTunnel;
    message.keep_alive = head.keep_alive;
    messages.push_back(std::move(message));
  }
  void OnBody(buffer::Slice data) override {
    messages.back().body.append(data.data(), data.size());
  }
  http::HeaderMap& OnTrailersBegin() override { CHECK(false); }
  void OnTrailers(buffer::Slice) override { CHECK(false); }
  void OnComplete() override { messages.back().complete = true; }

  std::vector<Message> messages;

 private:
  std::vector<std::unique_ptr<buffer::Arena>> arenas_;
  std::vector<std::unique_ptr<http::RequestHead>> heads_;
};

// What http_parser's callbacks work on.
struct Oracle {
  const std::vector<Message>* ours = nullptr;
  std::vector<Message> messages;
  bool in_value = false;
  bool in_trailers = false;
};

Oracle& OracleOf(http_parser* parser) { return *static_cast<Oracle*>(parser->data); }

int OnBegin(http_parser* parser) {
  Oracle& oracle = OracleOf(parser);
  oracle.messages.emplace_back();
  oracle.in_value = oracle.in_trailers = false;
  return 0;
}

int OnUrl(http_parser* parser, const char* at, size_t size) {
  OracleOf(parser).messages.back().target_end.append(at, size);
  return 0;
}

int OnField(http_parser* parser, const char* at, size_t size) {
  Oracle& oracle = OracleOf(parser);
  if (oracle.in_trailers) return 0;
  auto& headers = oracle.messages.back().headers;
  if (headers.empty() || oracle.in_value) headers.emplace_back();
  oracle.in_value = false;
  for (size_t i = 0; i < size; ++i) {
    headers.back().first += static_cast<char>(tolower(static_cast<unsigned char>(at[i])));
  }
  return 0;
}

int OnValue(http_parser* parser, const char* at, size_t size) {
  Oracle& oracle = OracleOf(parser);
  if (oracle.in_trailers) return 0;
  oracle.in_value = true;
  oracle.messages.back().headers.back().second.append(at, size);
  return 0;
}

int OnHeadersComplete(http_parser* parser) {
  Oracle& oracle = OracleOf(parser);
  Message& message = oracle.messages.back();
  oracle.in_trailers = true;
  message.method = http_method_str(static_cast<http_method>(parser->method));
  const size_t index = oracle.messages.size() - 1;
  // Difference 3.
  if (index < oracle.ours->size() && !(*oracle.ours)[index].tunnel) parser->upgrade = 0;
  return 0;
}

int OnBodyPart(http_parser* parser, const char* at, size_t size) {
  OracleOf(parser).messages.back().body.append(at, size);
  return 0;
}

int OnMessageEnd(http_parser* parser) {
  OracleOf(parser).messages.back().complete = true;
  return 0;
}

bool IsKnownMethod(const std::string& method) {
#define PROXENOS_X(number, name, string) \
  if (method == #string) return true;
  HTTP_METHOD_MAP(PROXENOS_X)
#undef PROXENOS_X
  return false;
}

// Aborts, naming the difference.
void Require(bool same, const char* what, const Message& ours, const Message& theirs) {
  if (same) return;
  std::fprintf(stderr, "different %s:\n  ours:   %s %s\n%s\n  theirs: %s %s\n%s\n", what,
               ours.method.c_str(), ours.target_end.c_str(), ours.body.c_str(),
               theirs.method.c_str(), theirs.target_end.c_str(), theirs.body.c_str());
  CHECK(same);
}

void Compare(const Message& ours, const Message& theirs) {
  Require(ours.method == theirs.method, "method", ours, theirs);
  const bool made_up = ours.target_end == "/" || ours.target_end == "*" ||
                       absl::StartsWith(ours.target_end, "/?");  // From an absolute URL.
  Require(absl::EndsWith(theirs.target_end, ours.target_end) || made_up, "target", ours, theirs);
  // Each field that we pass on was there for them, in the same order; the rest are hop-by-hop.
  size_t next = 0;
  for (const auto& [name, value] : ours.headers) {
    const auto same = [&name = name, &value = value](const auto& their) {
      // Difference 4.
      return their.first == name && absl::StripAsciiWhitespace(their.second) == value;
    };
    const auto found = std::find_if(theirs.headers.begin() + static_cast<ptrdiff_t>(next),
                                    theirs.headers.end(), same);
    Require(found != theirs.headers.end(), name.c_str(), ours, theirs);
    next = static_cast<size_t>(found - theirs.headers.begin()) + 1;
  }
  if (ours.tunnel) return;  // What follows is no HTTP; http_parser leaves it.
  if (!ours.complete) {     // Difference 7.
    Require(absl::StartsWith(theirs.body, ours.body), "body", ours, theirs);
    return;
  }
  Require(theirs.complete, "end", ours, theirs);
  Require(ours.body == theirs.body, "body", ours, theirs);
}

// Whether http_parser may refuse what we accepted.
bool IsKnownRefusal(http_errno error, const Message& ours, absl::string_view input) {
  const bool has_tab = input.find('\t') != input.npos;
  switch (error) {
    case HPE_INVALID_URL:
      return true;  // Difference 2.
    case HPE_INVALID_CHUNK_SIZE:
    case HPE_INVALID_CONTENT_LENGTH:
      return has_tab;  // Difference 9.
    case HPE_INVALID_TRANSFER_ENCODING:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      break;
    default:
      return false;
  }
  for (const auto& [name, value] : ours.headers) {
    if (absl::StartsWith(name, "transfer-encoding")) return true;  // Difference 8.
  }
  return has_tab;  // Difference 9.
}

std::vector<Message> DecodeOurs(absl::string_view input) {
  RequestDecoderOptions options;
  options.accept_http_10 = true;
  Collector collector;
  RequestDecoder decoder(options, collector);
  buffer::Slice bytes = buffer::Slice::Copy(input);
  while (decoder.Decode(bytes) == DecodeResult::kMessageComplete && !bytes.empty()) {
    if (!collector.messages.back().keep_alive) break;  // Difference 5.
  }
  // Of the last message, if we refused it within its body, there is nothing to compare.
  if (decoder.error() != http::CodecError::kNone && !collector.messages.empty() &&
      !collector.messages.back().complete) {
    collector.messages.pop_back();
  }
  return std::move(collector.messages);
}

void Run(absl::string_view input) {
  const std::vector<Message> ours = DecodeOurs(input);
  if (ours.empty()) return;
  for (const Message& message : ours) {
    if (!IsKnownMethod(message.method)) return;  // Difference 1.
  }
  Oracle oracle;
  oracle.ours = &ours;
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_message_begin = OnBegin;
  settings.on_url = OnUrl;
  settings.on_header_field = OnField;
  settings.on_header_value = OnValue;
  settings.on_headers_complete = OnHeadersComplete;
  settings.on_body = OnBodyPart;
  settings.on_message_complete = OnMessageEnd;
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &oracle;
  http_parser_execute(&parser, &settings, input.data(), input.size());

  const http_errno error = HTTP_PARSER_ERRNO(&parser);
  for (size_t i = 0; i < ours.size(); ++i) {
    const bool cut_off = i >= oracle.messages.size() || !oracle.messages[i].complete;
    if (cut_off && IsKnownRefusal(error, ours[i], input)) return;
    if (i >= oracle.messages.size()) std::fprintf(stderr, "%s\n", http_errno_description(error));
    CHECK(i < oracle.messages.size());
    Compare(ours[i], oracle.messages[i]);
  }
}

}  // namespace
}  // namespace proxenos::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::http1::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
