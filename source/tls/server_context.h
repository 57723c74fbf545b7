// ServerContext and ClientContext: everything that TLS connections of one configuration share.
//
// Invariant: immutable and shared by all workers (BoringSSL's own caches and counters inside are
// thread-safe). A rotated secret makes a new context; connections keep the one they began with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

// One certificate, as /certs shows it (admin.v3.CertificateDetails).
struct CertificateDetails {
  std::string path;
  std::string serial_number;
  std::vector<std::string> dns_sans;
  std::vector<std::string> uri_sans;
  std::vector<std::string> ip_sans;
  int64_t valid_from_s = 0;  // Since the epoch.
  int64_t expires_s = 0;
  std::optional<int64_t> ocsp_from_s;
  std::optional<int64_t> ocsp_expires_s;
};

struct ContextState;  // BoringSSL's half.

// What both roles have.
class Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context();

  const std::string& name() const;
  // Chains in use and trusted roots, leaf first.
  const std::vector<CertificateDetails>& certificates() const;
  const std::vector<CertificateDetails>& ca_certificates() const;
  const ContextState& state() const { return *state_; }

 protected:
  Context();
  std::unique_ptr<ContextState> state_;
};

class ServerContext final : public Context {
 public:
  // Error: one line a fault of certificate, key, CA, CRL, cipher, group, staple, with its origin.
  static absl::StatusOr<std::shared_ptr<const ServerContext>> Make(const ServerOptions& options);
};

class ClientContext final : public Context {
 public:
  static absl::StatusOr<std::shared_ptr<const ClientContext>> Make(const ClientOptions& options);
  const ClientOptions& options() const;
};

}  // namespace proxenos::tls
