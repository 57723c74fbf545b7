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
  kBadPriority,  // Not too much, but wrong: nobody else looks into PRIORITY.
};

class FrameMeter {
 public:
  // `preface`: of a server: the 24 bytes of RFC 9113, 3.4, come first.
  FrameMeter(const Options& options, bool preface);

  // A read of the connection begins.
  void BeginRead();
  // Looks at the next bytes of it; returns how many of them are to be taken now. Less than all once
  // flood() is not kNone, and when a DATA frame begins for a stream that may have ended since the
  // one before, right behind the frame's header.
  size_t Scan(absl::string_view bytes);
  Flood flood() const { return flood_; }
  // Whether Scan stopped for a DATA frame, and of which stream it is.
  bool data_begins() const { return data_begins_; }
  uint32_t frame_stream() const { return StreamOf(header_); }

  // A stream was begun by us; a DATA frame was sent.
  void CountStream() { Earn(); }
  void CountDataSent() { ++data_frames_sent_; }

 private:
  static constexpr uint32_t kHeaderBytes = 9;
  static constexpr uint32_t kDependencyBytes = 4;  // Of PRIORITY, behind its header.

  void Earn();
  void TakeHeader();
  void BeginData();
  // False: the stream that it depends on has yet to come.
  bool TakePriority(uint32_t length);
  void TakeEmptiness(uint32_t payload);
  static uint32_t StreamOf(const uint8_t* header) {
    return uint32_t{header[5] & 0x7fu} << 24 | uint32_t{header[6]} << 16 |
           uint32_t{header[7]} << 8 | header[8];
  }
  bool Spend(uint32_t& credit);

  const Budgets& budgets_;
  const uint32_t max_continuation_frames_;

  uint32_t skip_;                         // Bytes until the next frame header (or pad length).
  uint32_t header_bytes_ = 0;             // How many bytes of it are in header_ ...
  uint32_t wanted_bytes_ = kHeaderBytes;  // ... and how many are to be.
  bool pad_length_next_ = false;
  Flood flood_ = Flood::kNone;
  bool data_begins_ = false;
  uint8_t header_[kHeaderBytes + kDependencyBytes];
  uint32_t data_stream_ = 0;   // Whose DATA came last, if nothing can have ended it since.
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
