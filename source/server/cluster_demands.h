// ClusterDemands: clusters that requests asked for (ODCDS), on the main thread. A part of the one
// authoritative map (config_store.h).
//
// A name is subscribed to once somebody asks for it, and from then on for as long as the control
// plane has such a cluster; what comes goes through the ClusterStore like any other cluster, and is
// answered once it is in force.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "source/server/batch.h"
#include "source/server/cluster_store.h"
#include "source/server/demand.h"
#include "source/server/demanded_names.h"
#include "source/server/store_context.h"

namespace proxenos::server {

// The source of clusters by name that a serialized ConfigSource stands for. Error: why there is
// none.
using FindDemandSource = absl::AnyInvocable<absl::StatusOr<SourceKey>(const std::string&)>;

// Owner: the ConfigStore. Thread: main.
class ClusterDemands {
 public:
  // `find_source` may hold null: then there are no sources.
  ClusterDemands(StoreContext context, const ClusterStore& clusters, FindDemandSource find_source);

  // A request needs a cluster: answered in a batch, at once or later.
  void Ask(const Demand& demand);
  // A cluster was taken away or said not to exist, or a version of it was refused.
  void NoteRemoved(const std::string& name) { Note(name, /*removed=*/true); }
  void NoteRefused(const std::string& name) { Note(name, /*removed=*/false); }
  // REQUIRES: the clusters have settled.
  void Settle(Batch& batch);
  base::MonoTime NextDeadline() const;

 private:
  struct Origin {
    absl::StatusOr<SourceKey> source;
    DemandedNames names;
  };
  using Outcome = filter::OnDemand::Outcome;

  void Note(const std::string& name, bool removed);
  Origin& OriginOf(const std::string& config_source);
  bool InForce(const std::string& name) const {
    return clusters_.Has(name) && !clusters_.Unready(name);
  }
  void Answer(const Demand& demand, Outcome outcome);

  StoreContext context_;
  const ClusterStore& clusters_;
  FindDemandSource find_source_;
  std::map<std::string, Origin> origins_;  // By ConfigSource: as many as configurations name.
  std::map<std::string, bool> absent_;     // Since the last Settle; whether it was removed.
  std::vector<DemandAnswer> answers_;
};

}  // namespace proxenos::server
