// ServerTemplate and ClientTemplate: a transport socket as it is configured: its options, and the
// secrets that it names instead of holding them. From the two, and from what the secrets are at the
// time, server/secret_store.h makes contexts, one after the other.
//
// Invariant: immutable, plain data. A template that names no secret has its context already.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/tls/context_options.h"
#include "source/tls/secret.h"
#include "source/tls/server_context.h"

namespace proxenos::tls {

// A secret by its name (SdsSecretConfig), or by the files that it is read from.
struct SecretRef {
  enum class From : uint8_t {
    kBootstrap,  // static_resources.secrets
    kDiscovery,  // SDS
    kFiles,      // Written inline, with a watched_directory: `bytes` is that secret, serialized.
  };
  From from = From::kBootstrap;
  SecretKind kind = SecretKind::kIdentity;
  std::string name;
  // Of kDiscovery: empty for the aggregated stream, else the serialized ConfigSource.
  std::string source;
  base::Nanos initial_fetch_timeout = 15 * base::kSecond;  // 0 waits without end.
  std::string bytes;                                       // Of kFiles.
};

struct ContextSecrets {
  std::vector<SecretRef> identities;     // When there are any, the options have none.
  std::optional<SecretRef> validation;   // Merged over what the options say.
  std::optional<SecretRef> ticket_keys;  // Servers only.

  bool empty() const { return identities.empty() && !validation && !ticket_keys; }
};

struct ServerTemplate {
  ServerOptions options;
  ContextSecrets secrets;
  std::shared_ptr<const ServerContext> context;  // Set when `secrets` is empty.
};

struct ClientTemplate {
  ClientOptions options;
  ContextSecrets secrets;
  std::shared_ptr<const ClientContext> context;  // Set when `secrets` is empty.
};

// CertificateValidationContext merged over the default one (combined_validation_context): single
// values replace, lists are joined, flags are or-ed.
Validation Merge(Validation base, const Validation& over);

}  // namespace proxenos::tls
