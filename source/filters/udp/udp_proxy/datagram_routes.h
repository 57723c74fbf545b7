// DatagramRoutes: which cluster a client's datagrams go to: always the same, or by a matcher over
// the two addresses.
//
// Thread: any (immutable).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "source/match/network_input.h"
#include "source/match/tree.h"
#include "source/net/address.h"

namespace proxenos::filters::udp_proxy {

class DatagramRoutes {
 public:
  using Input = match::NetworkInput;  // Of them the IP addresses and ports.

  DatagramRoutes() = default;
  explicit DatagramRoutes(std::string cluster) { clusters_.push_back(std::move(cluster)); }
  // `tree` knows inputs and clusters by their places in these.
  DatagramRoutes(std::vector<std::string> clusters, std::vector<Input> inputs,
                 match::MatchTree tree)
      : clusters_(std::move(clusters)), inputs_(std::move(inputs)), tree_(std::move(tree)) {}

  // Null: none.
  const std::string* Find(const net::Address& source, const net::Address& destination) const;
  // All that there are.
  absl::Span<const std::string> clusters() const { return clusters_; }

 private:
  std::vector<std::string> clusters_;
  std::vector<Input> inputs_;
  std::optional<match::MatchTree> tree_;  // None: the first cluster.
};

}  // namespace proxenos::filters::udp_proxy
