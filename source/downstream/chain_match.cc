// Filling the index, and walking it.
#include "source/downstream/chain_match.h"

#include <algorithm>
#include <cstring>

namespace proxenos::downstream {
namespace {

using filter::ConnectionFacts;

// Values of all chains together, each combination counted: beyond it a listener is refused.
constexpr uint32_t kMaxNodes = 200000;

enum Level : int {
  kDestinationPort,
  kDestination,
  kServerName,
  kTransportProtocol,
  kApplicationProtocol,
  kDirectSource,
  kSourceType,
  kSource,
  kSourcePort,
};

bool IsAddressLevel(int level) {
  return level == kDestination || level == kDirectSource || level == kSource;
}

std::string PortKey(uint16_t port) {
  return {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

// A prefix as a key: its length, its family (by size), its bytes with the rest zero.
constexpr size_t kMaxPrefixKey = 1 + 16;
size_t WritePrefixKey(absl::string_view ip, uint32_t bits, char* out) {
  out[0] = static_cast<char>(bits);
  std::memcpy(out + 1, ip.data(), ip.size());
  for (size_t i = 0; i < ip.size(); ++i) {
    const uint32_t before = static_cast<uint32_t>(i) * 8;
    const uint32_t kept = bits <= before ? 0 : std::min<uint32_t>(bits - before, 8);
    out[1 + i] = static_cast<char>(static_cast<uint8_t>(out[1 + i]) & (0xff00u >> kept));
  }
  return 1 + ip.size();
}

std::vector<std::string> RangeKeys(const std::vector<AddressRange>& ranges) {
  std::vector<std::string> keys;
  for (const AddressRange& range : ranges) {
    char key[kMaxPrefixKey];
    keys.emplace_back(key, WritePrefixKey(range.first.IpBytes(), range.prefix_bits, key));
  }
  return keys;
}

std::vector<std::string> PortKeys(const std::vector<uint16_t>& ports) {
  std::vector<std::string> keys;
  for (const uint16_t port : ports) keys.push_back(PortKey(port));
  return keys;
}

std::vector<std::string> ServerNameKeys(const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  // "*.example.com" is kept as ".example.com", which no name is.
  for (const std::string& name : names) {
    keys.push_back(name.compare(0, 2, "*.") == 0 ? name.substr(1) : name);
  }
  return keys;
}

bool IsLocal(const ConnectionFacts& facts) {
  if (!facts.remote.is_ip()) return true;  // A Unix socket.
  return facts.remote.IsLoopback() || facts.remote.IpBytes() == facts.local.IpBytes();
}

}  // namespace

ChainMatch::Added ChainMatch::Add(int chain, const Criteria& criteria, int* other) {
  const std::vector<std::string> keys[kLevels] = {
      PortKeys(criteria.destination_ports),
      RangeKeys(criteria.destinations),
      ServerNameKeys(criteria.server_names),
      criteria.transport_protocol.empty() ? std::vector<std::string>()
                                          : std::vector<std::string>{criteria.transport_protocol},
      criteria.application_protocols,
      RangeKeys(criteria.direct_sources),
      criteria.source_type == SourceType::kAny
          ? std::vector<std::string>()
          : std::vector<std::string>{criteria.source_type == SourceType::kExternal ? "e" : "l"},
      RangeKeys(criteria.sources),
      PortKeys(criteria.source_ports),
  };
  const bool asks = std::any_of(std::begin(keys), std::end(keys),
                                [](const std::vector<std::string>& each) { return !each.empty(); });
  if (asks || chain != 0) always_first_ = false;
  needs_local_ = needs_local_ || !keys[kDestinationPort].empty() || !keys[kDestination].empty() ||
                 !keys[kSourceType].empty();
  return Insert(root_, 0, chain, other, keys);
}

ChainMatch::Added ChainMatch::Insert(Node& node, int level, int chain, int* other,
                                     const std::vector<std::string> (&keys)[kLevels]) {
  if (level == kLevels) {
    if (node.chain >= 0 && node.chain != chain) {
      *other = node.chain;
      return Added::kDuplicate;
    }
    node.chain = chain;
    return Added::kDone;
  }
  static const std::vector<std::string> kAnyValue{""};
  for (const std::string& key : keys[level].empty() ? kAnyValue : keys[level]) {
    std::unique_ptr<Node>& child = node.children[key];
    if (child == nullptr) {
      if (++nodes_ > kMaxNodes) return Added::kTooMany;
      child = std::make_unique<Node>();
      if (IsAddressLevel(level) && !key.empty()) {
        std::vector<uint8_t>& lengths = node.prefix_lengths[key.size() > 5];
        const auto length = static_cast<uint8_t>(key[0]);
        const auto at = std::lower_bound(lengths.begin(), lengths.end(), length,
                                         [](uint8_t a, uint8_t b) { return a > b; });
        if (at == lengths.end() || *at != length) lengths.insert(at, length);
      }
    }
    const Added added = Insert(*child, level + 1, chain, other, keys);
    if (added != Added::kDone) return added;
  }
  return Added::kDone;
}

int ChainMatch::Find(const ConnectionFacts& facts) const {
  if (always_first_) return 0;
  const Node* node = &root_;
  for (int level = 0; level < kLevels && node != nullptr; ++level) node = Walk(*node, level, facts);
  return node == nullptr ? default_ : node->chain;
}

// The child that the most specific value leads to, or null.
const ChainMatch::Node* ChainMatch::Walk(const Node& node, int level,
                                         const ConnectionFacts& facts) {
  const auto find = [&node](absl::string_view key) -> const Node* {
    const auto it = node.children.find(key);
    return it == node.children.end() ? nullptr : it->second.get();
  };
  const auto find_address = [&node, &find](const net::Address& address) -> const Node* {
    if (!address.is_ip()) return nullptr;
    const absl::string_view ip = address.IpBytes();
    for (const uint8_t length : node.prefix_lengths[ip.size() > 4]) {
      char key[kMaxPrefixKey];
      if (const Node* found = find({key, WritePrefixKey(ip, length, key)})) return found;
    }
    return nullptr;
  };
  const Node* found = nullptr;
  switch (level) {
    case kDestinationPort:
      found = find(PortKey(facts.local.port()));
      break;
    case kDestination:
      found = find_address(facts.local);
      break;
    case kServerName: {
      const absl::string_view name = facts.server_name;
      if (!name.empty() && name[0] != '.') found = find(name);
      for (size_t dot = name.find('.', 1);
           found == nullptr && dot != absl::string_view::npos && dot + 1 < name.size();
           dot = name.find('.', dot + 1)) {
        found = find(name.substr(dot));
      }
      break;
    }
    case kTransportProtocol:
      found = find(facts.transport_protocol);
      break;
    case kApplicationProtocol:
      for (const std::string& protocol : facts.application_protocols) {
        if (!protocol.empty() && found == nullptr) found = find(protocol);
      }
      break;
    case kDirectSource:
      found = find_address(facts.direct_remote);
      break;
    case kSourceType:
      if (node.children.size() > 1 || !node.children.contains("")) {
        found = find(IsLocal(facts) ? "l" : "e");
      }
      break;
    case kSource:
      found = find_address(facts.remote);
      break;
    case kSourcePort:
      found = find(PortKey(facts.remote.port()));
      break;
    default:
      break;
  }
  return found != nullptr ? found : find("");
}

}  // namespace proxenos::downstream
