// From name to cluster.
#include "source/filters/network/sni_cluster/sni_cluster.h"

#include <string>

namespace proxenos::filters::sni_cluster {
namespace {

class Filter final : public filter::NetworkFilter {
 public:
  Verdict OnConnection(filter::NetworkConnection& connection) override {
    if (!connection.server_name.empty()) connection.cluster = std::string(connection.server_name);
    return {};
  }
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> SniCluster::Create(stats::Registry&) const {
  return std::make_unique<Filter>();
}

}  // namespace proxenos::filters::sni_cluster
