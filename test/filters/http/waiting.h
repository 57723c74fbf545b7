// Waiting: a stream that an asynchronous filter holds, whatever it waits for: a service, a file, a
// name, another stream, a thread, time. What has to hold of them all is in async_phases_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "test/filters/http/stream.h"

namespace proxenos::filters {

// The part of the message that is held.
enum class Phase {
  kRequestHead,
  kRequestBody,
  kRequestTrailers,
  kResponse,  // Its head or its body.
  kResponseTrailers,
};

class Waiting {
 public:
  explicit Waiting(Phase phase) : phase_(phase) {}
  virtual ~Waiting() = default;
  FilterHarness& stream() { return *stream_; }

  // Brings the stream to where it is held.
  void Begin() {
    FilterHarness& to = *stream_;
    to.SendRequest(phase_ != Phase::kRequestBody && phase_ != Phase::kRequestTrailers);
    switch (phase_) {
      case Phase::kRequestHead:
        return;
      case Phase::kRequestBody:
        return to.SendRequestBody(body(), true);
      case Phase::kRequestTrailers:
        to.SendRequestBody(body(), false);
        return to.SendRequestTrailers({{"x-trailer", "1"}});
      case Phase::kResponse:
        to.Until([&to] { return to.request_out.head; });
        return to.SendResponse(status(), body(), true);
      case Phase::kResponseTrailers:
        to.Until([&to] { return to.request_out.head; });
        to.SendResponse(status(), body(), false);
        return to.SendResponseTrailers({{"x-trailer", "1"}});
    }
  }

  // Whether the question has come to whoever answers it.
  virtual bool Asked() { return true; }
  // The good answer, at any time and more than once.
  virtual void Answer() = 0;
  // Called when the stream is over and answered.
  virtual void ExpectNothingLeft() {}

  // "waits", or what became of the message.
  std::string Outcome() {
    FilterHarness& at = *stream_;
    const bool is_request = phase_ < Phase::kResponse;
    if (at.aborted()) return "aborted";
    if (at.response_out.end) return ResponseText(at);
    if (!is_request) return "waits";
    const bool passed = phase_ == Phase::kRequestHead ? at.request_out.head : at.request_out.end;
    return passed ? "passed" : "waits";
  }
  std::string Decided() {
    stream_->Until([this] { return Outcome() != "waits"; });
    return Outcome();
  }

 protected:
  virtual uint16_t status() const { return 200; }
  virtual std::string body() const { return "body"; }

  const Phase phase_;
  std::unique_ptr<FilterHarness> stream_;
};

struct WaitCase {
  std::string name;
  std::function<std::unique_ptr<Waiting>()> make;
  std::string answered;      // The outcome.
  std::string silent = "";   // The outcome without an answer;
  base::Nanos patience = 0;  // after so long. 0: it never ends, or an answer is always there.
  bool holds_still = true;   // Without an answer it waits, however often the loop turns.
};

inline void PrintTo(const WaitCase& one, std::ostream* out) { *out << one.name; }

std::vector<WaitCase> ServiceCases();    // Calls of our own.
std::vector<WaitCase> DiscoveryCases();  // Names and hosts.
std::vector<WaitCase> CacheCases();
std::vector<WaitCase> LocalCases();  // Time and threads.

}  // namespace proxenos::filters
