// Fingerprints of TLS clients, from what their hellos offer: the same for the same library with the
// same settings, whoever's address it comes from. No proof of anything: a client can offer what
// another does.
//
// JA3 (https://github.com/salesforce/ja3): numbers in the client's order, hashed. JA4
// (https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md): sorted, so that clients that
// shuffle their extensions keep theirs, with a part that people can read.
#pragma once

#include <string>

#include "source/filters/listener/tls_inspector/client_hello.h"

namespace proxenos::filters::tls_inspector {

// The text that a JA3 fingerprint is the hash of.
std::string Ja3Text(const HelloShape& shape);
// MD5, 32 hexadecimal digits.
std::string Ja3(const HelloShape& shape);
// "t13d1516h2_8daaf6152771_e5627efa2ab1"
std::string Ja4(const HelloShape& shape);

}  // namespace proxenos::filters::tls_inspector
