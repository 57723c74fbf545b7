// The first bytes of a hostile client, as the TLS inspector sees them.
//
// Invariants: how many bytes have come decides only between "more" and the verdict on all of them;
// what is found is bounded and can be shown.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "source/base/check.h"
#include "source/filters/listener/tls_inspector/client_hello.h"

namespace proxenos::filters::tls_inspector {
namespace {

void Check(absl::string_view bytes) {
  ClientHello whole;
  const Hello verdict = ReadClientHello(bytes, &whole);
  if (verdict == Hello::kFound) {
    CHECK(whole.server_name.size() <= 255);
    CHECK(std::all_of(whole.server_name.begin(), whole.server_name.end(), absl::ascii_isgraph));
    for (const std::string& protocol : whole.protocols) {
      CHECK(!protocol.empty() && protocol.size() <= 255);
    }
  }
  // Once a prefix has been judged, what follows changes nothing.
  for (const size_t part : {bytes.size() / 2, bytes.size() - bytes.size() / 4}) {
    ClientHello cut;
    const Hello early = ReadClientHello(bytes.substr(0, part), &cut);
    if (early == Hello::kMore) continue;
    CHECK(early == verdict);
    CHECK(cut.server_name == whole.server_name && cut.protocols == whole.protocols);
  }
}

}  // namespace
}  // namespace proxenos::filters::tls_inspector

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::filters::tls_inspector::Check(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
