// ClientStates: BoringSSL's halves of client contexts, one for all contexts that are made of equal
// options. Control planes give each of thousands of clusters the same UpstreamTlsContext.
//
// What is equal is told by a digest over all that a context is made of, bytes of files and secrets
// included. A state lives as long as a context uses it; nothing is kept for later.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "source/tls/context_options.h"
#include "source/tls/context_state.h"

namespace proxenos::tls {

// SHA-256 over everything of the options but their name.
std::string DigestOf(const ClientOptions& options);

// Thread: any (locked; used when contexts are made and when they end).
class ClientStates {
 public:
  using Make = absl::StatusOr<std::unique_ptr<const ContextState>> (*)(const ClientOptions&);

  // The one of the process: contexts are made where nothing but a message is at hand.
  static ClientStates& OfProcess();

  // The state of equal options, or what `make` makes of these. Error: `make`'s.
  absl::StatusOr<std::shared_ptr<const ContextState>> Get(const ClientOptions& options, Make make);
  // How many there are.
  size_t size() const;

 private:
  struct Shared {
    std::unique_ptr<const ContextState> state;
    size_t users = 0;
  };

  std::shared_ptr<const ContextState> Use(const std::string& digest, Shared& shared);
  void Release(const std::string& digest);

  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, Shared> states_;  // By digest. Guarded by mutex_.
};

}  // namespace proxenos::tls
