// Matching of a certificate's subjectAltNames: against configured matchers, and against the one
// name a connection was made to.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "source/tls/certificate.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

// Whether any of `matchers` matches any of `names`. An exact DNS matcher is a host name, so a
// wildcard in the certificate covers it; every other matcher sees the name's text.
bool MatchesAny(const std::vector<SanMatcher>& matchers, const SubjectNames& names);

// Whether the certificate was made for `name`: an IP address equals an IP name, a host name a DNS
// name or its wildcard.
bool NamesHost(const SubjectNames& names, absl::string_view name);

// Whether `pattern`, a DNS name of a certificate, covers `host` (RFC 6125 section 6.4): equal but
// for case, or "*." in place of the leftmost label, which must leave at least two labels.
bool DnsNameCovers(absl::string_view pattern, absl::string_view host);

}  // namespace proxenos::tls
