// From a template and the secrets that it names to a context: on the main thread, each time one of
// the secrets changes.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "source/tls/context_template.h"

namespace proxenos::tls {

// What the names of a ContextSecrets stand for now. Null where the template names none.
struct FoundSecrets {
  std::vector<const Identity*> identities;
  const Validation* validation = nullptr;
  const TicketKeys* ticket_keys = nullptr;
};

// Error: what is wrong, one line each. Besides what BoringSSL refuses, a check that is no check:
// names of peers whose certificates nobody has signed.
absl::StatusOr<std::shared_ptr<const ServerContext>> Assemble(const ServerTemplate& from,
                                                              const FoundSecrets& secrets);
absl::StatusOr<std::shared_ptr<const ClientContext>> Assemble(const ClientTemplate& from,
                                                              const FoundSecrets& secrets);

}  // namespace proxenos::tls
