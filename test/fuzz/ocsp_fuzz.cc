// OCSP responses, as a file or a control plane may bring them.
//
// Input: as it is, and once more as changes to a good response: pairs of bytes, the first of which
// says how many bytes to go on and the second what to change there.
// Invariant: what the issuer has not signed never passes for its word.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/tls/ocsp.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

struct World {
  testing::TestCertificate ca = testing::MakeCa("root");
  testing::TestCertificate leaf = testing::MakeLeaf(ca, "a.example");
  std::string good = MakeGood();
  OcspTimes times = *CheckOcspResponse(good, leaf.x509(), &ca.x509());

  std::string MakeGood() const {
    testing::OcspWish wish;
    wish.issuer = &ca;
    return leaf.ocsp(wish);
  }
};

void Check(const World& world, absl::string_view der) {
  const auto checked = CheckOcspResponse(der, world.leaf.x509(), &world.ca.x509());
  const auto unsigned_too = CheckOcspResponse(der, world.leaf.x509(), nullptr);
  if (!checked.ok()) return;
  CHECK(unsigned_too.ok());
  CHECK(checked->this_update_s == world.times.this_update_s);
  CHECK(checked->next_update_s == world.times.next_update_s);
}

}  // namespace
}  // namespace proxenos::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const proxenos::tls::World world;
  proxenos::tls::Check(world, absl::string_view(reinterpret_cast<const char*>(data), size));
  std::string changed = world.good;
  size_t at = 0;
  for (size_t i = 0; i + 1 < size && at < changed.size(); i += 2) {
    at += data[i];
    if (at < changed.size()) changed[at] = static_cast<char>(changed[at] ^ data[i + 1]);
    ++at;
  }
  proxenos::tls::Check(world, changed);
  return 0;
}
