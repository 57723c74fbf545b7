// From part to part of a message, and what a script waits for.
#include "source/filters/http/lua/run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/filters/http/lua/api.h"
#include "source/http/content_coding.h"

namespace proxenos::filters::lua {
namespace {

using filter::Verdict;
using http::Framing;
using http::HeaderId;

// Of the answer to a call.
constexpr uint64_t kMaxAnswerBytes = 1024 * 1024;

int PushNothing(lua_State* lua, void*) { return PushNil(lua); }

int PushPiece(lua_State* lua, void* data) {
  PushObject(lua, kBufferType, 1, static_cast<Run*>(data)->number_of_piece());
  return 1;
}

int PushTrailers(lua_State* lua, void*) {
  PushObject(lua, kHeadersType, 2);
  return 1;
}

}  // namespace

Run::Run(const Place& place, filter::Direction direction, base::Rc<Vm> vm)
    : place_(place), direction_(direction), vm_(std::move(vm)), id_(vm_->NextRunId()) {}

Run::~Run() { End(); }

void Run::End() {
  over_ = true;
  call_ = nullptr;
  vm_->Forget(coroutine_);
}

void Run::Fail(absl::string_view why) {
  if (place_.part != nullptr) place_.part->stats->errors.Inc();
  PX_LOG(kHttp, kError, "script log: ", why);
  EndWithoutWait();
}

// A script may have caught that it could not wait, in a function that Lua's library called: what it
// asked for then is not to be waited for. An answer that it has given stands.
void Run::EndWithoutWait() {
  if (wait_ != Wait::kResponded) wait_ = Wait::kNothing;
  End();
}

void Run::Resume(Vm::Push push) {
  wait_ = Wait::kNothing;
  const Vm::Outcome outcome = vm_->Resume(*this, coroutine_, push, this);
  piece_ = nullptr;
  switch (outcome) {
    case Vm::Outcome::kDone:
      return EndWithoutWait();
    case Vm::Outcome::kFailed:
      return Fail(vm_->failure());
    case Vm::Outcome::kWaits:
      if (wait_ == Wait::kNothing) return Fail("script performed an unexpected yield");
      if (wait_ == Wait::kResponded) End();
      return;
  }
}

Verdict Run::OnHead(bool end) {
  end_ = end;
  if (place_.part != nullptr) place_.part->stats->executions.Inc();
  coroutine_ = vm_->Make(is_request() ? 0 : 1, id_);
  if (coroutine_.thread == nullptr) {
    Fail(vm_->failure());
    return Verdict::kContinue;
  }
  Resume(nullptr);
  if (wait_ == Wait::kResponded) return Verdict::kReplied;
  if (waits_here()) {
    paused_ = true;
    return Verdict::kPause;
  }
  LetHeadGo();
  return Verdict::kContinue;
}

Verdict Run::OnBody(buffer::Buffer& body, bool end) {
  if (over_) return Verdict::kContinue;
  end_ = end;
  saw_body_ = true;
  if (wait_ == Wait::kPiece) {
    piece_ = &body;
    ++number_of_piece_;
    Resume(PushPiece);
  } else if (wait_ == Wait::kTrailers && end) {
    Resume(PushNothing);
  }
  paused_ = wait_ == Wait::kCall;
  return paused_ ? Verdict::kPause : Verdict::kContinue;
}

Verdict Run::OnTrailers(http::HeaderMap& trailers) {
  if (over_) return Verdict::kContinue;
  end_ = true;
  trailers_ = &trailers;
  if (wait_ == Wait::kPiece) Resume(PushNothing);
  if (wait_ == Wait::kTrailers) Resume(PushTrailers);
  paused_ = wait_ == Wait::kCall;
  return paused_ ? Verdict::kPause : Verdict::kContinue;
}

void Run::OnWake() {
  if (over_ || !paused_) return;
  if (wait_ == Wait::kCall) {
    if (!call_->done()) return;
    Resume(PushCallResult);
  } else {
    const uint64_t size = in().body.size();
    if (size > body_max()) return RefuseBody();
    if (!in().end) return;
    saw_body_ = true;
    Resume(PushWholeBody);
  }
  FinishWait();
}

void Run::FinishWait() {
  if (wait_ == Wait::kResponded || waits_here()) return;
  paused_ = false;
  if (holds_head()) LetHeadGo();
  stream().Resume(place_.filter, direction_);
}

void Run::RefuseBody() {
  End();
  if (is_request()) {
    stream().Reply(413, "Payload Too Large", "request_payload_too_large", 0);
  } else {
    stream().Reply(500, "Internal Server Error", "response_payload_too_large", 0);
  }
}

void Run::LetHeadGo() {
  FreshenRoute();
  SettleLength();
  head_passed_ = true;
}

void Run::FreshenRoute() {
  if (!std::exchange(changed_, false)) return;
  if (is_request() && place_.settings.clear_route_cache) stream().Reroute();
}

// A length that is not the body's would let the rest pass for another message.
void Run::SettleLength() {
  if (!std::exchange(length_changed_, false)) return;
  http::HeaderMap& fields = headers();
  const bool whole = in().end && in().trailers == nullptr;
  switch (framing().kind) {
    case Framing::kChunked:
    case Framing::kUntilClose:
      if (!whole) break;
      framing() = Framing{Framing::kLength, in().body.size()};
      [[fallthrough]];
    case Framing::kLength:
      fields.Set(HeaderId::kContentLength, absl::AlphaNum(framing().length).Piece());
      return;
    case Framing::kNone:
      // What the body of an answer to GET would have had (RFC 9110, section 8.6).
      if (!is_request() &&
          (stream().request.method == http::Method::kHead || stream().response.status == 304)) {
        return;
      }
      if (!is_request()) return fields.Set(HeaderId::kContentLength, "0");
      break;
    case Framing::kTunnel:
      break;
  }
  fields.Remove(HeaderId::kContentLength);
}

uint32_t Run::body_max() const {
  // Where another filter takes more, so does a script.
  const uint64_t limit = stream().body_limit(direction_) - 1;
  return static_cast<uint32_t>(
      std::max<uint64_t>(kMaxBodyBytes, std::min<uint64_t>(limit, INT32_MAX)));
}

http::HeaderMap* Run::trailers() const {
  if (trailers_ != nullptr) return trailers_;
  return holds_head() && in().end ? in().trailers : nullptr;
}

void Run::WaitForBody(bool wraps_nothing) {
  wait_ = Wait::kWholeBody;
  wraps_nothing_ = wraps_nothing;
  stream().AwaitBody(direction_, body_max());
}

void Run::SetWholeBody(absl::string_view bytes) {
  buffer::Buffer& body = in().body;
  body.Clear();
  body.Append(bytes);
  length_changed_ = false;
  headers().Remove(HeaderId::kContentLength);
  if (in().trailers == nullptr) {
    framing() = Framing{Framing::kLength, bytes.size()};
    headers().Add(HeaderId::kContentLength, absl::AlphaNum(bytes.size()).Piece());
  } else {
    framing() = Framing{Framing::kChunked, 0};
  }
}

rpc::HttpCall* Run::OpenCall(absl::string_view cluster, base::Nanos timeout, bool waited,
                             const char*& why) {
  base::Rc<upstream::WorkerCluster> found =
      stream().environment.clusters.Find(std::string(cluster));
  if (!found) {
    why = "http call cluster invalid. Must be configured";
    return nullptr;
  }
  const rpc::HttpCall::Limits limits{timeout, kMaxAnswerBytes};
  if (waited) {
    call_ = std::make_unique<rpc::HttpCall>(std::move(found), limits,
                                            [this] { stream().Wake(place_.filter); });
    return call_.get();
  }
  LuaPart* part = place_.part;
  if (part == nullptr || !part->may_call()) {
    why = "too many asynchronous http calls are under way";
    return nullptr;
  }
  const LuaPart::Place kept = part->OpenCall();
  *kept = std::make_unique<rpc::HttpCall>(std::move(found), limits,
                                          [part, kept] { part->CloseCall(kept); });
  return kept->get();
}

void Run::WaitForCall(bool wants_all_values) {
  wait_ = Wait::kCall;
  wants_all_values_ = wants_all_values;
}

http::ResponseHead& Run::Respond(uint16_t status, absl::string_view body) {
  filter::StreamContext& context = stream();
  context.Reply(status, context.arena.Copy(body), "lua_response", 0);
  wait_ = Wait::kResponded;
  return context.response;
}

}  // namespace proxenos::filters::lua
