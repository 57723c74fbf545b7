// From the messages of secrets (TlsCertificate, CertificateValidationContext, TlsSessionTicketKeys,
// Secret) to plain data, with files read. Room 3 of an update (docs/life_of_an_update.md).
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "source/config/errors.h"
#include "source/tls/context_template.h"
#include "source/tls/secret.h"

namespace proxenos::tls {

// Each returns nothing when it has added errors below `path`. What is returned was read and is
// well-formed as far as the message tells; Prove says whether it can be used.
std::optional<Secret> CompileSecret(
    const envoy::extensions::transport_sockets::tls::v3::Secret& proto, const config::Path& path,
    config::Errors& errors);
std::optional<Identity> CompileIdentity(
    const envoy::extensions::transport_sockets::tls::v3::TlsCertificate& proto,
    const config::Path& path, config::Errors& errors);
std::optional<Validation> CompileValidation(
    const envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext& proto,
    const config::Path& path, config::Errors& errors);
std::optional<TicketKeys> CompileTicketKeys(
    const envoy::extensions::transport_sockets::tls::v3::TlsSessionTicketKeys& proto,
    const config::Path& path, config::Errors& errors);

// What a secret of that kind is named by.
SecretRef NameSecret(const envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig& proto,
                     SecretKind kind);

// Whether a watched_directory is named: the files are to be read again when they change.
bool IsWatched(const envoy::extensions::transport_sockets::tls::v3::TlsCertificate& proto);
bool IsWatched(
    const envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext& proto);

// Whether BoringSSL takes it: certificates that parse, the key that is the certificate's. Error: a
// line for each thing that is wrong.
absl::Status Prove(Identity identity);
absl::Status Prove(Validation validation);
absl::Status Prove(const Secret& secret);

}  // namespace proxenos::tls
