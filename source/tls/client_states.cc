// Telling options apart, and the table.
#include "source/tls/client_states.h"

#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"
#include "openssl/sha.h"

namespace proxenos::tls {
namespace {

// Feeds values, each with its length, to the digest. The structs are taken apart by structured
// bindings: a field that is added to one of them does not compile until it is fed here too.
class Digest {
 public:
  Digest() { SHA256_Init(&context_); }

  void Add(absl::string_view text) {
    AddNumber(text.size());
    SHA256_Update(&context_, text.data(), text.size());
  }
  template <typename Number>
    requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void Add(Number number) {
    AddNumber(static_cast<uint64_t>(number));
  }
  template <typename Each>
  void Add(const std::vector<Each>& list) {
    AddNumber(list.size());
    for (const Each& each : list) Add(each);
  }
  void Add(const std::string& text) { Add(absl::string_view(text)); }
  void Add(const std::optional<uint32_t>& number) {
    AddNumber(number.has_value() ? 1 : 0);
    AddNumber(number.value_or(0));
  }
  void Add(const KeyLogOptions::Range& range) { AddAll(range.first, range.second); }
  void Add(const Identity& identity) {
    const auto& [chain, key, pkcs12, password, staple, timestamps, origin] = identity;
    AddAll(chain, key, pkcs12, password, staple, timestamps, origin);
  }
  void Add(const SanMatcher& san) {
    const auto& [type, matcher, oid] = san;
    AddAll(type, matcher.Canonical(), oid);
  }
  void Add(const TrustDomain& domain) {
    const auto& [name, bundle, origin] = domain;
    AddAll(name, bundle, origin);
  }
  void Add(const Validation& validation) {
    const auto& [ca, crl, origin, system_roots, domains, sans, spki, certificates, untrusted,
                 expired, leaf_crl, timestamp, no_ca_list, depth] = validation;
    AddAll(ca, crl, origin, system_roots, domains, sans, spki, certificates, untrusted, expired,
           leaf_crl, timestamp, no_ca_list, depth);
  }
  void Add(const KeyLogOptions& options) {
    const auto& [path, local, remote] = options;
    AddAll(path, local, remote);
  }
  void Add(const ContextOptions& options) {
    const auto& [name, identities, validation, lowest, highest, ciphers, groups, signatures,
                 compliance, alpn, key_log] = options;
    static_cast<void>(name);
    AddAll(identities, validation, lowest, highest, ciphers, groups, signatures, compliance, alpn,
           key_log);
  }
  void Add(const ClientOptions& options) {
    const auto& [common, sni, host_sni, sni_san, renegotiation, session_keys, key_usage] = options;
    AddAll(common, sni, host_sni, sni_san, renegotiation, session_keys, key_usage);
  }

  std::string Take() {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256_Final(reinterpret_cast<uint8_t*>(digest.data()), &context_);
    return digest;
  }

 private:
  template <typename... Values>
  void AddAll(const Values&... values) {
    (Add(values), ...);
  }
  void AddNumber(uint64_t number) { SHA256_Update(&context_, &number, sizeof(number)); }

  SHA256_CTX context_;
};

}  // namespace

std::string DigestOf(const ClientOptions& options) {
  Digest digest;
  digest.Add(options);
  return digest.Take();
}

ClientStates& ClientStates::OfProcess() {
  // Never destroyed: contexts may end after everything else has.
  static ClientStates* const states = std::make_unique<ClientStates>().release();
  return *states;
}

absl::StatusOr<std::shared_ptr<const ContextState>> ClientStates::Get(const ClientOptions& options,
                                                                      Make make) {
  const std::string digest = DigestOf(options);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = states_.find(digest);
    if (found != states_.end()) return Use(digest, found->second);
  }
  // Unlocked: it takes long. Who comes second takes what came first.
  auto made = make(options);
  if (!made.ok()) return made.status();
  const std::lock_guard<std::mutex> lock(mutex_);
  Shared& shared = states_[digest];
  if (shared.state == nullptr) shared.state = *std::move(made);
  return Use(digest, shared);
}

// REQUIRES: mutex_ is held.
std::shared_ptr<const ContextState> ClientStates::Use(const std::string& digest, Shared& shared) {
  ++shared.users;
  return std::shared_ptr<const ContextState>(
      shared.state.get(), [this, digest](const ContextState*) { Release(digest); });
}

void ClientStates::Release(const std::string& digest) {
  std::unique_ptr<const ContextState> unused;  // Dies unlocked.
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = states_.find(digest);
  if (--found->second.users > 0) return;
  unused = std::move(found->second.state);
  states_.erase(found);
}

size_t ClientStates::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return states_.size();
}

}  // namespace proxenos::tls
