// What changes the weights of hosts between two updates, and what is read from their reports, from
// the protos: SlowStartConfig, ClientSideWeightedRoundRobin, lrs_report_endpoint_metrics.
#pragma once

#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "source/config/errors.h"
#include "source/upstream/orca_rules.h"
#include "source/upstream/slow_start.h"

namespace proxenos::upstream {

// The old form and the new one. Null: there is no window, so nothing starts slowly.
std::shared_ptr<const SlowStart> CompileSlowStart(
    const envoy::config::cluster::v3::Cluster::SlowStartConfig& proto, config::Errors& errors,
    const config::Path& path);
std::shared_ptr<const SlowStart> CompileSlowStart(
    const envoy::extensions::load_balancing_policies::common::v3::SlowStartConfig& proto,
    config::Errors& errors, const config::Path& path);

OrcaWeighting CompileOrcaWeighting(
    const envoy::extensions::load_balancing_policies::client_side_weighted_round_robin::v3::
        ClientSideWeightedRoundRobin& proto,
    config::Errors& errors, const config::Path& path);

// Of the cluster at `path`.
std::vector<OrcaMetric> CompileReportedMetrics(const envoy::config::cluster::v3::Cluster& proto,
                                               config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
