// One network filter after another.
#include "source/downstream/chain_service.h"

#include <utility>

#include "source/downstream/listener.h"

namespace proxenos::downstream {

using filter::NetworkConnection;
using Verdict = filter::NetworkFilter::Verdict;

namespace {

NetworkConnection ViewOf(Arrival& arrival, base::MonoTime now) {
  const absl::string_view name = arrival.server_name.empty()
                                     ? arrival.info.requested_server_name
                                     : absl::string_view(arrival.server_name);
  return {arrival.info, name, arrival.cluster, now};
}

}  // namespace

ChainService::ChainService(Parts parts)
    : listener_(parts.listener), chain_(parts.chain), cells_(std::move(parts.cells)) {
  for (const auto& factory : chain_.filters) {
    filters_.push_back(factory->Create(parts.registry));
    checks_first_bytes_ = checks_first_bytes_ || filters_.back()->wants_first_bytes();
  }
}

ChainService::~ChainService() = default;

uint32_t ChainService::connection_buffer_bytes() const {
  return listener_.config().connection_buffer_bytes;
}

Verdict ChainService::Admit(Arrival& arrival) {
  if (filters_.empty()) return {};
  if (arrival.info.local.family() == net::Address::Family::kNone) {
    arrival.info.local = net::Address::LocalOf(arrival.socket.fd());
  }
  NetworkConnection connection = ViewOf(arrival, listener_.loop().now());
  for (size_t i = 0; i < filters_.size(); ++i) {
    const Verdict verdict = filters_[i]->OnConnection(connection);
    if (verdict.pass) continue;
    while (i > 0) filters_[--i]->OnEnd();
    return verdict;
  }
  return {};
}

void ChainService::Release() {
  for (const auto& filter : filters_) filter->OnEnd();
}

Verdict ChainService::CheckFirstBytes(Arrival& arrival) {
  NetworkConnection connection = ViewOf(arrival, listener_.loop().now());
  for (const auto& filter : filters_) {
    const Verdict verdict = filter->OnFirstBytes(connection);
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
