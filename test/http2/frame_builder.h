// FrameBuilder: HTTP/2 frames by hand, right and wrong ones; and frames as text.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::http2 {

// RFC 9113, section 6.
enum FrameType : uint8_t {
  kDataFrame = 0,
  kHeadersFrame = 1,
  kPriorityFrame = 2,
  kResetFrame = 3,
  kSettingsFrame = 4,
  kPushPromiseFrame = 5,
  kPingFrame = 6,
  kGoAwayFrame = 7,
  kWindowUpdateFrame = 8,
  kContinuationFrame = 9,
};

inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kAck = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;
inline constexpr uint8_t kPadded = 0x8;

using Fields = std::vector<std::pair<std::string, std::string>>;

// Fields as HPACK literals without indexing (RFC 7541, 6.2.2), no Huffman.
std::string Literals(const Fields& fields);
// One literal that goes into the dynamic table (6.2.1); one reference to entry `index` (6.1).
std::string IndexedLiteral(absl::string_view name, absl::string_view value);
std::string Reference(uint32_t index);

// A GET of "/" at "a", with `more` behind.
Fields GetFields(const Fields& more = {});

class FrameBuilder {
 public:
  FrameBuilder& Preface();  // And an empty SETTINGS.
  FrameBuilder& Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload);
  FrameBuilder& Settings(const std::vector<std::pair<uint16_t, uint32_t>>& settings);
  FrameBuilder& Headers(uint32_t stream, const Fields& fields,
                        uint8_t flags = kEndHeaders | kEndStream);
  FrameBuilder& Data(uint32_t stream, absl::string_view data, uint8_t flags = 0);
  FrameBuilder& Ping(uint64_t opaque, uint8_t flags = 0);
  FrameBuilder& Reset(uint32_t stream, uint32_t code);
  FrameBuilder& WindowUpdate(uint32_t stream, uint32_t increment);
  FrameBuilder& GoAway(uint32_t last_stream, uint32_t code);

  std::string Take() { return std::exchange(bytes_, ""); }

 private:
  std::string bytes_;
};

struct ReadFrame {
  uint8_t type;
  uint8_t flags;
  uint32_t stream;
  std::string payload;
};

// Takes `bytes` apart, which hold whole frames (and a client's preface, which is passed over).
std::vector<ReadFrame> ReadFrames(absl::string_view bytes);
// One line a frame, such as "HEADERS 1 end", "DATA 1 5 bytes end", "GOAWAY last=1 code=11".
std::string FramesText(absl::string_view bytes);

}  // namespace proxenos::http2
