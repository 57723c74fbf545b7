// The first bytes of a hostile proxy: PROXY headers of both versions.
//
// Invariants: the verdict on a prefix, once there is one, is the verdict on the whole; a header is
// never longer than what came, and tells of two addresses or of none.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/filters/listener/proxy_protocol/proxy_header.h"

namespace proxenos::filters::proxy_protocol {
namespace {

void Check(absl::string_view bytes) {
  ProxyHeader whole;
  const Header verdict = ReadProxyHeader(bytes, &whole);
  if (verdict == Header::kFound) {
    CHECK(whole.size > 0 && whole.size <= bytes.size() && whole.size <= kMaxHeader);
    CHECK(whole.version == 1 || whole.version == 2);
    CHECK(whole.source.is_ip() == whole.destination.is_ip());
    CHECK(whole.source.family() == whole.destination.family());
    // They are all of what is behind the addresses, to the last byte.
    absl::string_view tlvs = whole.tlvs;
    while (const auto tlv = TakeTlv(&tlvs)) {
      CHECK(tlv->value.data() + tlv->value.size() <= bytes.data() + whole.size);
    }
    CHECK(tlvs.empty());
  }
  for (size_t part = 0; part < bytes.size(); part += 1 + bytes.size() / 16) {
    ProxyHeader cut;
    const Header early = ReadProxyHeader(bytes.substr(0, part), &cut);
    if (early == Header::kMore) continue;
    CHECK(early == verdict && cut.size == whole.size && cut.source == whole.source);
  }
}

}  // namespace
}  // namespace proxenos::filters::proxy_protocol

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::filters::proxy_protocol::Check(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
