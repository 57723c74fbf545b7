// RuntimeStore: the layers of the runtime on the main thread: static ones, files, what discovery
// sends (RTDS) and what people set at the admin endpoint. A part of the one authoritative map
// (config_store.h). Each change of a layer is a new snapshot for the workers.
//
// A layer whose new content is refused or cannot be read stays as it was.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/errors.h"
#include "source/runtime/snapshot.h"
#include "source/server/batch.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/store_context.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"

namespace proxenos::server {

// Owner: the ConfigStore. Thread: main.
class RuntimeStore {
 public:
  // Keys and what they are to say; an empty text takes the key out.
  using Changes = std::vector<std::pair<std::string, std::string>>;

  RuntimeStore(StoreContext context, Compilers& compilers, stats::Registry& registry);
  ~RuntimeStore();

  // The layers of the bootstrap, once; asks for those that discovery sends, and watches files.
  void Begin(const envoy::config::bootstrap::v3::Bootstrap& bootstrap, config::Errors& errors);

  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  void Remove(const SourceKey& source, const std::string& name);
  void Settle(Batch& batch);
  base::MonoTime NextDeadline() const;
  // Whether some layer comes by discovery.
  bool discovers() const;
  // Whether each RTDS layer has had an answer, or its time is over.
  bool ready() const;

  // A change of the admin layer, whole or not at all. Error: there is none, or a key is refused.
  absl::Status Modify(const Changes& changes);

  // Never null.
  const std::shared_ptr<const runtime::Snapshot>& snapshot() const { return snapshot_; }
  // The RTDS resources, in order of the layers.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;

 private:
  struct Source;  // What one layer comes from.

  using LayerProto = envoy::config::bootstrap::v3::RuntimeLayer;
  void AddLayer(const LayerProto& config, const std::string& cluster, config::Errors& errors,
                const config::Path& path);
  void AddDiscovered(const LayerProto& config, Source& added, config::Errors& errors,
                     const config::Path& path);
  void AddDisk(const LayerProto& config, const std::string& cluster, Source& added);
  void ReadDisk(Source& source);
  Source* FindDiscovered(const SourceKey& source, const std::string& name);
  void Change();
  void Rebuild();

  StoreContext context_;
  Compilers& compilers_;
  stats::Group<stats::RuntimeStats> stats_;
  std::vector<std::unique_ptr<Source>> sources_;  // In the order of the layers.
  std::shared_ptr<const runtime::Snapshot> snapshot_;
  bool changed_ = false;
};

}  // namespace proxenos::server
