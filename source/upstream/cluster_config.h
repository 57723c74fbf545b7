// From envoy.config.cluster.v3.Cluster and envoy.config.endpoint.v3.ClusterLoadAssignment to
// ClusterConfig and Assignment. Room 3 of an update (docs/life_of_an_update.md).
//
// Checked here is what the protos' own validate.rules cannot say; those, and fields that are not
// implemented, are checked before (source/config). Every error has the field's path.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/config/errors.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// A kind of clusters that cluster_type may name: passed down, not registered.
struct ClusterKind {
  absl::string_view type;  // Full name of the typed_config's message type.
  // Fills in what makes `to` one of these, its endpoints included; the rest is there already.
  // `path` is the cluster's.
  void (*compile)(const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
                  const config::Path& path, ClusterConfig& to);
};
using ClusterKinds = absl::Span<const ClusterKind>;

// Null when anything is wrong; then `errors` has all of it, each with its path below `path`.
// `local_zones`: where our own kind is; null when nobody knows.
std::shared_ptr<const ClusterConfig> CompileCluster(
    const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
    const config::Path& path, std::shared_ptr<const LocalZones> local_zones = nullptr,
    ClusterKinds kinds = {});

// What discovery says of an endpoint.
EndpointHealth HealthOf(envoy::config::core::v3::HealthStatus status);

// For endpoints discovered apart from the cluster (EDS): names are refused. Null when anything is
// wrong.
std::shared_ptr<const Assignment> CompileAssignment(
    const envoy::config::endpoint::v3::ClusterLoadAssignment& proto, config::Errors& errors,
    const config::Path& path);

// The same for a cluster's own load_assignment, by its kind: DNS kinds take names as well as
// addresses, LOGICAL_DNS exactly one endpoint.
std::shared_ptr<const Assignment> CompileAssignment(
    const envoy::config::endpoint::v3::ClusterLoadAssignment& proto, DiscoveryKind kind,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
