// Binding, one socket per worker.
#include "source/server/listen_sockets.h"

#include <utility>

#include "source/net/datagram.h"

namespace proxenos::server {

absl::Status ListenSockets::Bind(const downstream::ListenerConfig& config) {
  if (!config.bind_to_port) return absl::OkStatus();
  std::vector<net::ListenOptions> options;
  for (size_t i = 0; i < config.addresses.size(); ++i) options.push_back(config.ListenOf(i));
  const auto known = listeners_.find(config.name);
  const bool datagrams = config.datagrams != nullptr;
  if (known != listeners_.end() && known->second.wanted == config.addresses &&
      known->second.options == options && known->second.datagrams == datagrams) {
    return absl::OkStatus();
  }
  Entry entry;
  entry.wanted = config.addresses;
  entry.options = std::move(options);
  entry.datagrams = datagrams;
  entry.sockets.resize(workers_);
  for (auto& sockets : entry.sockets) sockets.emplace();
  for (const net::Address& address : config.addresses) {
    net::Address bound = address;
    // A Unix socket has one queue: the first worker listens. (Its connections are few and local.)
    const uint32_t sockets = address.is_ip() && config.listen.reuse_port ? workers_ : 1;
    for (uint32_t worker = 0; worker < sockets; ++worker) {
      const net::ListenOptions& listen = entry.options[entry.bound.size()];
      auto fd =
          datagrams ? net::BindDatagramSocket(bound, listen) : net::BindListenSocket(bound, listen);
      if (!fd.ok()) return fd.status();
      // The first socket of port 0 finds a port; the others join it there.
      if (worker == 0) bound = net::Address::LocalOf(fd->get());
      entry.sockets[worker]->push_back(*std::move(fd));
    }
    // Without SO_REUSEPORT there is one queue, from which all workers take: connections. Datagrams
    // belong to sessions, which one worker has.
    const bool shared = address.is_ip() && sockets == 1 && !datagrams;
    for (uint32_t worker = 1; worker < workers_ && shared; ++worker) {
      entry.sockets[worker]->push_back(entry.sockets[0]->back().Duplicate());
    }
    entry.bound.push_back(std::move(bound));
  }
  listeners_[config.name] = std::move(entry);
  return absl::OkStatus();
}

std::optional<std::vector<net::UniqueFd>> ListenSockets::Take(const std::string& listener,
                                                              uint32_t worker) {
  const auto it = listeners_.find(listener);
  if (it == listeners_.end()) return std::nullopt;
  std::optional<std::vector<net::UniqueFd>> sockets =
      std::exchange(it->second.sockets[worker], std::nullopt);
  if (!sockets) return std::nullopt;
  if (it->second.datagrams) return sockets;  // They take what comes since they are bound.
  size_t next = 0;
  for (size_t i = 0; i < it->second.wanted.size(); ++i) {
    if (worker != 0 && !it->second.wanted[i].is_ip()) continue;  // The first worker's alone.
    // Bound already: listening can only fail for want of memory, and then nobody connects.
    (void)net::Listen((*sockets)[next++].get(), it->second.options[i]);
  }
  return sockets;
}

std::vector<net::Address> ListenSockets::Addresses(const std::string& listener) const {
  const auto it = listeners_.find(listener);
  return it == listeners_.end() ? std::vector<net::Address>() : it->second.bound;
}

}  // namespace proxenos::server
