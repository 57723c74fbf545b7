// The session as a whole: bytes in and out, what breaks it, and who is told.
#include "source/http2/session_state.h"

#include <algorithm>
#include <array>
#include <utility>

#include "source/base/check.h"
#include "source/http2/callbacks.h"

namespace proxenos::http2 {
namespace {

constexpr uint32_t kFrameHeaderBytes = 9;

absl::string_view DetailOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFlowControlError:
      return "http2.flow_control_error";
    case ErrorCode::kSettingsTimeout:
      return "http2.settings_timeout";
    case ErrorCode::kStreamClosed:
      return "http2.stream_closed";
    case ErrorCode::kFrameSizeError:
      return "http2.frame_size_error";
    case ErrorCode::kCompressionError:
      return "http2.compression_error";
    case ErrorCode::kEnhanceYourCalm:
      return "http2.enhance_your_calm";
    case ErrorCode::kInternalError:
      return "http2.internal_error";
    default:
      return "http2.protocol_error";
  }
}

uint32_t ReadWord(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

}  // namespace

// While it lives, a visitor may be running.
class SessionState::Inside {
 public:
  explicit Inside(SessionState& state) : state_(state) {
    DCHECK(!state_.inside_);
    state_.inside_ = true;
  }
  ~Inside() { state_.inside_ = false; }

 private:
  SessionState& state_;
};

SessionState::SessionState(const Options& options, stats::Http2Stats& stats, ServerVisitor* server,
                           ClientVisitor* client)
    : options_(options),
      stats_(stats),
      server_(server),
      client_(client),
      visitor_(server != nullptr ? static_cast<SessionVisitor&>(*server) : *client),
      session_(memory_.NewSession(Callbacks(), options, server != nullptr, this)),
      meter_(options, server != nullptr),
      reader_(options, stats),
      reset_credit_(options.budgets.reset_burst) {
  Configure();
}

SessionState::~SessionState() {
  DCHECK(!inside_);
  session_.reset();
  while (Stream* stream = streams_.front()) Forget(*stream);
}

void SessionState::Configure() {
  std::array<nghttp2_settings_entry, 8> entries;
  size_t count = 0;
  const auto add = [&](int32_t id, uint32_t value) { entries[count++] = {id, value}; };
  if (options_.header_table_size != 4096) {
    add(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options_.header_table_size);
  }
  if (server_ != nullptr) {
    add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_concurrent_streams);
    if (options_.allow_connect) add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    // Streams take turns; PRIORITY frames are read past (RFC 9218, 2.1.1).
    add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
  } else {
    add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.initial_stream_window);
  if (options_.max_frame_size != 16384) {
    add(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options_.max_frame_size);
  }
  int result = nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, entries.data(), count);
  CHECK(result == 0);
  result = nghttp2_session_set_local_window_size(
      session_.get(), NGHTTP2_FLAG_NONE, 0,
      static_cast<int32_t>(options_.initial_connection_window));
  CHECK(result == 0);
  Drain();
}

bool SessionState::Receive(const buffer::Slice& bytes) {
  const Inside inside(*this);
  if (!broken_ && !bytes.empty()) {
    in_ = &bytes;
    meter_.BeginRead();
    absl::string_view left = bytes.view();
    while (!left.empty() && !broken_ && meter_.flood() == Flood::kNone) {
      const size_t size = meter_.Scan(left);
      const ssize_t result = nghttp2_session_mem_recv(
          session_.get(), reinterpret_cast<const uint8_t*>(left.data()), size);
      if (result < 0 && !broken_) BreakBy(static_cast<int>(result));
      // nghttp2 does not tell of DATA that it ignores.
      if (meter_.data_begins()) JudgePast(static_cast<StreamId>(meter_.frame_stream()));
      left.remove_prefix(size);
    }
    in_ = nullptr;
    if (meter_.flood() != Flood::kNone && !broken_) EndForFlood();
    Drain();
    FinishBreaking();
  }
  DeliverEvents();
  return !broken_;
}

void SessionState::Produce(buffer::Buffer& out, uint64_t limit) {
  const Inside inside(*this);
  if (out.size() < limit) {
    if (!pending_.empty()) out.Append(std::move(pending_));
    out_ = &out;
    out_limit_ = limit;
    ssize_t size = 1;
    while (size > 0 && out.size() < limit) {
      const uint8_t* frame = nullptr;
      size = nghttp2_session_mem_send(session_.get(), &frame);
      if (size <= 0) break;
      CountFrame(frame, static_cast<size_t>(size));
      out.Append(
          absl::string_view(reinterpret_cast<const char*>(frame), static_cast<size_t>(size)));
    }
    out_ = nullptr;
    pending_frames_ = pending_control_frames_ = 0;
    if (size < 0 && !broken_) BreakBy(static_cast<int>(size));
    FinishBreaking();
  }
  DeliverEvents();
}

bool SessionState::wants_write() const {
  return !pending_.empty() || !events_.empty() || nghttp2_session_want_write(session_.get()) != 0;
}

bool SessionState::finished() const {
  return pending_.empty() && events_.empty() && nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

void SessionState::Drain() {
  draining_ = true;
  ssize_t size = 1;
  while (size > 0) {
    const uint8_t* frame = nullptr;
    size = nghttp2_session_mem_send(session_.get(), &frame);
    if (size <= 0) break;
    CountFrame(frame, static_cast<size_t>(size));
    pending_.Append(
        absl::string_view(reinterpret_cast<const char*>(frame), static_cast<size_t>(size)));
  }
  draining_ = false;
  if (size < 0 && !broken_) BreakBy(static_cast<int>(size));
  if (broken_ || error_ != ErrorCode::kNoError) return;
  // What piles up because the peer does not read.
  if (pending_control_frames_ > options_.budgets.max_outbound_control_frames) {
    stats_.outbound_control_flood.Inc();
    Break(ErrorCode::kEnhanceYourCalm, "http2.outbound_control_frames_flood");
  } else if (pending_frames_ > options_.budgets.max_outbound_frames) {
    stats_.outbound_flood.Inc();
    Break(ErrorCode::kEnhanceYourCalm, "http2.outbound_frames_flood");
  }
}

// `frame` is one frame as it leaves; a client's preface comes once, which looks like none.
void SessionState::CountFrame(const uint8_t* frame, size_t size) {
  if (size < kFrameHeaderBytes) return;
  ++pending_frames_;
  switch (frame[3]) {
    case NGHTTP2_HEADERS:
      if (submitted_ends_ > 0 && (frame[4] & NGHTTP2_FLAG_END_STREAM) != 0) {
        Stream* stream = Find(static_cast<StreamId>(ReadWord(frame + 5)));
        if (stream != nullptr) EndSent(*stream);
      }
      break;
    case NGHTTP2_GOAWAY: {
      stats_.goaway_sent.Inc();
      const ErrorCode code = static_cast<ErrorCode>(ReadWord(frame + kFrameHeaderBytes + 4));
      if (code != ErrorCode::kNoError) {
        goaway_queued_ = true;
        Break(code, DetailOf(code));
      }
      break;
    }
    case NGHTTP2_RST_STREAM:
      stats_.tx_reset.Inc();
      if (server_ != nullptr) history_.GiveUp(static_cast<StreamId>(ReadWord(frame + 5)));
      [[fallthrough]];
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      ++pending_control_frames_;
      break;
    default:
      break;
  }
}

void SessionState::Break(ErrorCode code, absl::string_view detail) {
  if (broken_) return;
  broken_ = true;
  error_ = code;
  detail_ = detail;
}

void SessionState::BreakBy(int library_error) {
  switch (library_error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return Break(ErrorCode::kProtocolError, "http2.bad_preface");
    case NGHTTP2_ERR_FLOODED:
      stats_.outbound_control_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.outbound_control_frames_flood");
    default:
      return Break(ErrorCode::kInternalError, "http2.internal_error");
  }
}

void SessionState::EndForFlood() {
  switch (meter_.flood()) {
    case Flood::kNone:
      return;
    case Flood::kContinuation:
      stats_.inbound_continuation_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_continuation_flood");
    case Flood::kEmptyFrames:
      stats_.inbound_empty_frames_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_empty_frames_flood");
    case Flood::kPing:
      stats_.inbound_ping_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_ping_flood");
    case Flood::kBadPriority:
      stats_.rx_messaging_error.Inc();
      return Break(ErrorCode::kProtocolError, "http2.bad_priority");
    case Flood::kPriority:
      stats_.inbound_priority_frames_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_priority_frames_flood");
    case Flood::kSettings:
      stats_.inbound_settings_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_settings_flood");
    case Flood::kWindowUpdate:
      stats_.inbound_window_update_frames_flood.Inc();
      return Break(ErrorCode::kEnhanceYourCalm, "http2.inbound_window_update_frames_flood");
  }
}

void SessionState::FinishBreaking() {
  if (!broken_ || goaway_queued_) return;
  goaway_queued_ = true;
  nghttp2_session_terminate_session(session_.get(), static_cast<uint32_t>(error_));
  // Nothing but the GOAWAY leaves from now on; nghttp2 may be unable to say even that.
  Drain();
}

void SessionState::SpendReset() {
  if (server_ == nullptr || broken_) return;
  if (reset_credit_ > 0) {
    --reset_credit_;
    return;
  }
  stats_.reset_flood.Inc();
  Break(ErrorCode::kEnhanceYourCalm, "http2.too_many_resets");
}

Stream* SessionState::Find(StreamId id) const {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

Stream& SessionState::Begin(StreamId id) {
  Stream* stream = std::make_unique<Stream>(id).release();
  streams_.PushBack(stream);
  ++active_streams_;
  stats_.streams_active.Inc();
  return *stream;
}

void SessionState::Silence(Stream& stream) {
  stream.visitor = nullptr;
  stream.request = nullptr;
  stream.response = nullptr;
  if (reading_ == &stream) {
    reading_ = nullptr;
    reader_.BeginNothing();
  }
}

void SessionState::Forget(Stream& stream) {
  DropQueue(stream);
  --active_streams_;
  stats_.streams_active.Dec();
  const std::unique_ptr<Stream> last(&stream);
}

void SessionState::AddEvent(Stream& stream) {
  if (!static_cast<base::ListNode<StreamEventTag>&>(stream).linked()) events_.PushBack(&stream);
}

void SessionState::DeliverEvents() {
  while (Stream* stream = events_.PopFront()) {
    if (!stream->closed) {
      if (std::exchange(stream->room_due, false)) visitor_.OnRoom(stream->id);
      continue;
    }
    const bool in_order = stream->close_code == ErrorCode::kNoError && stream->remote_ended &&
                          stream->end_sent && !stream->reset_by_peer;
    if (!in_order && !stream->reset_by_us) {
      visitor_.OnReset(stream->id, stream->close_code, stream->reset_by_peer);
    }
    visitor_.OnClosed(stream->id);
    Forget(*stream);
  }
}

void SessionState::SendShutdownNotice() {
  DCHECK(!inside_);
  if (server_ != nullptr) nghttp2_submit_shutdown_notice(session_.get());
}

void SessionState::SendGoAway(ErrorCode code) {
  DCHECK(!inside_);
  if (code != ErrorCode::kNoError) {
    Break(code, DetailOf(code));
    FinishBreaking();
    return;
  }
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void SessionState::SendPing(uint64_t opaque) {
  DCHECK(!inside_);
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(opaque >> (56 - 8 * i));
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, bytes);
}

void SessionState::ReleaseIdleMemory() {
  if (active_streams_ == 0) memory_.ReleaseIdle();
}

uint32_t SessionState::peer_setting(nghttp2_settings_id id) const {
  return nghttp2_session_get_remote_settings(session_.get(), id);
}

uint32_t SessionState::max_concurrent_streams() const {
  return std::min(options_.max_concurrent_streams,
                  peer_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
}

bool SessionState::CanBegin() const {
  return !broken_ && active_streams_ < max_concurrent_streams() &&
         nghttp2_session_check_request_allowed(session_.get()) != 0;
}

}  // namespace proxenos::http2
