// ListenSockets: the listening sockets of all listeners, one per address and worker (or one
// that all workers share, without enable_reuse_port).
//
// Made on the main thread before a listener is published, so that an address which cannot be bound
// is an error of the update. A listener that keeps its addresses keeps its sockets: not one waiting
// connection is lost by a change.
//
// Owner: the Server. Thread: main.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "source/downstream/http_config.h"
#include "source/net/socket.h"

namespace proxenos::server {

class ListenSockets {
 public:
  explicit ListenSockets(uint32_t workers) : workers_(workers) {}

  // Binds the sockets of a listener that is new or has other addresses than before; no-op when it
  // has the same. Error: which address cannot be bound; then nothing has changed.
  absl::Status Bind(const downstream::ListenerConfig& config);
  // The sockets for `worker`, now listening, when Bind made new ones for this listener (perhaps
  // none for this worker); nullopt when it keeps those it has. Call once per worker and update.
  std::optional<std::vector<net::UniqueFd>> Take(const std::string& listener, uint32_t worker);
  void Forget(const std::string& listener) { listeners_.erase(listener); }

  // The addresses a listener is really bound to (port 0 resolved).
  std::vector<net::Address> Addresses(const std::string& listener) const;

 private:
  struct Entry {
    std::vector<net::Address> wanted;
    std::vector<net::Address> bound;
    std::vector<net::ListenOptions> options;  // Of each address.
    bool datagrams = false;
    // By worker; moved out by Take.
    std::vector<std::optional<std::vector<net::UniqueFd>>> sockets;
  };

  const uint32_t workers_;
  absl::flat_hash_map<std::string, Entry> listeners_;
};

}  // namespace proxenos::server
