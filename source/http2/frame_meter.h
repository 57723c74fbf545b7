// FrameMeter: looks at the header of each frame that comes, before nghttp2 does, and holds the
// kinds that cost us more than the peer against their budgets.
//
// It sees every frame, those too that nghttp2 passes over in silence (unknown types, PRIORITY,
// frames of streams that are over). Cost: a few instructions a frame, none a byte.
// Owner: a session. Thread: its worker's.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http2/options.h"

namespace proxenos::http2 {

// What a peer did too much of.
enum class Flood : uint8_t {
  kNone,
  kContinuation,
  kEmptyFrames,
  kPing,
  kPriority,
  kSettings,
  kWindowUpdate,
};

class FrameMeter {
 public:
  // `preface`: of a server: the 24 bytes of RFC 9113, 3.4, come first.
  FrameMeter(const Options& options, bool preface);

  // Looks at the next bytes of the connection; returns how many of them are within the budgets,
  // less than all once flood() is not kNone.
  size_t Scan(absl::string_view bytes);
  Flood flood() const { return flood_; }

  // The stream of the last DATA frame that Scan has just seen; 0: there was none.
  uint32_t data_stream() const { return data_stream_; }
  // The peer reset a stream and sent DATA for it then.
  bool data_after_reset() const { return data_after_reset_; }

  // A stream was begun by us; a DATA frame was sent.
  void CountStream() { Earn(); }
  void CountDataSent() { ++data_frames_sent_; }

 private:
  static constexpr uint32_t kHeaderBytes = 9;

  void Earn();
  void TakeHeader();
  void TakeEmptiness(uint32_t payload);
  bool Spend(uint32_t& credit);

  const Budgets& budgets_;
  const uint32_t max_continuation_frames_;

  uint32_t skip_;              // Bytes until the next frame header (or pad length).
  uint32_t header_bytes_ = 0;  // How many bytes of it are in header_.
  bool pad_length_next_ = false;
  Flood flood_ = Flood::kNone;
  bool data_after_reset_ = false;
  uint8_t header_[kHeaderBytes];
  uint32_t data_stream_ = 0;
  uint32_t reset_stream_ = 0;  // The last that the peer reset.
  uint32_t empty_frames_ = 0;  // In a row.
  uint32_t continuation_frames_ = 0;
  uint32_t settings_credit_;
  uint32_t ping_credit_;
  uint64_t streams_ = 0;
  uint64_t data_frames_sent_ = 0;
  uint64_t priority_frames_ = 0;
  uint64_t window_updates_ = 0;
};

}  // namespace proxenos::http2
