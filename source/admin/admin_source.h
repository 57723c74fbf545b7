// AdminSource: all that the admin pages know of the process: plain references and callbacks that
// the server fills. The one seam between the admin interface and the server.
//
// Every callback runs on the main thread, inside a request; views that it passes are good until the
// visit returns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "envoy/admin/v3/server_info.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/base/clock.h"
#include "source/config/fields.h"
#include "source/health/outlier_detector.h"
#include "source/net/address.h"
#include "source/runtime/snapshot.h"
#include "source/stats/registry.h"
#include "source/stats/tag_rules.h"
#include "source/tls/certificate_details.h"
#include "source/upstream/circuit_breaker.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"

namespace proxenos::admin {

// One version of a configuration resource, as it was sent.
struct VersionView {
  absl::string_view version;  // Empty for static ones.
  absl::string_view bytes;    // The serialized proto.
  base::WallTime last_updated = 0;
};

// The newest version when it was refused.
struct RefusalView {
  VersionView resource;  // last_updated is when it was tried.
  absl::string_view reason;
};

// One resource of /config_dump: its versions in force, waiting and going.
struct ConfigView {
  absl::string_view name;
  bool is_static = false;
  std::optional<VersionView> active;
  std::optional<VersionView> warming;
  std::optional<VersionView> draining;  // Listeners only.
  std::optional<RefusalView> refused;
};

// What ConfigView is asked for. Routes written inside a listener are static ones of kRoute.
enum class ConfigKind : uint8_t {
  kCluster,
  kListener,
  kRoute,
  kVirtualHost,  // By discovery; those in force stand in the kRoute that they are of too.
  kEndpoint,
  kSecret,
  kExtension,
  kRuntime
};

// The scopes of connection managers with one ScopedRoutes.name.
struct ScopeSetView {
  absl::string_view name;
  bool is_static = false;
  // Of static ones last_updated is the listener's; bytes of ScopedRouteConfigurations.
  absl::Span<const ConfigView> scopes;
};

// What a host's connections and requests came to, over all workers.
struct HostCounters {
  uint64_t cx_active = 0, cx_connect_fail = 0, cx_total = 0;
  uint64_t rq_active = 0, rq_error = 0, rq_pending_active = 0, rq_success = 0;
  uint64_t rq_timeout = 0, rq_total = 0;
};

// One cluster in force, for /clusters.
struct ClusterView {
  const upstream::ClusterConfig& config;
  const upstream::HostSet& hosts;
  const upstream::CircuitBreakers& breakers;
  bool added_via_api = false;
  const health::OutlierDetector* outliers = nullptr;  // Null without outlier detection.
};

// One listener in force, for /listeners.
struct ListenerView {
  absl::string_view name;
  // Where it is really bound (port 0 resolved): Listener.address, then additional_addresses.
  absl::Span<const net::Address> addresses;
};

// The certificates of one TLS context in force, for /certs.
struct CertificatesView {
  absl::Span<const tls::CertificateDetails> chain;
  absl::Span<const tls::CertificateDetails> roots;
};

struct DrainRequest {
  bool graceful = false;      // Tell connections to end for the drain time, then stop accepting.
  bool skip_exit = false;     // Keep accepting when the drain time is over; implies graceful.
  bool inbound_only = false;  // Only listeners with traffic_direction INBOUND.
};

template <class View>
using Visit = absl::FunctionRef<void(const View&)>;

// Owner: the server. Thread: main. Outlives what AddEndpoints was given it for.
struct AdminSource {
  stats::Registry& registry;
  base::Clock& clock;
  const envoy::config::bootstrap::v3::Bootstrap& bootstrap;
  const envoy::admin::v3::CommandLineOptions& command_line_options;
  std::string version = {};    // As /server_info shows it: "HASH/VERSION/Clean/RELEASE/BoringSSL".
  base::MonoTime started = 0;  // For uptime.
  base::WallTime bootstrap_time = 0;  // last_updated of the bootstrap and of what it holds.
  uint32_t concurrency = 1;

  absl::AnyInvocable<envoy::admin::v3::ServerInfo::State()> state = nullptr;
  // Connections on listeners (not those to this interface), for server.total_connections.
  absl::AnyInvocable<uint64_t()> connection_count = nullptr;

  absl::AnyInvocable<void(ConfigKind, Visit<ConfigView>)> for_each_config = nullptr;
  // version_info of ClustersConfigDump and ListenersConfigDump: of the newest step of that type.
  absl::AnyInvocable<std::string(ConfigKind)> config_version = nullptr;
  absl::AnyInvocable<void(Visit<ScopeSetView>)> for_each_scope_set = nullptr;  // May be null.
  absl::AnyInvocable<void(Visit<ClusterView>)> for_each_cluster = nullptr;
  absl::AnyInvocable<void(Visit<ListenerView>)> for_each_listener = nullptr;
  // May be null: then there is no TLS.
  absl::AnyInvocable<void(Visit<CertificatesView>)> for_each_tls_context = nullptr;
  // May be null: then /clusters leaves those lines out.
  absl::AnyInvocable<HostCounters(const upstream::ClusterConfig&, const upstream::Host&)>
      host_counters = nullptr;
  // Fields that were set and have no effect, of the bootstrap and of what is in force.
  absl::AnyInvocable<void(Visit<config::IgnoredField>)> for_each_ignored_field = nullptr;

  // The runtime in force. Never returns null.
  absl::AnyInvocable<std::shared_ptr<const runtime::Snapshot>()> runtime = nullptr;
  // Sets keys of the admin layer; an empty text takes one out. Error: why nothing was changed.
  absl::AnyInvocable<absl::Status(const std::vector<std::pair<std::string, std::string>>&)>
      modify_runtime = nullptr;

  // Each returns at once; what it starts goes on in later turns.
  absl::AnyInvocable<void()> quit = nullptr;
  absl::AnyInvocable<void(bool failed)> set_health_check_failed = nullptr;
  absl::AnyInvocable<void(const DrainRequest&)> drain_listeners = nullptr;
  absl::AnyInvocable<void()> reopen_logs = nullptr;

  // Which stats there are, and how their names come apart.
  const stats::StatView& stat_view = stats::StatView::Plain();
};

}  // namespace proxenos::admin
