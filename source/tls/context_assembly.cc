// Secrets into their places.
#include "source/tls/context_assembly.h"

#include <string>

namespace proxenos::tls {
namespace {

void Fill(ContextOptions& options, const FoundSecrets& secrets) {
  for (const Identity* identity : secrets.identities) options.identities.push_back(*identity);
  if (secrets.validation != nullptr) {
    options.validation = Merge(std::move(options.validation), *secrets.validation);
  }
}

absl::Status CheckNames(const Validation& validation) {
  if (validation.san_matchers.empty() || validation.has_roots()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "subject alternative names are matched, but there is no trusted_ca: a certificate that "
      "nobody vouches for may have any name");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ServerContext>> Assemble(const ServerTemplate& from,
                                                              const FoundSecrets& secrets) {
  ServerOptions options = from.options;
  Fill(options.common, secrets);
  if (secrets.ticket_keys != nullptr) options.ticket_keys = secrets.ticket_keys->keys;
  const absl::Status status = CheckNames(options.common.validation);
  if (!status.ok()) return status;
  return ServerContext::Make(options);
}

absl::StatusOr<std::shared_ptr<const ClientContext>> Assemble(const ClientTemplate& from,
                                                              const FoundSecrets& secrets) {
  ClientOptions options = from.options;
  Fill(options.common, secrets);
  const Validation& validation = options.common.validation;
  const absl::Status status = CheckNames(validation);
  if (!status.ok()) return status;
  if (options.auto_sni_san_validation && !validation.has_roots()) {
    return absl::InvalidArgumentError(
        "auto_sni_san_validation needs a trusted_ca to say whose names are believed");
  }
  return ClientContext::Make(options);
}

}  // namespace proxenos::tls
