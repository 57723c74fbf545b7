// ServerContext and ClientContext: everything that TLS connections of one configuration share.
//
// Invariant: immutable and shared by all workers (BoringSSL's own caches and counters inside are
// thread-safe). A rotated secret makes a new context; connections keep the one they began with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/tls/certificate_details.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

struct ContextState;  // BoringSSL's half.
class SessionStore;

// What both roles have.
class Context {
 public:
  explicit Context(std::shared_ptr<const ContextState> state);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // Chains in use and trusted roots, leaf first.
  const std::vector<CertificateDetails>& certificates() const;
  const std::vector<CertificateDetails>& ca_certificates() const;
  const ContextState& state() const { return *state_; }

 private:
  const std::shared_ptr<const ContextState> state_;
};

class ServerContext final : public Context {
 public:
  using Context::Context;
  // Error: one line a fault of certificate, key, CA, CRL, cipher, group, staple, with its origin.
  static absl::StatusOr<std::shared_ptr<const ServerContext>> Make(const ServerOptions& options);
};

// All that are made of equal options share BoringSSL's half, whatever their names: ten thousand
// clusters that trust one authority hold its roots once. Sessions are each one's own.
class ClientContext final : public Context {
 public:
  ClientContext(std::shared_ptr<const ContextState> state, std::unique_ptr<SessionStore> sessions);
  ~ClientContext();
  static absl::StatusOr<std::shared_ptr<const ClientContext>> Make(const ClientOptions& options);
  // What they were made of, without a name and without secrets.
  const ClientOptions& options() const;
  // What may be resumed; null: nothing. Locked inside.
  SessionStore* sessions() const { return sessions_.get(); }

 private:
  const std::unique_ptr<SessionStore> sessions_;
};

}  // namespace proxenos::tls
