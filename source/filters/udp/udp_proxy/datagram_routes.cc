// Reading of addresses.
#include "source/filters/udp/udp_proxy/datagram_routes.h"

#include "absl/strings/str_cat.h"

namespace proxenos::filters::udp_proxy {
namespace {

using Input = DatagramRoutes::Input;

void Read(Input input, const net::Address& source, const net::Address& destination,
          match::Reading& reading) {
  const bool of_source = input == Input::kSourceIp || input == Input::kSourcePort;
  const net::Address& address = of_source ? source : destination;
  if (input == Input::kSourcePort || input == Input::kDestinationPort) {
    return reading.Keep(absl::StrCat(address.port()));
  }
  reading.Keep(address.IpString());
  reading.ip = address.IpBytes();
}

}  // namespace

const std::string* DatagramRoutes::Find(const net::Address& source,
                                        const net::Address& destination) const {
  if (!tree_) return clusters_.empty() ? nullptr : &clusters_.front();
  const match::Found found =
      tree_->Find([this, &source, &destination](uint32_t input, match::Reading& reading) {
        Read(inputs_[input], source, destination, reading);
      });
  return found.state == match::Found::State::kAction ? &clusters_[found.action] : nullptr;
}

}  // namespace proxenos::filters::udp_proxy
