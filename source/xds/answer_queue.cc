// Bounds and pauses.
#include "source/xds/answer_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/rpc/code.pb.h"
#include "source/base/check.h"
#include "source/base/clock.h"

namespace proxenos::xds {
namespace {

// Answers that wait for a slow stream. A control plane that sends more without reading the answers
// loses the oldest ones; the newest always tells it the state.
constexpr size_t kMaxAnswers = 64;

constexpr size_t kMaxReasonBytes = 4 * 1024;
constexpr size_t kMaxRefusalBytes = 1024 * 1024;

// Short at the most: a control plane that answers each NACK with the same can send what its
// operator mended only after our answer.
constexpr base::Nanos kFirstPause = 100 * base::kMillisecond;
constexpr base::Nanos kLongestPause = 2 * base::kSecond;

}  // namespace

std::string DescribeErrors(const std::vector<ResourceError>& errors) {
  std::string text;
  size_t described = 0;
  for (const ResourceError& error : errors) {
    if (text.size() > kMaxRefusalBytes) break;
    absl::StrAppend(&text, described == 0 ? "" : "\n", error.name, ": ",
                    absl::string_view(error.reason).substr(0, kMaxReasonBytes),
                    error.reason.size() > kMaxReasonBytes ? "…" : "");
    ++described;
  }
  if (described < errors.size()) {
    absl::StrAppend(&text, "\nand ", errors.size() - described, " more resources");
  }
  return text;
}

void Answer::FillError(google::rpc::Status& error) const {
  error.set_code(google::rpc::INVALID_ARGUMENT);
  error.set_message(refusal);
}

AnswerQueue::AnswerQueue(event::TimerWheel& timers, absl::AnyInvocable<void()> due)
    : pause_(timers, std::move(due)) {}

void AnswerQueue::Push(Answer answer, bool repeated) {
  // The newest nonce answers for those before it.
  if (repeated && pause_.armed()) answers_.pop_back();
  if (answers_.size() >= kMaxAnswers) answers_.pop_front();
  answers_.push_back(std::move(answer));
  if (!repeated) {
    repeats_ = 0;
    pause_.Disarm();
  } else if (!pause_.armed()) {
    const base::Nanos pause = kFirstPause << std::min(repeats_++, 10);
    pause_.ArmIn(std::min(pause, kLongestPause));
  }
}

Answer AnswerQueue::Pop() {
  DCHECK(ready());
  Answer answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

void AnswerQueue::Clear() {
  answers_.clear();
  pause_.Disarm();
}

}  // namespace proxenos::xds
