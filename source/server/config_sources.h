// ConfigSources: the subscriptions of the process: the aggregated stream, other streams of several
// types or of one, and files, by the ConfigSource that asked for them. Rooms 1 and 2 of an update
// are behind it.
//
// Owner: the Server. Thread: main. Dies before the loop and what `apply` captures.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/event/event_loop.h"
#include "source/server/authorities.h"
#include "source/server/collections.h"
#include "source/server/wanted_names.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"
#include "source/xds/ads_stream.h"
#include "source/xds/file_source.h"
#include "source/xds/resource.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

// Takes a step of one type from one source; returns what it refused.
using ApplyStep = absl::AnyInvocable<std::vector<xds::ResourceError>(const SourceKey& source,
                                                                     const xds::TypeUpdate&)>;
// No first answer came in time for the resources of a type from a source.
using FetchTimedOut = absl::AnyInvocable<void(const std::string& type_url, const SourceKey&)>;

class ConfigSources {
 public:
  ConfigSources(event::EventLoop& loop, const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                ApplyStep apply, FetchTimedOut timed_out);
  ~ConfigSources();

  // From now on `envoy_grpc` goes over the clusters of the main loop; before Prepare.
  void UseClusters(xds::FindCluster find_cluster);
  // Some that this finds have come: streams that waited for theirs begin.
  void OnClusters();
  // Makes what the bootstrap's dynamic_resources name; opens nothing yet. Error: what is wrong.
  absl::Status Prepare();
  // Opens the streams and reads the files: CDS first, LDS once StartListeners is called, so that no
  // listener is asked for before the first clusters are there.
  void Start();
  void StartListeners();
  bool has_cds() const {
    return bootstrap_.dynamic_resources().has_cds_config() ||
           !collections_.FileOf(xds::kClusterType).empty();
  }
  bool has_lds() const {
    return bootstrap_.dynamic_resources().has_lds_config() ||
           !collections_.FileOf(xds::kListenerType).empty();
  }
  bool has_ads() const { return ads_ != nullptr; }

  // Whether a source that a resource names could be made, or another one for the authority of the
  // name beside it: a CheckSource.
  absl::Status Check(const std::string& type_url, const SourceKey& source,
                     absl::string_view name = "") const;
  // The source of clusters by name that a serialized ConfigSource of an `odcds` stands for. Error:
  // why there is none.
  absl::StatusOr<SourceKey> SourceOfDemands(const std::string& config_source);
  bool has_demands() const { return !demand_sources_.empty(); }
  // The collection of this type that a locator beside a source names (Collections::Resolve).
  absl::StatusOr<std::string> CollectionOf(const std::string& type_url, const SourceKey& source,
                                           const std::string& locator) const;
  // Other names are wanted of a type from a source. Without any, what was made for that source and
  // type alone goes.
  void Want(const WantedNames::Change& change);

  // Whether the source of a type in the bootstrap has given a first answer, or its time is over.
  bool Answered(const std::string& type_url) const;

  // Sums for stats: of all subscriptions of a type, but for sources of clusters on demand alone.
  xds::SubscriptionStats StatsOf(const std::string& type_url) const;
  // Of those sources.
  xds::SubscriptionStats DemandStats() const;
  std::string VersionOf(const std::string& type_url) const;
  // Of the endpoints of a cluster of static_resources: an xds::ClusterAddresses.
  xds::FoundAddresses AddressesOf(const std::string& cluster) const;
  // How often one source of a type was lost or could not be read, while it is wanted.
  uint64_t FailuresOf(const std::string& type_url, const SourceKey& source) const;
  // Sums over all control-plane streams.
  xds::ControlPlaneStats StreamStats() const;

 private:
  struct Source;

  // Where names that stand beside `key` are asked for; with `elsewhere`, a serialized ConfigSource,
  // those of them that another source is for.
  struct Place {
    SourceKey key;
    std::string elsewhere = {};
    auto operator<=>(const Place&) const = default;
  };

  absl::Status Add(const std::string& type_url, const Place& place,
                   const envoy::config::core::v3::ConfigSource& config);
  void WantAt(const Place& place, const WantedNames::Change& change);
  absl::Status FillFromApi(const envoy::config::core::v3::ConfigSource& config,
                           const xds::SubscriptionOptions& options, const SourceKey& key,
                           Source& source);
  // Whether clusters that came before `begun` are in force; with `finish` has what is left of them
  // applied.
  bool ClustersDone(base::MonoTime begun, bool finish);
  // Over HTTP.
  absl::Status CheckRest(const xds::ResourceType& type,
                         const envoy::config::core::v3::ApiConfigSource& config) const;
  void FillFromRest(const envoy::config::core::v3::ApiConfigSource& config,
                    const xds::SubscriptionOptions& options, const SourceKey& key, Source& source);
  void FillFromFile(const envoy::config::core::v3::ConfigSource& config,
                    xds::SubscriptionOptions options, const SourceKey& key, Source& source);
  // `type` is null for an aggregated stream.
  absl::StatusOr<xds::AdsStreamOptions> StreamOptions(
      const xds::ResourceType* type, const envoy::config::core::v3::ApiConfigSource& config) const;
  absl::Status CheckOverAds(const xds::ResourceType& type) const;
  xds::ApplyUpdate ApplierFor(const SourceKey& key);
  template <typename Visit>
  void ForEachStream(Visit visit) const;
  Source* Find(const std::string& type_url, const Place& place);

  event::EventLoop& loop_;
  const envoy::config::bootstrap::v3::Bootstrap& bootstrap_;
  ApplyStep apply_;
  FetchTimedOut timed_out_;
  Collections collections_;
  const Authorities authorities_;
  xds::FindCluster find_cluster_;        // Null: grpc++ calls the clusters' addresses.
  std::unique_ptr<xds::AdsStream> ads_;  // Null without ads_config.
  // Other streams of several types, by their serialized ConfigSource. They stay.
  std::map<std::string, std::unique_ptr<xds::AdsStream>> shared_;
  // By type and source.
  std::map<std::pair<std::string, Place>, std::unique_ptr<Source>> sources_;
  std::set<SourceKey> demand_sources_;   // Of clusters on demand, and of no others.
  xds::SubscriptionStats past_demands_;  // Of those that are not wanted any more.
  bool started_ = false;
};

}  // namespace proxenos::server
