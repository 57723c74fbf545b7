// The first bytes of a hostile client, as the TLS inspector sees them.
//
// Invariants: how many bytes have come decides only between "more" and the verdict on all of them;
// what is found is bounded and can be shown; fingerprints have their form, and whether they are
// wanted changes nothing else.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "source/base/check.h"
#include "source/filters/listener/tls_inspector/client_hello.h"
#include "source/filters/listener/tls_inspector/fingerprint.h"

namespace proxenos::filters::tls_inspector {
namespace {

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<uint8_t>(c)) || (c >= 'a' && c <= 'f');
  });
}

void CheckFingerprints(absl::string_view bytes, Hello verdict, const ClientHello& whole) {
  ClientHello hello;
  HelloShape shape;
  CHECK(ReadClientHello(bytes, HelloLimits(), &hello, &shape) == verdict);
  CHECK(hello.server_name == whole.server_name && hello.protocols == whole.protocols);
  if (verdict != Hello::kFound) return;
  const std::string ja3 = Ja3(shape);
  CHECK(ja3.size() == 32 && IsHex(ja3));
  // t13d1516h2_8daaf6152771_e5627efa2ab1
  const std::string ja4 = Ja4(shape);
  CHECK(ja4.size() == 36 && ja4[0] == 't' && ja4[10] == '_' && ja4[23] == '_');
  CHECK(std::all_of(ja4.begin() + 1, ja4.begin() + 10, absl::ascii_isalnum));
  CHECK(IsHex(ja4.substr(11, 12)) && IsHex(ja4.substr(24)));
  ClientHello limited;
  const HelloLimits small{256};
  const Hello strict = ReadClientHello(bytes, small, &limited, nullptr);
  CHECK(strict == verdict || strict == Hello::kTooLarge);
}

void Check(absl::string_view bytes) {
  ClientHello whole;
  const Hello verdict = ReadClientHello(bytes, &whole);
  CheckFingerprints(bytes, verdict, whole);
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
