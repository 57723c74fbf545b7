// From its proto to the choice of a cluster by SNI.
#pragma once

#include <memory>

#include "source/filter/network_filter_config.h"

namespace proxenos::filters::sni_cluster {

std::unique_ptr<filter::NetworkFilterFactory> CreateSniCluster(const google::protobuf::Any& config,
                                                               const config::Path& path,
                                                               config::Errors& errors);

}  // namespace proxenos::filters::sni_cluster
