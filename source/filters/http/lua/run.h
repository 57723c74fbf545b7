// Run: one execution of envoy_on_request or envoy_on_response: a coroutine, what it waits for, and
// how far the message has come meanwhile.
//
//   OnHead ──► running ──► over
//               │   ▲
//               ▼   │ body is whole · next piece · trailers · call is over
//              waiting
//
// The head is held while the script waits for the whole body or for a call; it goes on when the
// script is over, or waits for pieces or trailers. Owner: the filter of one stream. Thread: the
// worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/rc.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/lua/part.h"
#include "source/filters/http/lua/settings.h"
#include "source/filters/http/lua/vm.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::lua {

// Of a body that a script wants whole: a connection's buffer in Envoy.
inline constexpr uint32_t kMaxBodyBytes = 1024 * 1024;
// Of a body that a script writes.
inline constexpr size_t kMaxWrittenBodyBytes = 16 * 1024 * 1024;
// Of names and values that one run adds to heads.
inline constexpr size_t kMaxWrittenHeaderBytes = 256 * 1024;
// Of dynamic metadata and filter state that one run leaves to others, about.
inline constexpr size_t kMaxNotedBytes = 1024 * 1024;

// Whom runs of one stream belong to. Outlives them.
struct Place {
  filter::StreamContext& stream;
  filter::HttpFilter& filter;
  const filter::FilterFactory& factory;
  const Settings& settings;
  const RouteSettings* route;  // May be null.
  LuaPart* part;               // May be null.
};

class Run {
 public:
  enum class Wait : uint8_t { kNothing, kWholeBody, kPiece, kTrailers, kCall, kResponded };

  Run(const Place& place, filter::Direction direction, base::Rc<Vm> vm);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run();

  // The parts of the message, as the filter is called with them.
  filter::Verdict OnHead(bool end);
  filter::Verdict OnBody(buffer::Buffer& body, bool end);
  filter::Verdict OnTrailers(http::HeaderMap& trailers);
  void OnWake();
  // The script goes no further.
  void End();

  // What a script's calls ask, from here on.
  uint64_t id() const { return id_; }
  filter::Direction direction() const { return direction_; }
  bool is_request() const { return direction_ == filter::Direction::kRequest; }
  const Place& place() const { return place_; }
  filter::StreamContext& stream() const { return place_.stream; }
  Vm& vm() const { return *vm_; }
  filter::Parts& in() const { return is_request() ? stream().request_in : stream().response_in; }
  http::HeaderMap& headers() const {
    return is_request() ? stream().request.headers : stream().response.headers;
  }
  http::Framing& framing() const {
    return is_request() ? stream().request.framing : stream().response.framing;
  }
  // Whether the head has not gone on yet.
  bool holds_head() const { return !head_passed_; }
  // Whether nothing of the message is to come: it has no trailers but those at hand.
  bool complete() const { return end_ || (holds_head() && in().end); }
  bool saw_body() const { return saw_body_; }
  // Of a message whose body is whole, or those at hand; null: none.
  http::HeaderMap* trailers() const;

  // The piece at hand, while it is; null behind it. By number_of_piece() of its time.
  buffer::Buffer* piece() const { return piece_; }
  uint32_t number_of_piece() const { return number_of_piece_; }
  // Whether the whole body is here, not more than there may be.
  bool has_whole_body() const { return holds_head() && in().end && in().body.size() <= body_max(); }
  // Puts `bytes` in the place of the whole body, and in the head how many those are.
  void SetWholeBody(absl::string_view bytes);

  // What the script waits for once it has yielded.
  void WaitFor(Wait wait) { wait_ = wait; }
  void WaitForBody(bool wraps_nothing);
  // Whether Respond was called.
  bool responded() const { return wait_ == Wait::kResponded; }
  // Whether the script wants an object even for a body that is empty.
  bool wraps_nothing() const { return wraps_nothing_; }
  // Makes a call that the script waits for, or else one that goes on without it; to be filled and
  // started by the caller. Null: `why` says why there is none.
  rpc::HttpCall* OpenCall(absl::string_view cluster, base::Nanos timeout, bool waited,
                          const char*& why);
  // The call that the script has waited for, and whether it wants each value of its fields.
  rpc::HttpCall* call() const { return call_.get(); }
  bool wants_all_values() const { return wants_all_values_; }
  void WaitForCall(bool wants_all_values);
  // A whole answer instead of the request's going on: a reply of the proxy's own, as any filter's.
  http::ResponseHead& Respond(uint16_t status, absl::string_view body);

  // False: the run has written all that it may.
  bool TakeHeaderRoom(size_t bytes) {
    if (bytes > header_room_) return false;
    header_room_ -= bytes;
    return true;
  }
  bool TakeNoteRoom(size_t bytes) {
    if (bytes > note_room_) return false;
    note_room_ -= bytes;
    return true;
  }
  // The head was changed: the route may be another.
  void MarkChanged() { changed_ = true; }
  // What a script wrote as the length of the body will be made to agree with it.
  void MarkLengthChanged() { length_changed_ = true; }
  // Chooses the route anew if the request has changed.
  void FreshenRoute();

 private:
  // Goes on with the script, and sees how it ended.
  void Resume(Vm::Push push);
  void Fail(absl::string_view why);
  void EndWithoutWait();
  void FinishWait();
  void RefuseBody();
  filter::Verdict VerdictOnHead();
  // The head goes on as it is.
  void LetHeadGo();
  void SettleLength();
  uint32_t body_max() const;
  bool waits_here() const { return wait_ == Wait::kWholeBody || wait_ == Wait::kCall; }

  const Place& place_;
  const filter::Direction direction_;
  const base::Rc<Vm> vm_;
  const uint64_t id_;
  Vm::Coroutine coroutine_;
  std::unique_ptr<rpc::HttpCall> call_;
  Wait wait_ = Wait::kNothing;
  bool over_ = false;
  bool end_ = false;  // Nothing of the message follows.
  bool head_passed_ = false;
  bool saw_body_ = false;
  bool paused_ = false;   // The part at hand is held.
  bool changed_ = false;  // The request's head, since the route was chosen.
  bool length_changed_ = false;
  bool wraps_nothing_ = false;
  bool wants_all_values_ = false;
  buffer::Buffer* piece_ = nullptr;
  http::HeaderMap* trailers_ = nullptr;
  uint32_t number_of_piece_ = 0;
  size_t header_room_ = kMaxWrittenHeaderBytes;
  size_t note_room_ = kMaxNotedBytes;
};

}  // namespace proxenos::filters::lua
