// Whatever head and body we can make, encoded and decoded again they are the same.
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/http1/decoder.h"
#include "source/http1/encoder.h"
#include "test/http1/recorder.h"
#include "test/http1/replay.h"

namespace proxenos::http1 {
namespace {

constexpr uint32_t kMessages = 2000;

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed + 1) {}

  uint32_t Below(uint32_t n) { return random_() % n; }
  std::string Text(absl::string_view alphabet, uint32_t max) {
    std::string text;
    for (uint32_t n = 1 + Below(max); n > 0; --n) text += alphabet[Below(alphabet.size())];
    return text;
  }
  std::string Value() {
    std::string value;
    for (uint32_t n = Below(Below(10) == 0 ? 600 : 40); n > 0; --n) {
      char c = static_cast<char>(Below(256));
      value += c == '\t' || (static_cast<uint8_t>(c) >= 0x20 && c != 0x7f) ? c : 'v';
    }
    // Blanks at either end are not part of a value.
    return value.empty() ? value : absl::StrCat("(", value, ")");
  }
  // A name that is not known and has no meaning of its own.
  std::string Name() { return absl::StrCat("z-", Text("abcxyz019-_.~!", 24)); }
  void AddFields(http::HeaderMap& headers) {
    for (uint32_t n = Below(30); n > 0; --n) headers.Add(Name(), Value());
    if (Below(2) == 0) headers.Add(http::HeaderId::kAccept, Value());
    if (Below(2) == 0) headers.Add(http::HeaderId::kUserAgent, Value());
  }
  // A body of the framing that was chosen, on the wire; and as plain text.
  void AppendBody(http::Framing::Kind on_wire, uint64_t length, buffer::Buffer& out,
                  std::string& plain) {
    if (on_wire == http::Framing::kLength) {
      plain = std::string(length, 'b');
      out.Append(plain);
    } else if (on_wire == http::Framing::kChunked) {
      for (uint32_t n = Below(5); n > 0; --n) {
        const std::string part = Text("0123456789abcdef\r\n;", 40);
        buffer::Buffer chunk;
        chunk.Append(part);
        AppendChunk(chunk, out);
        plain += part;
      }
      AppendLastChunk(nullptr, out);
    }
  }
  http::Framing Framing() {
    switch (Below(3)) {
      case 0:
        return {http::Framing::kLength, Below(200)};
      case 1:
        return {http::Framing::kChunked, 0};
      default:
        return {http::Framing::kNone, 0};
    }
  }

 private:
  std::minstd_rand random_;
};

std::string Fields(const http::HeaderMap& headers) {
  std::string text;
  for (const http::Header& header : headers) {
    if (header.id == http::HeaderId::kContentLength) continue;
    absl::StrAppend(&text, "  ", Escape(header.name()), ": ", Escape(header.value()), "\n");
  }
  return text;
}

std::string BodyText(const std::string& plain) {
  Transcript transcript;
  buffer::Arena arena;
  transcript.Begin();
  transcript.Head("", http::HeaderMap(arena), true);
  if (!plain.empty()) transcript.Body(plain);
  transcript.Complete();
  return transcript.Take().substr(1);  // Without the empty line of the head.
}

TEST(RoundTrip, Requests) {
  const RequestDecoderOptions options;
  for (uint32_t seed = 0; seed < kMessages; ++seed) {
    Maker maker(seed);
    buffer::Arena arena;
    http::RequestHead head(arena);
    const std::string methods[] = {"GET", "PUT", "DELETE", maker.Text("ABCxyz!#~09", 32)};
    const std::string method = methods[maker.Below(4)];
    const std::string path = "/" + maker.Text("abc/?&=%20;:@!$'()*+,~.-_\"<>[]{}|\\^`", 200);
    const std::string authority = maker.Text("abc.-_~!$&'()*+,;=09", 30) + ":80";
    head.method_text = method;
    head.method = http::ParseMethod(method);
    head.path = path;
    head.authority = authority;
    head.te_trailers = maker.Below(8) == 0;
    head.framing = method == "CONNECT" ? http::Framing() : maker.Framing();
    maker.AddFields(head.headers);

    buffer::Buffer out;
    const http::Framing::Kind on_wire = EncodeRequestHead(head, out);
    std::string body;
    maker.AppendBody(on_wire, head.framing.length, out, body);
    std::string expected = absl::StrCat("request ", method, " ", Escape(path), " host=", authority);
    if (on_wire == http::Framing::kLength) {
      absl::StrAppend(&expected, " length=", head.framing.length);
    }
    if (on_wire == http::Framing::kChunked) absl::StrAppend(&expected, " chunked");
    // RFC 9110, 8.6: said by the encoder.
    const bool said_none = on_wire == http::Framing::kNone && method == "PUT";
    if (said_none) absl::StrAppend(&expected, " length=0");
    if (head.te_trailers) absl::StrAppend(&expected, " te-trailers");
    absl::StrAppend(&expected, "\n", Fields(head.headers));
    if (on_wire == http::Framing::kLength || said_none) {
      absl::StrAppend(&expected, "  content-length: ", said_none ? 0 : head.framing.length, "\n");
    }
    absl::StrAppend(&expected, BodyText(body));
    ASSERT_EQ(ReplayRequests(out.ToString(), options, Cut::Random(seed, 100)), expected)
        << "seed " << seed;
  }
}

TEST(RoundTrip, Responses) {
  const ResponseDecoderOptions options;
  for (uint32_t seed = 0; seed < kMessages; ++seed) {
    Maker maker(seed);
    buffer::Arena arena;
    http::ResponseHead head(arena);
    const uint16_t statuses[] = {200, 206, 301, 404, 500, 599};
    head.status = statuses[maker.Below(6)];
    const std::string reason = maker.Text("abc DEF\t!", 20);
    head.reason = reason;
    head.framing = maker.Framing();
    maker.AddFields(head.headers);
    ResponseOptions response_options;
    response_options.close = maker.Below(2) == 0;

    buffer::Buffer out;
    const http::Framing::Kind on_wire = EncodeResponseHead(head, response_options, out);
    std::string body;
    maker.AppendBody(on_wire, head.framing.length, out, body);
    std::string expected = absl::StrCat("response ", head.status, " \"", Escape(reason), "\"",
                                        response_options.close ? " close" : "");
    if (on_wire == http::Framing::kChunked) {
      absl::StrAppend(&expected, " chunked");
    } else {
      absl::StrAppend(&expected, " length=", head.framing.length);
    }
    absl::StrAppend(&expected, "\n", Fields(head.headers));
    if (on_wire != http::Framing::kChunked) {
      absl::StrAppend(&expected, "  content-length: ", head.framing.length, "\n");
    }
    absl::StrAppend(&expected, BodyText(body));
    ASSERT_EQ(ReplayResponses(out.ToString(), options, {Expectation()}, Cut::Random(seed, 100)),
              expected)
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace proxenos::http1
