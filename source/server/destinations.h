// Destinations: which of a worker's listeners takes a connection that was for some address, for
// those with use_original_dst. An address of its own comes before one for all of them.
//
// Owner: a Worker, which makes it anew after its listeners changed. Thread: the worker's.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/downstream/http_config.h"
#include "source/net/address.h"

namespace proxenos::server {

class Destinations {
 public:
  // Every address of a listener, which outlives this. One that takes datagrams has none.
  void Add(const downstream::ListenerConfig& listener);
  // The name of the listener; null: there is none.
  const std::string* Find(const net::Address& destination) const;

 private:
  absl::flat_hash_map<net::Address, const std::string*> names_;
};

}  // namespace proxenos::server
