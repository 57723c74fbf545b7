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

// What both roles have.
class Context {
 public:
  explicit Context(std::unique_ptr<const ContextState> state);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  const std::string& name() const;
  // Chains in use and trusted roots, leaf first.
  const std::vector<CertificateDetails>& certificates() const;
  const std::vector<CertificateDetails>& ca_certificates() const;
  const ContextState& state() const { return *state_; }

 private:
  const std::unique_ptr<const ContextState> state_;
};

class ServerContext final : public Context {
 public:
  using Context::Context;
  // Error: one line a fault of certificate, key, CA, CRL, cipher, group, staple, with its origin.
  static absl::StatusOr<std::shared_ptr<const ServerContext>> Make(const ServerOptions& options);
};

class ClientContext final : public Context {
 public:
  using Context::Context;
  static absl::StatusOr<std::shared_ptr<const ClientContext>> Make(const ClientOptions& options);
  const ClientOptions& options() const;
};

}  // namespace proxenos::tls
