// The order in which a server prefers cipher suites when none are configured: AES-128 first, where
// the machine computes it in hardware; but ChaCha20 for clients who name it first, because those
// have no such hardware and would pay.
//
// BoringSSL's own equal-preference groups leave it all to the client, and OpenSSL's clients name
// AES-256 first: its SHA-384 costs a tenth of a handshake, and ChaCha20 in TLS 1.2 twice the bytes'
// price.
#pragma once

#include "openssl/ssl.h"

namespace proxenos::tls {

// Sets the order. `tls12_too`: no TLS 1.2 suites are configured either. False where the machine has
// no AES in hardware: then BoringSSL's order stands.
bool PreferAes(SSL_CTX* context, bool tls12_too);
// For a context where PreferAes was true: turns the order around for a client that wants ChaCha20.
void FollowChaCha(const SSL_CLIENT_HELLO& hello, bool tls12_too);

}  // namespace proxenos::tls
