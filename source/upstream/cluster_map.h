// ClusterMap: the clusters that one worker knows, by name. What the main thread publishes is shared
// by all workers and costs each a few words; the worker's own state of a cluster is made when a
// request first goes there.
//
// Owner: the worker. Thread: the worker's.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "source/base/rc.h"
#include "source/net/socket.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::base {
struct Overload;
}

namespace proxenos::upstream {

class ClusterMap {
 public:
  ClusterMap(event::EventLoop& loop, stats::Registry& registry)
      : loop_(loop), registry_(registry) {}

  // How hosts with internal addresses are connected to: gives one end of a pipe whose other end
  // the listener of that name is going to accept; invalid when there is none.
  using InternalConnect = absl::AnyInvocable<net::UniqueFd(const net::Address& address)>;
  void SetInternalConnect(InternalConnect connect) { internal_connect_ = std::move(connect); }

  // What the overload manager asks for; outlives this. Null: nobody watches.
  void SetOverload(const base::Overload* overload) { overload_ = overload; }
  const base::Overload* overload() const { return overload_; }

  // The cluster, or null when there is none of that name.
  base::Rc<WorkerCluster> Find(absl::string_view name);

  // Adds a cluster or replaces its configuration: requests under way finish on the old one.
  void Set(std::shared_ptr<const PublishedCluster> published);
  void Set(PublishedCluster published) {
    Set(std::make_shared<const PublishedCluster>(std::move(published)));
  }
  // The same configuration with new hosts; no-op when the cluster is not there.
  void SetHosts(std::shared_ptr<const PublishedCluster> published);
  // A rotated secret: another context of one of its transport sockets.
  void SetTls(const std::string& name, size_t index,
              std::shared_ptr<const tls::ClientContext> context);
  void Remove(const std::string& name);

  // Closes idle upstream connections; for the end of the worker.
  void DrainAll();
  // Forgets every cluster.
  void Clear() {
    for (Shard& shard : shards_) shard.clear();
  }

 private:
  // An element of a set by name, which does not change; the rest does.
  struct Entry {
    // Of the configuration in `published`; both are replaced together.
    mutable absl::string_view name;
    mutable std::shared_ptr<const PublishedCluster> published;
    mutable base::Rc<WorkerCluster> used;  // Null until first used.
  };
  struct NameOf {
    using is_transparent = void;
    static absl::string_view Of(const Entry& entry) { return entry.name; }
    static absl::string_view Of(absl::string_view name) { return name; }
  };
  struct HashName : NameOf {
    template <typename T>
    size_t operator()(const T& each) const {
      return absl::Hash<absl::string_view>()(Of(each));
    }
  };
  struct SameName : NameOf {
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Of(a) == Of(b);
    }
  };

  event::EventLoop& loop_;
  stats::Registry& registry_;
  InternalConnect internal_connect_;
  const base::Overload* overload_ = nullptr;
  // A table that grows moves all that it has in one go, which of ten thousand clusters takes a
  // millisecond. Of many small ones each grows for itself.
  static constexpr size_t kShardBits = 6;
  using Shard = absl::flat_hash_set<Entry, HashName, SameName>;
  // What there is of that name, and where its place is.
  struct Place {
    Shard& shard;
    Shard::iterator it;
    bool found() const { return it != shard.end(); }
  };
  Place PlaceOf(absl::string_view name);

  // By the first bits of the name's hash, of which the tables use the others.
  std::array<Shard, size_t{1} << kShardBits> shards_;
};

}  // namespace proxenos::upstream
