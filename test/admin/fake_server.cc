// Filling of an AdminSource from a test's data.
#include "test/admin/fake_server.h"

#include <utility>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_set_update.h"

namespace proxenos::admin::testing {
namespace {

VersionView View(const OwnedVersion& owned) {
  return {owned.version, owned.bytes, owned.last_updated};
}

std::optional<VersionView> View(const std::optional<OwnedVersion>& owned) {
  if (!owned) return std::nullopt;
  return View(*owned);
}

ConfigView View(const OwnedConfig& owned) {
  ConfigView view;
  view.name = owned.name;
  view.is_static = owned.is_static;
  view.active = View(owned.active);
  view.warming = View(owned.warming);
  view.draining = View(owned.draining);
  if (owned.refused) view.refused = RefusalView{View(*owned.refused), owned.reason};
  return view;
}

std::string Lines(const config::Errors& errors) {
  std::string lines;
  for (const config::Error& error : errors.list()) lines += error.ToString() + "\n";
  return lines;
}

}  // namespace

void ParseInto(const std::string& yaml, google::protobuf::Message& proto) {
  config::Errors errors;
  config::ParseYaml(yaml, proto, errors);
  EXPECT_TRUE(errors.ok()) << Lines(errors);
}

FakeServer::FakeServer()
    : source{.registry = registry,
             .clock = clock,
             .bootstrap = bootstrap,
             .command_line_options = command_line} {
  source.version = "abcdef0123/1.2.3/Clean/RELEASE/BoringSSL";
  source.started = clock.Mono();
  source.bootstrap_time = clock.Wall();
  source.concurrency = 2;
  source.state = [this] { return state; };
  source.connection_count = [] { return 7; };
  runtime = std::make_shared<const runtime::Snapshot>(
      std::vector<std::shared_ptr<const runtime::Layer>>());
  source.runtime = [this] { return runtime; };
  source.modify_runtime = [this](const std::vector<std::pair<std::string, std::string>>& changes) {
    modified = changes;
    return modify_status;
  };
  source.for_each_config = [this](ConfigKind kind, Visit<ConfigView> visit) {
    for (const auto& [of, owned] : configs) {
      if (of == kind) visit(View(owned));
    }
  };
  source.config_version = [](ConfigKind kind) {
    return kind == ConfigKind::kCluster ? "c7" : "l3";
  };
  source.for_each_cluster = [this](Visit<ClusterView> visit) {
    for (const auto& each : clusters) {
      visit(ClusterView{*each->config, *each->hosts, each->breakers, each->added_via_api});
    }
  };
  source.for_each_listener = [this](Visit<ListenerView> visit) {
    for (const OwnedListener& each : listeners) visit(ListenerView{each.name, each.addresses});
  };
  source.for_each_tls_context = [this](Visit<CertificatesView> visit) {
    for (const OwnedContext& each : contexts) visit(CertificatesView{each.chain, each.roots});
  };
  source.for_each_ignored_field = [this](Visit<config::IgnoredField> visit) {
    for (const config::IgnoredField& each : ignored) visit(each);
  };
  source.quit = [this] { ++quits; };
  source.set_health_check_failed = [this](bool failed) { health_failed = failed; };
  source.reopen_logs = [this] { ++reopenings; };
  source.drain_listeners = [this](const DrainRequest& request) { drains.push_back(request); };
  AddEndpoints(table, source);
}

OwnedCluster& FakeServer::AddCluster(const std::string& yaml, const std::string& assignment_yaml) {
  envoy::config::cluster::v3::Cluster proto;
  ParseInto(yaml, proto);
  config::Errors errors;
  auto owned = std::make_unique<OwnedCluster>();
  owned->config = upstream::CompileCluster(proto, errors, config::Path());
  std::shared_ptr<const upstream::Assignment> assignment = owned->config->assignment;
  if (!assignment_yaml.empty()) {
    envoy::config::endpoint::v3::ClusterLoadAssignment endpoints;
    ParseInto(assignment_yaml, endpoints);
    assignment = upstream::CompileAssignment(endpoints, errors, config::Path());
  }
  EXPECT_TRUE(errors.ok()) << Lines(errors);
  owned->hosts = upstream::BuildHostSet(*owned->config, *assignment, nullptr).hosts;
  clusters.push_back(std::move(owned));
  return *clusters.back();
}

void FakeServer::AddListener(const std::string& name, const std::string& ip, uint16_t port) {
  listeners.push_back(OwnedListener{name, {*net::Address::FromIp(ip, port)}});
}

OwnedConfig& FakeServer::AddConfig(ConfigKind kind, const std::string& name, bool is_static) {
  configs.emplace_back(kind, OwnedConfig{});
  configs.back().second.name = name;
  configs.back().second.is_static = is_static;
  return configs.back().second;
}

Response FakeServer::Call(const std::string& method, const std::string& target) {
  Request request;
  request.method = method;
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string::npos) request.query = target.substr(mark + 1);
  request.params = Params(request.query);
  return table.Serve(request);
}

std::string FakeServer::Get(const std::string& target) {
  const Response response = Call("GET", target);
  EXPECT_EQ(response.status, 200) << target << ": " << response.body;
  return response.body;
}

}  // namespace proxenos::admin::testing
