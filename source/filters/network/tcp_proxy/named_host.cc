// Looking, and waiting.
#include "source/filters/network/tcp_proxy/named_host.h"

#include <optional>
#include <utility>

namespace proxenos::filters::tcp_proxy {

using upstream::NameState;

NamedHost::Found NamedHost::Find(upstream::HostSource* source,
                                 const filter::ConnectionInfo& connection,
                                 absl::AnyInvocable<void()> done) {
  upstream::DynamicHosts* hosts = source == nullptr ? nullptr : source->dynamic();
  if (hosts == nullptr) return Found::kDone;
  const auto* destination = filter::NamedDestination::Of(connection);
  // As in Envoy a filter of another cache does not help: there is no host then.
  if (destination == nullptr || destination->cache != hosts->cache().name()) return Found::kDone;
  authority_ = destination->authority;
  if (wait_ != nullptr) {
    const upstream::NameView known = wait_->Look();
    if (known.state == NameState::kPending) return Found::kWaits;
    wait_.reset();
    return Accept(known, destination->saves_address);
  }
  const auto name = upstream::ParseDynamicName(authority_, hosts->default_port());
  if (!name.has_value()) return Found::kDone;
  if (const upstream::NameView* known = hosts->Look(*name)) {
    return Accept(*known, destination->saves_address);
  }
  wait_ = hosts->Wait(*name, std::move(done));
  return wait_ == nullptr ? Found::kNoRoom : Found::kWaits;
}

NamedHost::Found NamedHost::Accept(const upstream::NameView& known, bool saves_address) {
  if (known.state == NameState::kRefused) return Found::kNoRoom;
  if (saves_address) host_ = known.host;
  return Found::kDone;
}

}  // namespace proxenos::filters::tcp_proxy
