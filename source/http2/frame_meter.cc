// Frame headers and their budgets.
#include "source/http2/frame_meter.h"

#include <algorithm>
#include <cstring>

namespace proxenos::http2 {
namespace {

constexpr uint32_t kPrefaceBytes = 24;
constexpr uint32_t kHeadPerContinuation = 16384;

// RFC 9113, section 6.
enum FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kResetStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kWindowUpdate = 8,
  kContinuation = 9,
};

constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kAck = 0x1;
constexpr uint8_t kPadded = 0x8;

}  // namespace

FrameMeter::FrameMeter(const Options& options, bool preface)
    : budgets_(options.budgets),
      // A head that may be larger than usual needs more frames for it.
      max_continuation_frames_(std::max(options.budgets.max_continuation_frames,
                                        2 * (options.max_head_bytes / kHeadPerContinuation))),
      skip_(preface ? kPrefaceBytes : 0),
      settings_credit_(options.budgets.max_settings_frames),
      ping_credit_(options.budgets.max_pings) {}

void FrameMeter::Earn() {
  ++streams_;
  settings_credit_ = std::min(settings_credit_ + 1, budgets_.max_settings_frames);
  ping_credit_ = std::min(ping_credit_ + 1, budgets_.max_pings);
}

void FrameMeter::BeginRead() {
  settings_credit_ = std::min(settings_credit_ + 1, budgets_.max_settings_frames);
  ping_credit_ = std::min(ping_credit_ + 1, budgets_.max_pings);
  data_stream_ = 0;
}

size_t FrameMeter::Scan(absl::string_view bytes) {
  data_begins_ = false;
  size_t at = 0;
  while (true) {
    const size_t skipped = std::min<size_t>(skip_, bytes.size() - at);
    at += skipped;
    skip_ -= static_cast<uint32_t>(skipped);
    if (at == bytes.size()) return at;
    if (pad_length_next_) {
      pad_length_next_ = false;
      const uint32_t pad = static_cast<uint8_t>(bytes[at++]);
      const uint32_t length = skip_ =
          (uint32_t{header_[0]} << 16 | uint32_t{header_[1]} << 8 | header_[2]) - 1;
      TakeEmptiness(length > pad ? length - pad : 0);
    } else {
      const size_t part = std::min<size_t>(wanted_bytes_ - header_bytes_, bytes.size() - at);
      std::memcpy(header_ + header_bytes_, bytes.data() + at, part);
      header_bytes_ += static_cast<uint32_t>(part);
      at += part;
      if (header_bytes_ < wanted_bytes_) return at;
      TakeHeader();
      if (header_bytes_ >= wanted_bytes_) {
        header_bytes_ = 0;
        wanted_bytes_ = kHeaderBytes;
      }
    }
    if (flood_ != Flood::kNone || data_begins_) return at;
  }
}

bool FrameMeter::Spend(uint32_t& credit) {
  if (credit == 0) return false;
  --credit;
  return true;
}

void FrameMeter::TakeHeader() {
  const uint32_t length = uint32_t{header_[0]} << 16 | uint32_t{header_[1]} << 8 | header_[2];
  const uint8_t type = header_[3];
  const uint8_t flags = header_[4];
  skip_ = length;
  if (type != kContinuation) continuation_frames_ = 0;
  switch (type) {
    case kHeaders:
      Earn();
      [[fallthrough]];
    case kData:
      if (type == kData) BeginData();
      if ((flags & kPadded) != 0 && length > 0) {
        pad_length_next_ = true;
        skip_ = 0;
      } else {
        TakeEmptiness(length);
      }
      break;
    case kContinuation:
      TakeEmptiness(length);
      if (++continuation_frames_ > max_continuation_frames_) flood_ = Flood::kContinuation;
      break;
    case kSettings:
      if ((flags & kAck) == 0 && !Spend(settings_credit_)) flood_ = Flood::kSettings;
      break;
    case kPing:
      if (!Spend(ping_credit_)) flood_ = Flood::kPing;  // Answers too: who asked for so many?
      break;
    case kWindowUpdate:
      if (++window_updates_ >
          5 + 2 * (streams_ + budgets_.max_window_updates_per_data_frame * data_frames_sent_)) {
        flood_ = Flood::kWindowUpdate;
      }
      break;
    case kResetStream:  // The session knows which streams they end.
      data_stream_ = 0;
      break;
    case kPushPromise:  // nghttp2 ends the connection: pushing is off.
      break;
    case kPriority:
      if (!TakePriority(length)) break;
      [[fallthrough]];
    default:  // GOAWAY, and what we do not know.
      if (++priority_frames_ > budgets_.max_priority_frames_per_stream * (1 + streams_)) {
        flood_ = Flood::kPriority;
      }
      break;
  }
}

// RFC 9113, section 6.3, and RFC 7540, section 5.3.1. (nghttp2 judges its length.)
bool FrameMeter::TakePriority(uint32_t length) {
  const uint32_t stream = StreamOf(header_);
  if (stream == 0) flood_ = Flood::kBadPriority;
  if (length < kDependencyBytes) return true;
  if (header_bytes_ == kHeaderBytes) {
    wanted_bytes_ = kHeaderBytes + kDependencyBytes;
    skip_ = 0;
    return false;
  }
  skip_ = length - kDependencyBytes;
  if (StreamOf(header_ + kDependencyBytes) == stream) flood_ = Flood::kBadPriority;
  return true;
}

void FrameMeter::BeginData() {
  const uint32_t stream = StreamOf(header_);
  data_begins_ = stream != data_stream_;
  data_stream_ = (header_[4] & kEndStream) != 0 ? 0 : stream;
}

// Frames that carry nothing and end nothing.
void FrameMeter::TakeEmptiness(uint32_t payload) {
  // Flag 0x1 ends no stream on CONTINUATION; such a frame, if it is empty, says nothing either.
  const bool ends = (header_[4] & kEndStream) != 0 && header_[3] != kContinuation;
  if (payload > 0 || ends) {
    empty_frames_ = 0;
  } else if (++empty_frames_ > budgets_.max_consecutive_empty_frames) {
    flood_ = Flood::kEmptyFrames;
  }
}

}  // namespace proxenos::http2
