// Reading of facts.
#include "source/downstream/chain_tree.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace proxenos::downstream {
namespace {

using match::Reading;

void ShowUnlessEmpty(absl::string_view text, Reading& reading) {
  if (!text.empty()) reading.Show(text);
}

void ReadIp(const net::Address& address, Reading& reading) {
  if (address.IpBytes().empty()) return;
  reading.Keep(address.IpString());
  reading.ip = address.IpBytes();
}

void ReadPort(const net::Address& address, Reading& reading) {
  if (!address.IpBytes().empty()) reading.Keep(absl::StrCat(address.port()));
}

void Read(ChainTree::Input input, const filter::ConnectionFacts& facts, Reading& reading) {
  using Input = ChainTree::Input;
  switch (input) {
    case Input::kDestinationIp:
      return ReadIp(facts.local, reading);
    case Input::kDestinationPort:
      return ReadPort(facts.local, reading);
    case Input::kSourceIp:
      return ReadIp(facts.remote, reading);
    case Input::kSourcePort:
      return ReadPort(facts.remote, reading);
    case Input::kDirectSourceIp:
      return ReadIp(facts.direct_remote, reading);
    case Input::kSourceType: {
      const absl::string_view ip = facts.remote.IpBytes();
      const bool local = facts.remote.IsLoopback() || ip == facts.local.IpBytes();
      if (!ip.empty() && local) reading.Show("local");
      return;
    }
    case Input::kServerName:
      return ShowUnlessEmpty(facts.server_name, reading);
    case Input::kTransportProtocol:
      return ShowUnlessEmpty(facts.transport_protocol, reading);
    case Input::kApplicationProtocols:
      if (facts.application_protocols.empty()) return;
      return reading.Keep(
          absl::StrCat("'", absl::StrJoin(facts.application_protocols, "','"), "'"));
  }
}

}  // namespace

int ChainTree::Find(const filter::ConnectionFacts& facts) const {
  const match::Found found = tree_.Find(
      [this, &facts](uint32_t input, Reading& reading) { Read(inputs_[input], facts, reading); });
  return found.state == match::Found::State::kAction ? static_cast<int>(found.action) : otherwise_;
}

}  // namespace proxenos::downstream
