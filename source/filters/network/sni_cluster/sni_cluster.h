// SniCluster: the network filter that sends a TCP proxy's connections to the cluster named like the
// server that the client asked for.
#pragma once

#include <memory>

#include "source/filter/network_filter.h"

namespace proxenos::filters::sni_cluster {

class SniCluster final : public filter::NetworkFilterFactory {
 public:
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;
};

}  // namespace proxenos::filters::sni_cluster
