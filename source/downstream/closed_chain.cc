// Connections that end where they begin.
#include "source/downstream/closed_chain.h"

#include <utility>

#include "source/downstream/terminal_connection.h"

namespace proxenos::downstream {
namespace {

class ClosedConnection final : public TerminalConnection {
 public:
  ClosedConnection(ChainService& service, Arrival arrival)
      : TerminalConnection(service, std::move(arrival)) {}

 private:
  void Advance() override { Close(); }
};

class ClosedService final : public ChainService {
 public:
  explicit ClosedService(Parts parts) : ChainService(std::move(parts)) {}
  std::unique_ptr<Connection> Begin(Arrival arrival) override {
    return std::make_unique<ClosedConnection>(*this, std::move(arrival));
  }
  bool begins_at_once() const override { return true; }
};

}  // namespace

std::unique_ptr<ChainService> ClosedChain::MakeService(ChainService::Parts parts) const {
  return std::make_unique<ClosedService>(std::move(parts));
}

}  // namespace proxenos::downstream
