// FakeServer: an AdminSource over plain data that a test sets, and a record of what was asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "source/admin/admin_endpoints.h"
#include "source/admin/admin_source.h"
#include "test/support/sim_clock.h"

namespace proxenos::admin::testing {

// A version that owns what the view of it points to.
struct OwnedVersion {
  std::string version;
  std::string bytes;
  base::WallTime last_updated = 0;
};

struct OwnedConfig {
  std::string name;
  bool is_static = false;
  std::optional<OwnedVersion> active, warming, draining, refused;
  std::string reason;
};

struct OwnedCluster {
  std::shared_ptr<const upstream::ClusterConfig> config;
  std::shared_ptr<const upstream::HostSet> hosts;
  upstream::CircuitBreakers breakers;
  bool added_via_api = false;
};

struct OwnedContext {
  std::vector<tls::CertificateDetails> chain, roots;
};

struct OwnedListener {
  std::string name;
  std::vector<net::Address> addresses;
};

// The bytes of a proto written as YAML.
template <class Proto>
std::string Bytes(const std::string& yaml);
void ParseInto(const std::string& yaml, google::protobuf::Message& proto);

template <class Proto>
std::string Bytes(const std::string& yaml) {
  Proto proto;
  ParseInto(yaml, proto);
  return proto.SerializeAsString();
}

class FakeServer {
 public:
  FakeServer();

  // A cluster in force with the hosts of its own assignment, or of `assignment_yaml`.
  OwnedCluster& AddCluster(const std::string& yaml, const std::string& assignment_yaml = "");
  void AddListener(const std::string& name, const std::string& ip, uint16_t port);
  OwnedConfig& AddConfig(ConfigKind kind, const std::string& name, bool is_static);

  // One request through the table.
  Response Call(const std::string& method, const std::string& target);
  // The body of a GET that must succeed.
  std::string Get(const std::string& target);

  proxenos::testing::SimClock clock;
  stats::Registry registry;
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  envoy::admin::v3::CommandLineOptions command_line;
  envoy::admin::v3::ServerInfo::State state = envoy::admin::v3::ServerInfo::LIVE;
  std::vector<std::unique_ptr<OwnedCluster>> clusters;
  std::vector<OwnedListener> listeners;
  std::vector<OwnedContext> contexts;
  std::vector<std::pair<ConfigKind, OwnedConfig>> configs;
  std::vector<config::IgnoredField> ignored;
  int quits = 0;
  int reopenings = 0;
  std::optional<bool> health_failed;
  std::shared_ptr<const runtime::Snapshot> runtime;
  std::vector<std::pair<std::string, std::string>> modified;
  absl::Status modify_status;
  std::vector<DrainRequest> drains;

  AdminSource source;
  EndpointTable table;
};

}  // namespace proxenos::admin::testing
