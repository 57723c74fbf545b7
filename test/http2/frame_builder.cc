// Frames to bytes and back.
#include "test/http2/frame_builder.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace proxenos::http2 {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Word(uint32_t value) {
  return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                     static_cast<char>(value >> 8), static_cast<char>(value)};
}

uint32_t ReadWord(absl::string_view bytes) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i)
    word = word << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  return word;
}

// RFC 7541, 5.1.
std::string Integer(uint8_t first_byte, int prefix_bits, uint32_t value) {
  const uint32_t max = (1u << prefix_bits) - 1;
  if (value < max) return std::string(1, static_cast<char>(first_byte | value));
  std::string out(1, static_cast<char>(first_byte | max));
  value -= max;
  while (value >= 128) {
    out += static_cast<char>(value % 128 + 128);
    value /= 128;
  }
  out += static_cast<char>(value);
  return out;
}

std::string Text(absl::string_view text) {
  return absl::StrCat(Integer(0, 7, static_cast<uint32_t>(text.size())), text);
}

}  // namespace

std::string Literals(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out += Text(name) + Text(value);
  }
  return out;
}

std::string IndexedLiteral(absl::string_view name, absl::string_view value) {
  return absl::StrCat("\x40", Text(name), Text(value));
}

std::string Reference(uint32_t index) { return Integer(0x80, 7, index); }

Fields GetFields(const Fields& more) {
  Fields fields = {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

FrameBuilder& FrameBuilder::Preface() {
  bytes_ += kPreface;
  return Settings({});
}

FrameBuilder& FrameBuilder::Frame(uint8_t type, uint8_t flags, uint32_t stream,
                                  absl::string_view payload) {
  bytes_ += Word(static_cast<uint32_t>(payload.size())).substr(1);
  bytes_ += static_cast<char>(type);
  bytes_ += static_cast<char>(flags);
  bytes_ += Word(stream);
  absl::StrAppend(&bytes_, payload);
  return *this;
}

FrameBuilder& FrameBuilder::Settings(const std::vector<std::pair<uint16_t, uint32_t>>& settings) {
  std::string payload;
  for (const auto& [id, value] : settings) payload += Word(id).substr(2) + Word(value);
  return Frame(kSettingsFrame, 0, 0, payload);
}

FrameBuilder& FrameBuilder::Headers(uint32_t stream, const Fields& fields, uint8_t flags) {
  return Frame(kHeadersFrame, flags, stream, Literals(fields));
}

FrameBuilder& FrameBuilder::Data(uint32_t stream, absl::string_view data, uint8_t flags) {
  return Frame(kDataFrame, flags, stream, data);
}

FrameBuilder& FrameBuilder::Ping(uint64_t opaque, uint8_t flags) {
  return Frame(kPingFrame, flags, 0,
               Word(static_cast<uint32_t>(opaque >> 32)) + Word(static_cast<uint32_t>(opaque)));
}

FrameBuilder& FrameBuilder::Reset(uint32_t stream, uint32_t code) {
  return Frame(kResetFrame, 0, stream, Word(code));
}

FrameBuilder& FrameBuilder::WindowUpdate(uint32_t stream, uint32_t increment) {
  return Frame(kWindowUpdateFrame, 0, stream, Word(increment));
}

FrameBuilder& FrameBuilder::GoAway(uint32_t last_stream, uint32_t code) {
  return Frame(kGoAwayFrame, 0, 0, Word(last_stream) + Word(code));
}

std::vector<ReadFrame> ReadFrames(absl::string_view bytes) {
  std::vector<ReadFrame> frames;
  if (absl::StartsWith(bytes, kPreface)) bytes.remove_prefix(sizeof(kPreface) - 1);
  while (!bytes.empty()) {
    CHECK(bytes.size() >= 9);
    const size_t size = ReadWord(bytes) >> 8;
    CHECK(bytes.size() >= 9 + size);
    frames.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
                      ReadWord(bytes.substr(5)), std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  return frames;
}

std::string FramesText(absl::string_view bytes) {
  constexpr const char* kNames[] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                    "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                    "WINDOW_UPDATE", "CONTINUATION"};
  std::string text;
  for (const ReadFrame& frame : ReadFrames(bytes)) {
    absl::StrAppend(&text, frame.type < 10 ? kNames[frame.type] : "?");
    const bool ack = (frame.flags & kAck) != 0;
    switch (frame.type) {
      case kDataFrame:
        absl::StrAppend(&text, " ", frame.stream, " ", frame.payload.size(), " bytes",
                        ack ? " end" : "");
        break;
      case kHeadersFrame:
        absl::StrAppend(&text, " ", frame.stream, ack ? " end" : "");
        break;
      case kResetFrame:
        absl::StrAppend(&text, " ", frame.stream, " code=", ReadWord(frame.payload));
        break;
      case kGoAwayFrame:
        absl::StrAppend(&text, " last=", ReadWord(frame.payload),
                        " code=", ReadWord(absl::string_view(frame.payload).substr(4)));
        break;
      case kWindowUpdateFrame:
        absl::StrAppend(&text, " ", frame.stream, " +", ReadWord(frame.payload));
        break;
      case kSettingsFrame:
      case kPingFrame:
        absl::StrAppend(&text, ack ? " ack" : "");
        break;
      default:
        absl::StrAppend(&text, " ", frame.stream);
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace proxenos::http2
