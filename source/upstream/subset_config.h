// From lb_subset_config, and the typed policy of the same meaning, to SubsetRules.
#pragma once

#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/load_balancing_policies/subset/v3/subset.pb.h"
#include "source/config/errors.h"
#include "source/upstream/subset_rules.h"

namespace proxenos::upstream {

std::shared_ptr<const SubsetRules> CompileSubsets(
    const envoy::config::cluster::v3::Cluster::LbSubsetConfig& proto, config::Errors& errors,
    const config::Path& path);
// All but its subset_lb_policy.
std::shared_ptr<const SubsetRules> CompileSubsets(
    const envoy::extensions::load_balancing_policies::subset::v3::Subset& proto,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
