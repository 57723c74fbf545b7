// Loading of identities from hostile bytes: PEM chains and keys, PKCS#12 bundles, OCSP responses.
// The first byte says which.
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "openssl/err.h"
#include "source/base/check.h"
#include "source/tls/identity.h"
#include "source/tls/ocsp.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

void Load(const Identity& identity) {
  const auto loaded = LoadIdentity(identity);
  if (!loaded.ok()) {
    CHECK(!loaded.status().message().empty());
    return;
  }
  CHECK(!loaded->chain.empty());
  CHECK(loaded->details.size() == loaded->chain.size());
  CHECK(loaded->key != nullptr);
  for (const auto& certificate : loaded->chain) {
    const SessionInfo::Certificate facts = FactsOf(*certificate);
    CHECK(facts.sha256_hex.size() == 64);
    for (const std::string& name : facts.dns_sans) CHECK(name.find('\0') == std::string::npos);
  }
}

void Fuzz(absl::string_view input) {
  if (input.empty()) return;
  const char kind = input[0];
  const std::string bytes(input.substr(1));
  Identity identity;
  identity.origin = "fuzz";
  identity.password = "secret";
  switch (kind) {
    case 'p':
      // Each reader takes the blocks that are its own.
      identity.chain_pem = bytes;
      identity.key_pem = bytes;
      Load(identity);
      break;
    case 'b':
      if (bytes.empty()) return;
      identity.pkcs12 = bytes;
      Load(identity);
      break;
    case 'o': {
      // The first certificate of the process: its serial number is 1001 in every run.
      static const testing::TestCertificate subject = testing::MakeCa("subject");
      const auto times = CheckOcspResponse(bytes, subject.x509(), nullptr);
      if (times.ok()) times->ExpiredAt(0);
      break;
    }
    default:
      break;
  }
  ERR_clear_error();
}

}  // namespace
}  // namespace proxenos::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::tls::Fuzz(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
