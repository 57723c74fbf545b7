// Writing, and a close that does not destroy what was written.
#include "source/filters/network/direct_response/direct_response.h"

#include <utility>

#include "source/base/limits.h"
#include "source/downstream/terminal_connection.h"

namespace proxenos::filters::direct_response {
namespace {

using downstream::Arrival;
using downstream::ChainService;
using net::FlushStatus;
using net::ReadStatus;

class ResponseConnection final : public downstream::TerminalConnection {
 public:
  ResponseConnection(ChainService& service, Arrival arrival, const std::string& text)
      : TerminalConnection(service, std::move(arrival)),
        timeout_(loop().timers(), [this] { Close(); }) {
    socket().out().Append(absl::string_view(text));
    timeout_.ArmIn(base::limits::kStreamIdleTimeout);
  }

 private:
  void Advance() override {
    const FlushStatus flushed = socket().Flush();
    if (flushed == FlushStatus::kError) {
      Close();
      return;
    }
    if (flushed == FlushStatus::kDone && !shut_) {
      shut_ = true;
      socket().ShutdownWrite();
      timeout_.ArmIn(base::limits::kDelayedCloseTimeout);
    }
    Discard();
  }
  // What the client still sends must be read, or the kernel answers it with a reset that may
  // overtake the text.
  void Discard() {
    for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && socket().may_read(); ++reads) {
      buffer::Slice bytes;
      const ReadStatus status = socket().Read(&bytes);
      if (status == ReadStatus::kNothing) return;
      if (status == ReadStatus::kBytes) continue;
      if (shut_ || status == ReadStatus::kError) Close();
      return;
    }
    if (socket().may_read()) WantAdvance();
  }
  void OnClosing() override { timeout_.Disarm(); }

  event::Timer timeout_;  // Of a client that does not take the text, then of its end.
  bool shut_ = false;     // All was sent, the end too.
};

class ResponseService final : public ChainService {
 public:
  ResponseService(Parts parts, const std::string& text)
      : ChainService(std::move(parts)), text_(text) {}
  std::unique_ptr<downstream::Connection> Begin(Arrival arrival) override {
    return std::make_unique<ResponseConnection>(*this, std::move(arrival), text_);
  }
  bool begins_at_once() const override { return true; }

 private:
  const std::string& text_;  // Of the configuration, which outlives this.
};

}  // namespace

std::unique_ptr<ChainService> DirectResponse::MakeService(ChainService::Parts parts) const {
  return std::make_unique<ResponseService>(std::move(parts), text_);
}

}  // namespace proxenos::filters::direct_response
