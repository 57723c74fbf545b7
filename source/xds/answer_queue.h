// AnswerQueue: what one subscription still has to say to the responses it got, oldest first: ACKs,
// and NACKs with their reasons.
//
// Control planes answer a NACK at once, and many of them with the same resources again: without a
// pause the two would turn in a circle as fast as they can. The first refusal goes out at once; the
// same once more waits, twice as long each time.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "google/rpc/status.pb.h"
#include "source/event/timer_wheel.h"
#include "source/xds/resource.h"

namespace proxenos::xds {

struct Answer {
  std::string version;  // In force after the response.
  std::string nonce;
  std::string refusal;  // Empty for an ACK.

  // Fills a NACK's error_detail. REQUIRES: refusal is not empty.
  void FillError(google::rpc::Status& error) const;
};

// A NACK's text: each refused resource is named as long as there is room; what is cut is counted.
std::string DescribeErrors(const std::vector<ResourceError>& errors);

// Owner: a Subscription. Thread: the main loop's.
class AnswerQueue {
 public:
  // `due` is called when a pause is over.
  AnswerQueue(event::TimerWheel& timers, absl::AnyInvocable<void()> due);

  // `repeated`: it says the same as the one before it.
  void Push(Answer answer, bool repeated);
  bool empty() const { return answers_.empty(); }
  // Whether Pop may be called now.
  bool ready() const { return !answers_.empty() && !pause_.armed(); }
  Answer Pop();
  // Ends the pause.
  void Hurry() { pause_.Disarm(); }
  void Clear();

 private:
  std::deque<Answer> answers_;
  event::Timer pause_;  // Armed: the last answer waits.
  int repeats_ = 0;     // How often in a row the same was said.
};

}  // namespace proxenos::xds
