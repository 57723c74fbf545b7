// NamedHost: the host of a dynamic forward proxy's cluster that one connection is for, by the name
// that a network filter has found (filter::NamedDestination); and the wait for its address.
//
// Owner: the TcpConnection. Thread: the worker's. Its end cancels.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/filter/named_destination.h"
#include "source/net/address.h"
#include "source/upstream/dynamic_hosts.h"
#include "source/upstream/host_source.h"

namespace proxenos::filters::tcp_proxy {

class NamedHost {
 public:
  // The filter state in which its address is left, where that is wanted; the name is Envoy's.
  static constexpr absl::string_view kAddressState = "envoy.stream.upstream_address";

  enum class Found : uint8_t {
    kDone,    // Balancing will find the host, or none.
    kWaits,   // Find is to be called again once `done` was.
    kNoRoom,  // Too many wait, or are known.
  };

  // `source` is the cluster's and may be null; it outlives the wait. `done` is called once, in a
  // later turn, and captures nothing but the connection.
  Found Find(upstream::HostSource* source, const filter::ConnectionInfo& connection,
             absl::AnyInvocable<void()> done);
  bool waits() const { return wait_ != nullptr; }
  void Cancel() { wait_.reset(); }

  // PickRequest::authority; empty where the cluster has no use for it. Lives as long as the
  // connection's parts.
  absl::string_view authority() const { return authority_; }
  // Null: it is not wanted, or there is none.
  const net::Address* address() const { return host_ == nullptr ? nullptr : &host_->address(); }

 private:
  Found Accept(const upstream::NameView& known, bool saves_address);

  absl::string_view authority_;
  std::shared_ptr<const upstream::Host> host_;  // Only where its address is wanted.
  std::unique_ptr<upstream::DnsWait> wait_;     // Null: it does not.
};

}  // namespace proxenos::filters::tcp_proxy
