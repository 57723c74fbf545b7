// Asking netfilter.
#include "source/filters/listener/original_dst/original_dst.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace proxenos::filters::original_dst {
namespace {

// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, of headers that do not go with those of the C library.
constexpr int kOriginalDst = 80;

}  // namespace

void OriginalDst::InspectSocket(int fd, filter::ConnectionFacts& facts) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  const bool is_ipv4 = facts.direct_remote.family() == net::Address::Family::kIpv4;
  if (getsockopt(fd, is_ipv4 ? SOL_IP : SOL_IPV6, kOriginalDst, &storage, &size) != 0) return;
  const auto original =
      net::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage), size);
  if (original.is_ip()) {
    facts.local = original;
    facts.local_restored = true;
  }
}

}  // namespace proxenos::filters::original_dst
