// Compliance policies (TlsParameters.compliance_policies) on a context.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "openssl/ssl.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

// Has `ssl` follow the policy, whatever else it was configured with: to be called last.
absl::Status Comply(Compliance policy, SSL_CTX* ssl);

// What certificates may sign handshakes with under the policy; empty: it says nothing.
std::vector<uint16_t> SignaturesOf(Compliance policy);

}  // namespace proxenos::tls
