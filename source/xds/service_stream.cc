// Opening, losing, opening again.
#include "source/xds/service_stream.h"

#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/open_stream.h"
#include "source/xds/retry_pause.h"

namespace proxenos::xds {

ServiceStream::ServiceStream(event::EventLoop& loop, ServiceStreamOptions options, Events events)
    : loop_(loop),
      options_(std::move(options)),
      events_(std::move(events)),
      open_timer_(loop.timers(), [this] { Open(); }),
      message_timer_(loop.timers(),
                     [this] {
                       if (stream_ != nullptr) stream_->Resume();
                     }),
      send_timer_(loop.timers(),
                  [this] { OnClosed(absl::DeadlineExceededError("the peer takes no message")); }),
      fail_timer_(loop.timers(), [this] { OnClosed(absl::Status(failure_)); }),
      choice_(options_.targets.size()) {
  CHECK(!options_.targets.empty());
}

ServiceStream::~ServiceStream() {
  if (stream_ == nullptr) return;
  stream_->Close();
  loop_.Retire(std::move(stream_));
}

void ServiceStream::Start() { open_timer_.ArmIn(0); }

void ServiceStream::Open() {
  answered_ = false;
  opened_at_ = loop_.now();
  MessageStream::Events events;
  events.on_connected = [] {};
  events.on_message = [this](std::string message) { OnMessage(std::move(message)); };
  events.on_sent = [this] { send_timer_.Disarm(); };
  events.on_closed = [this](const absl::Status& status) { OnClosed(status); };
  stream_ = OpenStream(loop_, {target(), options_.find_cluster, options_.method, attempts_++},
                       std::move(events));
  events_.on_opened();
}

void ServiceStream::Send(const google::protobuf::MessageLite& message) {
  DCHECK(ready());
  send_timer_.ArmIn(kSendTimeout);
  stream_->Send(message);
}

void ServiceStream::Fail(absl::Status status) {
  failure_ = std::move(status);
  fail_timer_.ArmIn(0);
}

void ServiceStream::OnMessage(std::string message) {
  answered_ = true;
  answered_by_ = choice_.current();
  stream_->Pause();
  message_timer_.ArmIn(kMessagePause);
  if (!fail_timer_.armed()) events_.on_message(message);
}

void ServiceStream::OnClosed(const absl::Status& status) {
  if (stream_ == nullptr) return;
  stream_->Close();
  loop_.Retire(std::move(stream_));
  message_timer_.Disarm();
  send_timer_.Disarm();
  fail_timer_.Disarm();
  // One that came to nothing but lasted was of use; one that was refused on our side was not.
  const bool answered = failure_.ok() && answered_;
  const bool of_use =
      answered || (failure_.ok() && loop_.now() - opened_at_ > target().backoff_max);
  failure_ = absl::OkStatus();
  if (of_use) failures_ = 0;
  const base::Nanos pause = RetryPause(target(), failures_++, loop_.random());
  PX_LOG(kConfig, kWarn, options_.method, ": stream ended (", status.ToString(),
         "), next attempt in ", pause / base::kMillisecond, " ms");
  // Silence, however long, is a failure of one that never said anything.
  choice_.OnLost(answered || (of_use && answered_by_ == choice_.current()));
  open_timer_.ArmIn(pause);
  events_.on_lost(status);
}

}  // namespace proxenos::xds
