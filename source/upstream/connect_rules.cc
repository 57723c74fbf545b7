// Choosing of sources, and taking of turns.
#include "source/upstream/connect_rules.h"

namespace proxenos::upstream {

net::ConnectOptions ConnectRules::OptionsFor(const net::Address& to) const {
  net::ConnectOptions result;
  result.freebind = freebind;
  if (!options.empty()) result.options = &options;
  if (sources.empty()) return result;
  // The one of the host's family; where there is none, binding to the first says what is wrong.
  const ConnectSource* chosen = &sources.front();
  for (const ConnectSource& each : sources) {
    if (each.address.family() != to.family()) continue;
    chosen = &each;
    break;
  }
  result.source = chosen->address;
  if (chosen->options.has_value()) result.options = &*chosen->options;
  return result;
}

std::vector<net::Address> InOrder(const ConnectRules& rules, const net::Address& own,
                                  absl::Span<const net::Address> further) {
  const net::Address::Family family =
      rules.first_family == net::Address::Family::kNone ? own.family() : rules.first_family;
  std::vector<const net::Address*> preferred;
  std::vector<const net::Address*> others;
  const auto add = [&](const net::Address& address) {
    (address.family() == family ? preferred : others).push_back(&address);
  };
  add(own);
  for (const net::Address& address : further) add(address);
  std::vector<net::Address> result;
  result.reserve(1 + further.size());
  size_t next_preferred = 0;
  size_t next_other = 0;
  while (next_preferred < preferred.size() || next_other < others.size()) {
    for (uint32_t i = 0; i < rules.first_count && next_preferred < preferred.size(); ++i) {
      result.push_back(*preferred[next_preferred++]);
    }
    if (next_other < others.size()) result.push_back(*others[next_other++]);
  }
  return result;
}

}  // namespace proxenos::upstream
