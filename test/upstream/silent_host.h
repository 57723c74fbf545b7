// SilentHost: a host whose queue of connections is full: the kernel does not answer.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::upstream {

class SilentHost {
 public:
  SilentHost() {
    net::Address address = *net::Address::FromIp("127.0.0.1", 0);
    net::ListenOptions options;
    options.backlog = 0;
    auto fd = net::BindListenSocket(address, options);
    CHECK(fd.ok() && net::Listen(fd->get(), options).ok());
    listening_ = *std::move(fd);
    address_ = net::Address::LocalOf(listening_.get());
    for (int i = 0; i < 4; ++i) queued_.push_back(*net::StartConnect(address_, {}));
  }
  uint16_t port() const { return address_.port(); }

 private:
  net::UniqueFd listening_;
  net::Address address_;
  std::vector<net::UniqueFd> queued_;
};

}  // namespace proxenos::upstream
