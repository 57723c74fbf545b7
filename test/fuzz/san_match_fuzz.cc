// Names of hostile certificates against matchers: the input is a pattern, a NUL byte, and the DER
// of a certificate.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "openssl/err.h"
#include "openssl/pool.h"
#include "openssl/x509.h"
#include "source/base/check.h"
#include "source/tls/san_match.h"

namespace proxenos::tls {
namespace {

using match::StringMatcher;

void CheckCover(absl::string_view pattern, absl::string_view host) {
  if (!DnsNameCovers(pattern, host)) return;
  if (absl::EqualsIgnoreCase(pattern, host)) return;
  // Otherwise one label of the host stands for the star, and all else is equal.
  CHECK(absl::StartsWith(pattern, "*."));
  CHECK(absl::EndsWithIgnoreCase(host, pattern.substr(1)));
  CHECK(host.size() > pattern.size() - 1);
  CHECK(host.substr(0, host.size() - (pattern.size() - 1)).find('.') == absl::string_view::npos);
}

void MatchAll(const std::string& pattern, const SubjectNames& names) {
  for (const SanMatcher::Type type :
       {SanMatcher::Type::kAny, SanMatcher::Type::kEmail, SanMatcher::Type::kDns,
        SanMatcher::Type::kUri, SanMatcher::Type::kIpAddress, SanMatcher::Type::kOtherName}) {
    for (const StringMatcher::Kind kind :
         {StringMatcher::Kind::kExact, StringMatcher::Kind::kPrefix, StringMatcher::Kind::kSuffix,
          StringMatcher::Kind::kContains}) {
      const std::vector<SanMatcher> matchers = {
          SanMatcher{type, StringMatcher(kind, pattern, false), "1.2.3.4"}};
      CHECK(!MatchesAny(matchers, names) || !names.empty());
    }
  }
}

void Fuzz(absl::string_view input) {
  const size_t end = input.find('\0');
  if (end == absl::string_view::npos) return;
  const std::string pattern(input.substr(0, end));
  const absl::string_view der = input.substr(end + 1);
  CheckCover(pattern, der.substr(0, 64));
  const bssl::UniquePtr<CRYPTO_BUFFER> buffer(
      CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(der.data()), der.size(), nullptr));
  const bssl::UniquePtr<X509> certificate = ParseCertificate(*buffer);
  FactsOf(*buffer);
  ERR_clear_error();
  if (certificate == nullptr) return;
  const SubjectNames names = SubjectNamesOf(*certificate);
  for (const std::string& name : names.dns) {
    CHECK(name.find('\0') == std::string::npos);
    CheckCover(name, pattern);
  }
  MatchAll(pattern, names);
  CHECK(!NamesHost(names, pattern) || !names.dns.empty() || !names.ip.empty());
  CommonNameOf(*certificate);
  DetailsOf(*certificate, "fuzz");
  ERR_clear_error();
}

}  // namespace
}  // namespace proxenos::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::tls::Fuzz(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
