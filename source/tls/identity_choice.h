// IdentityChoice: which of a server's identities answer for a server name.
//
// A name's candidates stand in the order of preference, ECDSA before RSA; BoringSSL takes the first
// that the client's algorithms allow. Thread: any (immutable once filled).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::tls {

class IdentityChoice {
 public:
  using Candidates = std::vector<uint16_t>;  // Indices of identities.

  // Add all, in their order, then Seal. `names` are in lower case; "*.example.com" is a wildcard.
  void Add(const std::vector<std::string>& names, bool is_rsa);
  // `scan_all`: a name that no certificate has may be answered with any of them. Otherwise with the
  // first, or one with the very same names and another kind of key.
  void Seal(bool scan_all);

  // Never empty, unless nothing was added. `server_name` may be empty.
  const Candidates& For(absl::string_view server_name) const;
  const Candidates& Default() const { return default_; }

 private:
  void Prefer(Candidates& candidates) const;

  struct Added {
    std::vector<std::string> names;  // Sorted.
    bool is_rsa;
  };
  std::vector<Added> added_;
  absl::flat_hash_map<std::string, Candidates> exact_;
  absl::flat_hash_map<std::string, Candidates> wildcard_;  // By what follows "*.".
  Candidates default_;
};

}  // namespace proxenos::tls
