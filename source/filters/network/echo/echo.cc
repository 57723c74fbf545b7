// Reading as far as there is room to answer.
#include "source/filters/network/echo/echo.h"

#include <utility>

#include "source/base/limits.h"
#include "source/downstream/terminal_connection.h"

namespace proxenos::filters::echo {
namespace {

using downstream::Arrival;
using downstream::ChainService;
using net::FlushStatus;
using net::ReadStatus;

class EchoConnection final : public downstream::TerminalConnection {
 public:
  EchoConnection(ChainService& service, Arrival arrival)
      : TerminalConnection(service, std::move(arrival)),
        limit_(service.connection_buffer_bytes()) {}

 private:
  void Advance() override {
    for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && HasRoom() && MayRead();
         ++reads) {
      buffer::Slice bytes;
      const ReadStatus status = socket().Read(&bytes);
      if (status == ReadStatus::kNothing) break;
      if (status == ReadStatus::kError) {
        Close();
        return;
      }
      if (status == ReadStatus::kEnd) {
        ended_ = true;
        break;
      }
      socket().out().Append(std::move(bytes));
    }
    const FlushStatus flushed = socket().Flush();
    if (flushed == FlushStatus::kError || (flushed == FlushStatus::kDone && ended_)) {
      Close();
    } else if (HasRoom() && MayRead()) {
      WantAdvance();  // Behind other connections.
    }
  }
  bool HasRoom() const { return !ended_ && socket().out().size() < limit_; }

  const uint32_t limit_;
  bool ended_ = false;  // The client has sent all it will.
};

class EchoService final : public ChainService {
 public:
  explicit EchoService(Parts parts) : ChainService(std::move(parts)) {}
  std::unique_ptr<downstream::Connection> Begin(Arrival arrival) override {
    return std::make_unique<EchoConnection>(*this, std::move(arrival));
  }
};

}  // namespace

std::unique_ptr<ChainService> Echo::MakeService(ChainService::Parts parts) const {
  return std::make_unique<EchoService>(std::move(parts));
}

}  // namespace proxenos::filters::echo
