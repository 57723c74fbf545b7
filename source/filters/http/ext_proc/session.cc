// Sessions without a request.
#include "source/filters/http/ext_proc/session.h"

#include <algorithm>

namespace proxenos::filters::ext_proc {

void ExtProcPart::Linger(std::unique_ptr<Session> session, event::EventLoop& loop,
                         base::Nanos at_most) {
  if (lingering_.size() >= kMaxLingering) lingering_.erase(lingering_.begin());
  Session& kept = *session;
  lingering_.push_back(std::move(session));
  kept.on_progress = [this, &kept, &loop] {
    while (kept.call.Receive().has_value()) {
    }
    if (kept.call.done()) SetOver(kept, loop);
  };
  kept.deadline.emplace(loop.timers(), [this, &kept, &loop] { SetOver(kept, loop); });
  kept.deadline->ArmIn(at_most);
  kept.call.CloseSend();
}

// It is in the middle of a callback of the session's.
void ExtProcPart::SetOver(Session& session, event::EventLoop& loop) {
  session.over = true;
  loop.Schedule(this);
}

void ExtProcPart::Run() {
  std::erase_if(lingering_, [](const auto& session) { return session->over; });
}

}  // namespace proxenos::filters::ext_proc
