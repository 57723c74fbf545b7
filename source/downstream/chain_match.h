// ChainMatch: which filter chain a connection gets (FilterChainMatch): an index that is walked by
// one criterion after another, in Envoy's order of precedence. At each, the most specific value
// that any remaining chain names decides, and there is no way back: a chain that names the port
// beats all that name none, even when it then fails by the server's name.
//
// Invariant: immutable once compiled, shared by all workers. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filter/listener_filter.h"
#include "source/net/address.h"

namespace proxenos::downstream {

// Addresses with the same first bits.
struct AddressRange {
  net::Address first;
  uint32_t prefix_bits = 0;
};

class ChainMatch {
 public:
  enum class SourceType : uint8_t { kAny, kSameIpOrLoopback, kExternal };

  // One chain's criteria, in order of precedence; what is empty asks for nothing.
  struct Criteria {
    std::vector<uint16_t> destination_ports;  // One at most.
    std::vector<AddressRange> destinations;
    std::vector<std::string> server_names;  // Lower case; "*.example.com" for all below it.
    std::string transport_protocol;
    std::vector<std::string> application_protocols;
    std::vector<AddressRange> direct_sources;
    SourceType source_type = SourceType::kAny;
    std::vector<AddressRange> sources;
    std::vector<uint16_t> source_ports;
  };

  enum class Added : uint8_t { kDone, kDuplicate, kTooMany };
  // `chain` matches by `criteria`. kDuplicate: another chain, *other, has some of them in common.
  Added Add(int chain, const Criteria& criteria, int* other);
  // What no chain matches goes there.
  void SetDefault(int chain) { default_ = chain; }

  // Which chain, or -1.
  int Find(const filter::ConnectionFacts& facts) const;
  // Whether every connection goes to chain 0, whatever it is.
  bool always_first() const { return always_first_; }
  // Whether anything asks where the connection went.
  bool needs_local() const { return needs_local_; }

 private:
  static constexpr int kLevels = 9;

  // The values that chains name at one level, below one choice of those before.
  struct Node {
    // By the value as bytes; "" for chains that name none.
    absl::flat_hash_map<std::string, std::unique_ptr<Node>> children;
    std::vector<uint8_t>
        prefix_lengths[2];  // Of addresses: those there are, longest first, by family.
    int chain = -1;         // At the last level.
  };

  Added Insert(Node& node, int level, int chain, int* other,
               const std::vector<std::string> (&keys)[kLevels]);
  static const Node* Walk(const Node& node, int level, const filter::ConnectionFacts& facts);

  Node root_;
  uint32_t nodes_ = 0;
  int default_ = -1;
  bool always_first_ = true;
  bool needs_local_ = false;
};

}  // namespace proxenos::downstream
