// Views of the server for the admin pages.
#include "source/server/server_admin.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/admin/admin_endpoints.h"
#include "source/admin/config_types.h"
#include "source/base/log.h"
#include "source/server/server.h"

namespace proxenos::server {
namespace {

envoy::admin::v3::CommandLineOptions CommandLine(const Options& options, uint32_t concurrency) {
  envoy::admin::v3::CommandLineOptions proto;
  proto.set_base_id(options.base_id);
  proto.set_concurrency(concurrency);
  proto.set_config_path(options.config_path);
  proto.set_config_yaml(options.config_yaml);
  proto.set_admin_address_path(options.admin_address_path);
  proto.set_log_level(options.log_level);
  proto.set_component_log_level(options.component_log_level);
  proto.set_log_format(options.log_format);
  proto.set_log_path(options.log_path);
  proto.set_service_cluster(options.service_cluster);
  proto.set_service_node(options.service_node);
  proto.set_service_zone(options.service_zone);
  for (const auto& [name, value] : options.stats_tags) {
    proto.add_stats_tag(absl::StrCat(name, ":", value));
  }
  proto.mutable_file_flush_interval()->set_seconds(options.file_flush_interval / base::kSecond);
  proto.mutable_file_flush_interval()->set_nanos(
      static_cast<int32_t>(options.file_flush_interval % base::kSecond));
  proto.set_restart_epoch(static_cast<uint32_t>(options.restart_epoch));
  proto.set_disable_hot_restart(true);
  proto.set_cpuset_threads(options.cpuset_threads);
  proto.mutable_drain_time()->set_seconds(options.drain_time / base::kSecond);
  proto.mutable_parent_shutdown_time()->set_seconds(options.parent_shutdown_time / base::kSecond);
  if (options.drain_immediately) {
    proto.set_drain_strategy(envoy::admin::v3::CommandLineOptions::Immediate);
  }
  return proto;
}

admin::VersionView View(const ResourceVersion& version) {
  return {version.version, *version.bytes, version.last_updated};
}

admin::ConfigView View(const ResourceView& resource) {
  admin::ConfigView view;
  view.name = resource.name;
  view.is_static = resource.is_static;
  if (resource.active != nullptr) view.active = View(*resource.active);
  if (resource.warming != nullptr) view.warming = View(*resource.warming);
  if (resource.draining != nullptr) view.draining = View(*resource.draining);
  if (resource.refused != nullptr) {
    view.refused = admin::RefusalView{View(resource.refused->resource), resource.refused->reason};
  }
  return view;
}

envoy::admin::v3::ServerInfo::State ToProto(ServerState state) {
  using Info = envoy::admin::v3::ServerInfo;
  switch (state) {
    case ServerState::kPreInitializing:
      return Info::PRE_INITIALIZING;
    case ServerState::kInitializing:
      return Info::INITIALIZING;
    case ServerState::kLive:
      return Info::LIVE;
    case ServerState::kDraining:
      return Info::DRAINING;
  }
  return Info::LIVE;
}

}  // namespace

ServerAdmin::ServerAdmin(Server& server)
    : server_(server),
      command_line_(CommandLine(server.options(), server.concurrency())),
      source_{.registry = server.registry(),
              .clock = server.clock(),
              .bootstrap = server.bootstrap().proto,
              .command_line_options = command_line_,
              .stat_view = server.stat_view()} {
  source_.version = absl::StrCat("0/", kVersion, "/Clean/RELEASE/BoringSSL");
  source_.started = server.loop().now();
  source_.bootstrap_time = server.started_at();
  source_.concurrency = server.concurrency();
  FillConfig();
  FillRuntime();
  process_stats_ = std::make_unique<admin::ProcessStats>(source_);
}

ServerAdmin::~ServerAdmin() = default;

void ServerAdmin::FillConfig() {
  source_.for_each_config = [this](admin::ConfigKind kind, admin::Visit<admin::ConfigView> visit) {
    const ConfigStore& store = server_.store();
    const auto pass = [&visit](const ResourceView& each) { visit(View(each)); };
    switch (kind) {
      case admin::ConfigKind::kCluster:
        return store.clusters().ForEach(pass);
      case admin::ConfigKind::kListener:
        return store.listeners().ForEach(pass);
      case admin::ConfigKind::kEndpoint:
        return store.clusters().ForEachAssignment(pass);
      case admin::ConfigKind::kVirtualHost:
        return store.routes().ForEachHost(pass);
      case admin::ConfigKind::kSecret:
        return store.secrets().ForEach(pass);
      case admin::ConfigKind::kExtension:
        return store.extensions().ForEach(pass);
      case admin::ConfigKind::kRuntime:
        return store.runtime().ForEach(pass);
      case admin::ConfigKind::kRoute:
        break;
    }
    store.routes().ForEach(pass);
    store.listeners().ForEachInlineRoutes(
        [&visit](const std::string& bytes, base::WallTime last_updated) {
          admin::ConfigView view;
          view.is_static = true;
          view.active = admin::VersionView{"", bytes, last_updated};
          visit(view);
        });
  };
  source_.for_each_scope_set = [this](admin::Visit<admin::ScopeSetView> visit) {
    ForEachScopeSet(visit);
  };
  source_.config_version = [this](admin::ConfigKind kind) {
    return server_.store().VersionOf(std::string(admin::TypeUrlOf(kind)));
  };
  source_.for_each_cluster = [this](admin::Visit<admin::ClusterView> visit) {
    server_.store().clusters().ForEachActive([&visit](const ClusterView& each) {
      visit(admin::ClusterView{each.config, each.hosts, each.breakers, each.added_via_api,
                               each.outliers});
    });
  };
  source_.for_each_listener = [this](admin::Visit<admin::ListenerView> visit) {
    server_.store().listeners().ForEachActive(
        [this, &visit](const downstream::ListenerConfig& config, bool) {
          const std::vector<net::Address> bound = server_.sockets().Addresses(config.name);
          visit(admin::ListenerView{config.name, bound.empty() ? config.addresses : bound});
        });
  };
  source_.for_each_tls_context = [this](admin::Visit<admin::CertificatesView> visit) {
    const auto pass = [&visit](const tls::Context& context) {
      visit(admin::CertificatesView{context.certificates(), context.ca_certificates()});
    };
    server_.store().listeners().ForEachContext(pass);
    server_.store().clusters().ForEachContext(pass);
  };
  source_.for_each_ignored_field = [this](admin::Visit<config::IgnoredField> visit) {
    for (const auto& field : server_.bootstrap().ignored.list()) visit(field);
    for (const auto& field : server_.dynamic_ignored().list()) visit(field);
  };
}

void ServerAdmin::ForEachScopeSet(admin::Visit<admin::ScopeSetView> visit) {
  const ConfigStore& store = server_.store();
  store.scopes().ForEachSet(
      [&visit](const std::string& name, const std::vector<ResourceView>& resources) {
        std::vector<admin::ConfigView> scopes;
        for (const ResourceView& each : resources) scopes.push_back(View(each));
        visit({name, false, scopes});
      });
  store.listeners().ForEachScopeList([&visit](const std::string& name,
                                              const std::vector<std::string>& written,
                                              base::WallTime last_updated) {
    std::vector<admin::ConfigView> scopes;
    for (const std::string& bytes : written) {
      scopes.emplace_back().active = admin::VersionView{"", bytes, last_updated};
    }
    visit({name, true, scopes});
  });
}

void ServerAdmin::FillRuntime() {
  source_.state = [this] { return ToProto(server_.state()); };
  source_.runtime = [this] { return server_.store().runtime().snapshot(); };
  source_.modify_runtime = [this](const RuntimeStore::Changes& changes) {
    return server_.ModifyRuntime(changes);
  };
  source_.connection_count = [this] { return server_.connection_limit().count(); };
  source_.quit = [this] { server_.Quit(); };
  source_.set_health_check_failed = [this](bool failed) { server_.FailHealth(failed); };
  source_.reopen_logs = [this] { server_.ReopenLogs(); };
  source_.drain_listeners = [this](const admin::DrainRequest& request) {
    server_.DrainListeners({request.graceful, request.skip_exit, request.inbound_only});
  };
}

absl::Status ServerAdmin::Start() {
  const auto& bootstrap = server_.bootstrap().proto;
  if (!bootstrap.has_admin()) return absl::OkStatus();
  config::Errors errors;
  config_ =
      admin::CompileAdmin(bootstrap.admin(), &server_.log_writer(), config::Path("admin"), errors);
  if (!errors.ok()) return errors.ToStatus();
  if (config_.address.family() == net::Address::Family::kNone) return absl::OkStatus();
  if (config_.allows != nullptr) table_.AllowOnly(std::move(config_.allows));
  admin::AddEndpoints(table_, source_);
  endpoint_ = std::make_unique<admin::AdminServer>(server_.loop(), table_, server_.registry());
  endpoint_->SetAccessLogs(std::move(config_.access_logs));
  const absl::Status status = endpoint_->Listen(config_.address, config_.listen);
  if (!status.ok()) return status;
  const std::string address = endpoint_->address().ToString();
  PX_LOG(kAdmin, kInfo, "admin address: ", address);
  const std::string& path = server_.options().admin_address_path;
  if (path.empty()) return absl::OkStatus();
  // Written aside and renamed, so that whoever waits for the file never reads half of it.
  const std::string draft = absl::StrCat(path, ".new");
  std::FILE* file = std::fopen(draft.c_str(), "w");
  const bool written = file != nullptr && std::fputs(address.c_str(), file) >= 0;
  if (file != nullptr) std::fclose(file);
  if (!written || std::rename(draft.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write --admin-address-path ", path));
  }
  return absl::OkStatus();
}

}  // namespace proxenos::server
