// IdentityChoice: which of a server's identities answer for a server name.
//
// A list's candidates stand in the order of preference, ECDSA before RSA; BoringSSL takes the first
// that the client's algorithms allow. As in Envoy a name is answered by who has it, else by a
// wildcard, else by the first identity; who names no server gets what fits its algorithms.
// Thread: any (immutable once filled).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::tls {

class IdentityChoice {
 public:
  using Candidates = std::vector<uint16_t>;  // Indices of identities.
  // One list after another, the best first; null where there is none. The last is always there.
  using Lists = std::array<const Candidates*, 3>;

  // Add all, in their order, then Seal. `names` are in lower case; "*.example.com" is a wildcard.
  void Add(const std::vector<std::string>& names, bool is_rsa);
  // `scan_all`: where no certificate with the name can be used, any may be. Otherwise the first, or
  // one with the very same names and another kind of key.
  void Seal(bool scan_all);

  // The last list is never empty, unless nothing was added. `server_name` may be empty.
  Lists For(absl::string_view server_name) const;
  const Candidates& Default() const { return default_; }

 private:
  void Prefer(Candidates& candidates) const;
  // The first of each kind of key, as many as a handshake may look through.
  Candidates OfEachKind() const;

  struct Added {
    std::vector<std::string> names;  // Sorted.
    bool is_rsa;
  };
  std::vector<Added> added_;
  absl::flat_hash_map<std::string, Candidates> exact_;
  absl::flat_hash_map<std::string, Candidates> wildcard_;  // By what follows "*.".
  Candidates default_;
  Candidates unnamed_;  // For clients that name no server.
};

}  // namespace proxenos::tls
