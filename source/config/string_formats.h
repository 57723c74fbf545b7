// The string formats that validate.rules names. Each follows the standard cited, as strictly as
// protoc-gen-validate does: it decides which configurations Envoy accepts.
#pragma once

#include <cstddef>
#include <string_view>

namespace proxenos::config {

bool IsHostname(std::string_view text);  // RFC 1034 with RFC 1123's leading digits; no final dot.
bool IsIpv4(std::string_view text);      // Dotted decimal.
bool IsIpv6(std::string_view text);      // RFC 4291, without brackets and zone.
bool IsUri(std::string_view text);       // RFC 3986, with a scheme.
bool IsUriReference(std::string_view text);  // RFC 3986, with or without a scheme.
bool IsEmail(std::string_view text);         // RFC 5322's dot-atom form, domain a hostname.
bool IsUuid(std::string_view text);          // RFC 4122.

// RFC 9110 field names and values. Not strict: only NUL, CR and LF are wrong.
bool IsHeaderName(std::string_view text, bool strict);
bool IsHeaderValue(std::string_view text, bool strict);

// Characters of UTF-8 text, as the length rules count them.
size_t CountCodePoints(std::string_view text);

}  // namespace proxenos::config
