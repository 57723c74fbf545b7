// One network filter after another.
#include "source/downstream/chain_service.h"

#include <utility>

#include "source/downstream/listener.h"

namespace proxenos::downstream {

using filter::NetworkConnection;
using Verdict = filter::NetworkFilter::Verdict;

namespace {

NetworkConnection ViewOf(Arrival& arrival, Listener& listener, event::TurnEnd& waker) {
  const absl::string_view name = arrival.server_name.empty()
                                     ? arrival.info.requested_server_name
                                     : absl::string_view(arrival.server_name);
  return {arrival.info,           name, arrival.cluster, listener.loop().now(),
          listener.environment(), waker};
}

}  // namespace

ChainService::ChainService(Parts parts)
    : listener_(parts.listener), chain_(std::move(parts.chain)), cells_(std::move(parts.cells)) {
  for (const auto& factory : chain_->filters) {
    filters_.push_back(factory->Create(parts.registry));
    checks_first_bytes_ = checks_first_bytes_ || filters_.back()->wants_first_bytes();
  }
}

ChainService::~ChainService() = default;

uint32_t ChainService::connection_buffer_bytes() const {
  return listener_.config().connection_buffer_bytes;
}

Verdict ChainService::Admit(Arrival& arrival, Passage& passage, event::TurnEnd& waker) {
  if (filters_.empty()) return {};
  if (arrival.info.local.family() == net::Address::Family::kNone) {
    arrival.info.local = net::Address::LocalOf(arrival.socket.fd());
  }
  Verdict verdict = AskAll(arrival, passage, waker, &filter::NetworkFilter::OnConnection);
  if (!verdict.pass) Abandon(passage);
  return verdict;
}

void ChainService::Release() {
  for (const auto& filter : filters_) filter->OnEnd();
}

void ChainService::Abandon(Passage& passage) {
  passage.wait.reset();
  while (passage.passed > 0) filters_[--passage.passed]->OnEnd();
}

Verdict ChainService::CheckFirstBytes(Arrival& arrival, Passage& passage, event::TurnEnd& waker) {
  return AskAll(arrival, passage, waker, &filter::NetworkFilter::OnFirstBytes);
}

Verdict ChainService::AskAll(Arrival& arrival, Passage& passage, event::TurnEnd& waker, Ask ask) {
  NetworkConnection connection = ViewOf(arrival, listener_, waker);
  for (; passage.passed < filters_.size(); ++passage.passed) {
    Verdict verdict;
    if (passage.wait == nullptr) {
      verdict = (filters_[passage.passed].get()->*ask)(connection);
      passage.wait = std::move(verdict.wait);
    }
    if (passage.wait != nullptr) {
      if (!passage.wait->over()) return {};
      verdict = passage.wait->Take(connection);
      passage.wait.reset();
    }
    if (!verdict.pass) return verdict;
  }
  return {};
}

net::ReadStatus FirstBytes(net::Connection& socket) {
  // Behind a handshake, what a read would find may have been decoded already.
  const net::Transport* transport = socket.transport();
  if (transport != nullptr && transport->buffered()) return net::ReadStatus::kBytes;
  char byte;
  uint32_t got = 0;
  return socket.Peek(&byte, 1, &got);
}

}  // namespace proxenos::downstream
