// Both ways to name a policy, and the options of each.
#include "source/upstream/balancing_config.h"

#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/override_host/v3/override_host.pb.h"
#include "envoy/extensions/load_balancing_policies/pick_first/v3/pick_first.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/subset/v3/subset.pb.h"
#include "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/hash_table.h"
#include "source/upstream/live_weights_config.h"
#include "source/upstream/orca_rules.h"
#include "source/upstream/override_host.h"
#include "source/upstream/slow_start.h"
#include "source/upstream/subset_config.h"

namespace proxenos::upstream {
namespace {

namespace policies = envoy::extensions::load_balancing_policies;
using envoy::config::cluster::v3::Cluster;
using envoy::config::cluster::v3::LoadBalancingPolicy;

// Each choice is a draw on the request path; more of them change nothing but the time it takes.
constexpr uint32_t kMaxChoices = 1000;
constexpr uint64_t kMaxRing = 8 * 1024 * 1024;
constexpr uint64_t kMaxTable = 5'000'011;
constexpr int kMaxNesting = 8;  // Policies within policies.

// A cluster_type that says itself where requests go.
bool ProvidesHosts(const Cluster& proto) {
  const std::string type = config::TypedConfigType(proto.cluster_type().typed_config());
  return type == "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig" ||
         type == "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
}

using ByReports = policies::client_side_weighted_round_robin::v3::ClientSideWeightedRoundRobin;
using OverrideHost = policies::override_host::v3::OverrideHost;

OverrideHostPlace CompilePlace(const envoy::type::metadata::v3::MetadataKey& proto,
                               config::Errors& errors, const config::Path& path) {
  OverrideHostPlace place;
  place.space = proto.key();
  for (int i = 0; i < proto.path_size(); ++i) {
    if (!proto.path(i).has_key()) {
      errors.Add(path.Field("path").Index(static_cast<size_t>(i)),
                 "expected key: addresses are read from objects, not lists");
    }
    place.path.push_back(proto.path(i).key());
  }
  return place;
}

std::shared_ptr<const OverrideHostRules> CompileOverrideHost(const OverrideHost& proto,
                                                             config::Errors& errors,
                                                             const config::Path& path) {
  OverrideHostRules rules;
  for (int i = 0; i < proto.override_host_sources_size(); ++i) {
    const auto& source = proto.override_host_sources(i);
    const config::Path at = path.Field("override_host_sources").Index(static_cast<size_t>(i));
    if (source.header().empty() == !source.has_metadata()) {
      errors.Add(at, "expected exactly one of header and metadata");
    } else if (source.has_metadata()) {
      rules.sources.push_back(CompilePlace(source.metadata(), errors, at.Field("metadata")));
    } else {
      rules.sources.push_back({absl::AsciiStrToLower(source.header()), "", {}});
    }
  }
  if (proto.has_selected_host_key()) {
    rules.selected =
        CompilePlace(proto.selected_host_key(), errors, path.Field("selected_host_key"));
  }
  return std::make_shared<const OverrideHostRules>(std::move(rules));
}

class BalancingCompiler {
 public:
  BalancingCompiler(const Cluster& proto, config::Errors& errors, const config::Path& path,
                    ClusterConfig& to)
      : proto_(proto), errors_(errors), path_(path), to_(to) {}

  void Compile() {
    SetCommon();
    if (proto_.has_load_balancing_policy()) {  // It replaces all else.
      SetExtension(proto_.load_balancing_policy(), At("load_balancing_policy"), 0);
    } else {
      SetByName();
    }
    SetSubsets();
    SetReports();
    // Weights of localities leave nothing to choose.
    if (to_.locality_weighted) to_.zone_awareness.reset();
  }

 private:
  config::Path At(std::string_view field) const { return path_.Field(field); }

  void SetCommon();
  void SetByName();
  // `said` at `path`: the policy is the cluster's own.
  void SetProvided(const std::string& said, const config::Path& path);
  void SetSubsets();
  void SetReports();
  void SetExtension(const LoadBalancingPolicy& proto, const config::Path& path, int depth);
  // False: it is of a type that is not known here.
  bool TrySet(const google::protobuf::Any& any, const config::Path& path, int depth);
  void SetByReports(const ByReports& proto, const config::Path& path);
  // The same of policies that have others in them, and that reports decide on.
  bool TrySetOuter(const google::protobuf::Any& any, const config::Path& path, int depth);
  // The policy's own message, when `any` holds that.
  template <typename Proto>
  bool Holds(const google::protobuf::Any& any, Proto& proto, const config::Path& path) {
    return config::TypedConfigType(any) == Proto::descriptor()->full_name() &&
           config::UnpackTypedConfigTo(any, proto, path, errors_);
  }
  void SetPolicy(LbPolicy policy, bool locality_weighted) {
    to_.lb_policy = policy;
    to_.locality_weighted = locality_weighted;
  }
  // Of a policy that may keep to a zone.
  template <typename PolicyProto>
  void SetLocalities(LbPolicy policy, const PolicyProto& proto) {
    SetPolicy(policy, proto.locality_lb_config().has_locality_weighted_lb_config());
    to_.zone_awareness.emplace();
    const auto& zones = proto.locality_lb_config().zone_aware_lb_config();
    SetZones(zones);
    if (zones.force_locality_direct_routing()) to_.zone_awareness->force_local_from = 1;
    if (zones.has_force_local_zone()) {
      const auto& force = zones.force_local_zone();
      to_.zone_awareness->force_local_from = force.has_min_size() ? force.min_size().value() : 1;
    }
    to_.zone_awareness->by_weight =
        zones.locality_basis() ==
        policies::common::v3::LocalityLbConfig::ZoneAwareLbConfig::HEALTHY_HOSTS_WEIGHT;
  }
  // What the old and the new form have in common.
  template <typename ZonesProto>
  void SetZones(const ZonesProto& proto) {
    ZoneAwareness& zones = *to_.zone_awareness;
    if (proto.has_min_cluster_size()) zones.min_cluster_size = proto.min_cluster_size().value();
    if (proto.has_routing_enabled()) {
      zones.enabled_of_10000 =
          static_cast<uint32_t>(std::lround(proto.routing_enabled().value() * 100));
    }
    zones.fail_traffic_on_panic = proto.fail_traffic_on_panic();
  }
  template <typename PolicyProto>
  void SetSlowStart(const PolicyProto& proto, const config::Path& path) {
    if (!proto.has_slow_start_config()) return;
    to_.slow_start =
        CompileSlowStart(proto.slow_start_config(), errors_, path.Field("slow_start_config"));
  }
  template <typename HashingProto>
  void SetHashing(const HashingProto& proto) {
    to_.hashing.Mutable().use_hostname = proto.use_hostname_for_hashing();
    to_.hashing.Mutable().balance_factor = proto.hash_balance_factor().value();
  }
  // Both messages have these fields, each pair of functions for the old and the new form.
  template <typename LeastRequestProto>
  void SetLeastRequest(const LeastRequestProto& proto, const config::Path& path);
  template <typename RingProto>
  void SetRing(const RingProto& proto, const config::Path& path);
  template <typename MaglevProto>
  void SetMaglev(const MaglevProto& proto, const config::Path& path);

  const Cluster& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  ClusterConfig& to_;
  std::optional<OrcaWeighting> weighting_;
};

void BalancingCompiler::SetCommon() {
  const auto& common = proto_.common_lb_config();
  if (common.has_healthy_panic_threshold()) {
    const double percent = common.healthy_panic_threshold().value();
    if (!(percent >= 0 && percent <= 100)) {
      errors_.AddValue(At("common_lb_config").Field("healthy_panic_threshold"),
                       std::to_string(percent), "0 to 100");
    } else {
      to_.panic_threshold_percent = static_cast<uint8_t>(std::lround(percent));
    }
  }
  to_.locality_weighted = common.has_locality_weighted_lb_config();
  if (common.has_consistent_hashing_lb_config()) {
    SetHashing(common.consistent_hashing_lb_config());
  }
}

void BalancingCompiler::SetByName() {
  if (proto_.lb_policy() == Cluster::ROUND_ROBIN || proto_.lb_policy() == Cluster::LEAST_REQUEST ||
      proto_.lb_policy() == Cluster::RANDOM) {
    to_.zone_awareness.emplace();
    SetZones(proto_.common_lb_config().zone_aware_lb_config());
  }
  switch (proto_.lb_policy()) {
    case Cluster::ROUND_ROBIN:
      to_.lb_policy = LbPolicy::kRoundRobin;
      SetSlowStart(proto_.round_robin_lb_config(), At("round_robin_lb_config"));
      return;
    case Cluster::LEAST_REQUEST:
      to_.lb_policy = LbPolicy::kLeastRequest;
      SetLeastRequest(proto_.least_request_lb_config(), At("least_request_lb_config"));
      SetSlowStart(proto_.least_request_lb_config(), At("least_request_lb_config"));
      return;
    case Cluster::RANDOM:
      to_.lb_policy = LbPolicy::kRandom;
      return;
    case Cluster::RING_HASH:
      to_.lb_policy = LbPolicy::kRingHash;
      SetRing(proto_.ring_hash_lb_config(), At("ring_hash_lb_config"));
      if (proto_.ring_hash_lb_config().hash_function() ==
          Cluster::RingHashLbConfig::MURMUR_HASH_2) {
        to_.hashing.Mutable().function = HashOptions::Function::kMurmur2;
      }
      return;
    case Cluster::MAGLEV:
      to_.lb_policy = LbPolicy::kMaglev;
      SetMaglev(proto_.maglev_lb_config(), At("maglev_lb_config"));
      return;
    case Cluster::CLUSTER_PROVIDED:
      return SetProvided("CLUSTER_PROVIDED", At("lb_policy"));
    default:
      errors_.Add(At("load_balancing_policy"),
                  "is required with lb_policy LOAD_BALANCING_POLICY_CONFIG");
  }
}

void BalancingCompiler::SetProvided(const std::string& said, const config::Path& path) {
  if (proto_.type() != Cluster::ORIGINAL_DST && !ProvidesHosts(proto_)) {
    errors_.AddValue(path, said,
                     "another policy: only clusters that make their own hosts provide one");
  }
  SetPolicy(LbPolicy::kClusterProvided, false);
}

void BalancingCompiler::SetSubsets() {
  const auto& proto = proto_.lb_subset_config();
  if (proto_.has_load_balancing_policy() && proto_.has_lb_subset_config()) {
    errors_.Add(At("lb_subset_config"),
                "cannot stand beside load_balancing_policy: write the policy Subset there");
  } else if (proto.subset_selectors_size() > 0) {  // Else it is as if it were not there.
    to_.subsets = CompileSubsets(proto, errors_, At("lb_subset_config"));
    if (proto.locality_weight_aware() && !to_.locality_weighted) {
      errors_.Add(At("lb_subset_config").Field("locality_weight_aware"),
                  "needs common_lb_config.locality_weighted_lb_config");
    }
  }
  if (to_.subsets != nullptr && to_.lb_policy == LbPolicy::kClusterProvided) {
    errors_.Add(At(proto_.has_load_balancing_policy() ? "load_balancing_policy" : "lb_policy"),
                "subsets are of clusters that balance over their own hosts, not CLUSTER_PROVIDED");
  }
}

void BalancingCompiler::SetReports() {
  if (proto_.lrs_report_endpoint_metrics().empty() && !weighting_.has_value()) return;
  OrcaRules rules;
  rules.reported = CompileReportedMetrics(proto_, errors_, path_);
  rules.weighting = std::move(weighting_);
  to_.orca = std::make_shared<const OrcaRules>(std::move(rules));
}

void BalancingCompiler::SetByReports(const ByReports& proto, const config::Path& path) {
  SetPolicy(LbPolicy::kRoundRobin, false);
  SetSlowStart(proto, path);
  weighting_ = CompileOrcaWeighting(proto, errors_, path);
}

void BalancingCompiler::SetExtension(const LoadBalancingPolicy& proto, const config::Path& path,
                                     int depth) {
  if (depth > kMaxNesting) {
    errors_.Add(path, absl::StrCat("policies are nested more than ", kMaxNesting, " deep"));
    return;
  }
  const config::Path list = path.Field("policies");
  // The first that is known counts: a control plane lists newer ones before.
  for (int i = 0; i < proto.policies_size(); ++i) {
    const config::Path at = list.Index(i).Field("typed_extension_config").Field("typed_config");
    if (TrySet(proto.policies(i).typed_extension_config().typed_config(), at, depth)) return;
  }
  errors_.Add(list,
              "expected at least one of RoundRobin, LeastRequest, Random, RingHash, Maglev, "
              "PickFirst, ClientSideWeightedRoundRobin, WrrLocality, Subset, OverrideHost and "
              "ClusterProvided");
}

bool BalancingCompiler::TrySet(const google::protobuf::Any& any, const config::Path& path,
                               int depth) {
  const size_t before = errors_.count();
  policies::round_robin::v3::RoundRobin round_robin;
  policies::least_request::v3::LeastRequest least_request;
  policies::random::v3::Random random;
  policies::ring_hash::v3::RingHash ring;
  policies::maglev::v3::Maglev maglev;
  policies::pick_first::v3::PickFirst first;
  policies::cluster_provided::v3::ClusterProvided provided;
  if (Holds(any, round_robin, path)) {
    SetLocalities(LbPolicy::kRoundRobin, round_robin);
    SetSlowStart(round_robin, path);
  } else if (Holds(any, least_request, path)) {
    SetLocalities(LbPolicy::kLeastRequest, least_request);
    SetLeastRequest(least_request, path);
    if (least_request.selection_method() == policies::least_request::v3::LeastRequest::FULL_SCAN) {
      to_.least_request.choices = 0;
    }
    SetSlowStart(least_request, path);
  } else if (Holds(any, random, path)) {
    SetLocalities(LbPolicy::kRandom, random);
  } else if (Holds(any, ring, path)) {
    SetPolicy(LbPolicy::kRingHash, ring.has_locality_weighted_lb_config());
    SetHashing(ring.consistent_hashing_lb_config());
    // Where they stood before.
    if (ring.use_hostname_for_hashing()) to_.hashing.Mutable().use_hostname = true;
    if (!ring.has_consistent_hashing_lb_config()) {
      to_.hashing.Mutable().balance_factor = ring.hash_balance_factor().value();
    }
    SetRing(ring, path);
    if (ring.hash_function() == policies::ring_hash::v3::RingHash::MURMUR_HASH_2) {
      to_.hashing.Mutable().function = HashOptions::Function::kMurmur2;
    }
  } else if (Holds(any, maglev, path)) {
    SetPolicy(LbPolicy::kMaglev, maglev.has_locality_weighted_lb_config());
    SetHashing(maglev.consistent_hashing_lb_config());
    SetMaglev(maglev, path);
  } else if (Holds(any, first, path)) {
    SetPolicy(LbPolicy::kPickFirst, false);
  } else if (Holds(any, provided, path)) {
    SetProvided("ClusterProvided", path);
  } else if (!TrySetOuter(any, path, depth)) {
    return errors_.count() != before;  // One that is known, but broken, ends the search.
  }
  return true;
}

bool BalancingCompiler::TrySetOuter(const google::protobuf::Any& any, const config::Path& path,
                                    int depth) {
  ByReports by_reports;
  policies::wrr_locality::v3::WrrLocality wrr;
  policies::subset::v3::Subset subset;
  policies::override_host::v3::OverrideHost over;
  if (Holds(any, by_reports, path)) {
    SetByReports(by_reports, path);
  } else if (Holds(any, wrr, path)) {
    SetExtension(wrr.endpoint_picking_policy(), path.Field("endpoint_picking_policy"), depth + 1);
    to_.locality_weighted = true;
  } else if (Holds(any, subset, path)) {
    SetExtension(subset.subset_lb_policy(), path.Field("subset_lb_policy"), depth + 1);
    if (to_.subsets != nullptr) errors_.Add(path, "there are no subsets of subsets");
    to_.subsets = CompileSubsets(subset, errors_, path);
  } else if (Holds(any, over, path)) {
    SetExtension(over.fallback_policy(), path.Field("fallback_policy"), depth + 1);
    to_.override_host = CompileOverrideHost(over, errors_, path);
  } else {
    return false;
  }
  return true;
}

template <typename LeastRequestProto>
void BalancingCompiler::SetLeastRequest(const LeastRequestProto& proto, const config::Path& path) {
  if (proto.has_choice_count()) {
    const uint32_t choices = proto.choice_count().value();
    if (choices < 2 || choices > kMaxChoices) {
      errors_.AddValue(path.Field("choice_count"), std::to_string(choices),
                       absl::StrCat("2 to ", kMaxChoices));
    } else {
      to_.least_request.choices = choices;
    }
  }
  if (!proto.has_active_request_bias()) return;
  const double bias = proto.active_request_bias().default_value();
  if (!(bias >= 0)) {
    errors_.AddValue(path.Field("active_request_bias"), absl::StrCat(bias), "0 or more");
    return;
  }
  to_.least_request.bias = static_cast<float>(bias);
}

template <typename RingProto>
void BalancingCompiler::SetRing(const RingProto& proto, const config::Path& path) {
  HashOptions& hashing = to_.hashing.Mutable();
  hashing.ring = true;
  if (proto.has_minimum_ring_size()) hashing.min_ring_size = proto.minimum_ring_size().value();
  if (proto.has_maximum_ring_size()) hashing.max_ring_size = proto.maximum_ring_size().value();
  if (hashing.min_ring_size > hashing.max_ring_size || hashing.max_ring_size > kMaxRing ||
      hashing.min_ring_size == 0) {
    errors_.Add(path, "expected 1 <= minimum_ring_size <= maximum_ring_size <= 8388608");
  }
}

template <typename MaglevProto>
void BalancingCompiler::SetMaglev(const MaglevProto& proto, const config::Path& path) {
  HashOptions& hashing = to_.hashing.Mutable();
  hashing.ring = false;
  if (!proto.has_table_size()) return;
  hashing.table_size = proto.table_size().value();
  if (hashing.table_size > kMaxTable || hashing.table_size < 3 || !IsPrime(hashing.table_size)) {
    errors_.AddValue(path.Field("table_size"), std::to_string(to_.hashing->table_size),
                     "a prime number of at most 5000011");
  }
}

}  // namespace

void CompileBalancing(const Cluster& proto, config::Errors& errors, const config::Path& path,
                      ClusterConfig& to) {
  BalancingCompiler(proto, errors, path, to).Compile();
}

}  // namespace proxenos::upstream
