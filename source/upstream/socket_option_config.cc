// Options by their numbers, as setsockopt takes them.
#include "source/upstream/socket_option_config.h"

#include <utility>

namespace proxenos::upstream {
namespace {

using Proto = envoy::config::core::v3::SocketOption;

net::SocketOption Compile(const Proto& proto) {
  net::SocketOption option;
  option.level = static_cast<int>(proto.level());
  option.name = static_cast<int>(proto.name());
  if (proto.value_case() == Proto::kBufValue) {
    option.value = proto.buf_value();
  } else {
    const int value = static_cast<int>(proto.int_value());
    option.value.assign(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  if (proto.state() == Proto::STATE_BOUND) option.when = net::SocketOption::When::kBound;
  if (proto.state() == Proto::STATE_LISTENING) option.when = net::SocketOption::When::kListening;
  if (proto.ip_version() == Proto::SOCKET_IP_VERSION_IPV4) {
    option.family = net::Address::Family::kIpv4;
  } else if (proto.ip_version() == Proto::SOCKET_IP_VERSION_IPV6) {
    option.family = net::Address::Family::kIpv6;
  }
  return option;
}

}  // namespace

std::vector<net::SocketOption> CompileSocketOptions(
    const google::protobuf::RepeatedPtrField<Proto>& protos, SocketKind kind) {
  std::vector<net::SocketOption> options;
  for (const Proto& proto : protos) {
    const bool of_others =
        kind == SocketKind::kStream ? proto.type().has_datagram() : proto.type().has_stream();
    if (!of_others) options.push_back(Compile(proto));
  }
  return options;
}

}  // namespace proxenos::upstream
