// Steps of virtual hosts by discovery, of the routes that they are for, and of requests that ask
// for them, in any order: whatever a control plane and clients do, no domain has two hosts, and
// everybody who asks is answered.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/base/check.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

using envoy::config::route::v3::RouteConfiguration;
using envoy::config::route::v3::VirtualHost;

// Names and domains are one letter each, so that they meet.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string Letter() { return std::string(1, static_cast<char>('a' + Byte() % 8)); }

 private:
  const uint8_t* data_;
  size_t size_;
};

void AddHost(const VirtualHost& proto, route::RouteTableParts& parts) {
  route::VirtualHost host;
  host.name = proto.name();
  host.domains.assign(proto.domains().begin(), proto.domains().end());
  parts.virtual_hosts.push_back(std::move(host));
}

Compilers MakeSmallCompilers() {
  Compilers compilers;
  compilers.listener = [](const std::string&, Origin, config::Errors&) {
    auto http = std::make_shared<downstream::HttpConfig>();
    http->rds_name = "rc";
    auto config = std::make_shared<downstream::ListenerConfig>();
    config->name = "l";
    config->addresses = {*net::Address::FromIp("127.0.0.1", 0)};
    auto chain = std::make_shared<downstream::ChainConfig>();
    chain->http = http;
    config->chains.push_back(std::move(chain));
    CompiledListener compiled;
    compiled.config = config;
    compiled.routes.emplace_back();
    return compiled;
  };
  compilers.routes = [](const std::string& bytes, Origin, config::Errors&) {
    RouteConfiguration proto;
    CHECK(proto.ParseFromString(bytes));
    route::RouteTableParts parts;
    parts.name = "rc";
    parts.discovers_hosts = proto.has_vhds();
    std::map<std::string, int> seen;
    for (const VirtualHost& host : proto.virtual_hosts()) {
      AddHost(host, parts);
      for (const std::string& domain : host.domains()) CHECK(++seen[domain] == 1);
    }
    return std::make_shared<downstream::RouteSnapshot>(
        downstream::RouteSnapshot{route::RouteTable::Build(std::move(parts)), {}});
  };
  compilers.hosts_origin = [](const std::string& bytes) -> std::optional<HostsOrigin> {
    RouteConfiguration proto;
    CHECK(proto.ParseFromString(bytes));
    if (!proto.has_vhds()) return std::nullopt;
    return HostsOrigin{proto.vhds().config_source().path_config_source().path(),
                       15 * base::kSecond};
  };
  compilers.host = [](const std::string& bytes, const HostsOrigin&,
                      config::Errors& errors) -> std::shared_ptr<const route::RouteTable> {
    VirtualHost proto;
    CHECK(proto.ParseFromString(bytes));
    if (proto.domains().empty()) {
      errors.Add(config::Path("domains"), "is bad");
      return nullptr;
    }
    route::RouteTableParts parts;
    AddHost(proto, parts);
    return route::RouteTable::Build(std::move(parts));
  };
  return compilers;
}

class World {
 public:
  World() {
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      for (const DemandAnswer& answer : batch.answers) asked_.erase(answer.demand.name);
    };
    hooks.want = [](const WantedNames::Change&) {};
    store_ =
        std::make_unique<ConfigStore>(loop_, registry_, MakeSmallCompilers(), std::move(hooks));
    Send(xds::kListenerType, "l", "l");
  }

  void Step(Input& input) {
    switch (input.Byte() % 8) {
      case 0: {
        RouteConfiguration routes;
        if (input.Byte() % 4 != 0) {
          routes.mutable_vhds()->mutable_config_source()->mutable_path_config_source()->set_path(
              input.Byte() % 2 ? "1" : "2");
        }
        auto* host = routes.add_virtual_hosts();
        host->set_name("w");
        host->add_domains(input.Letter());
        return Send(xds::kRouteType, "rc", routes.SerializeAsString());
      }
      case 1: {
        const std::string name = input.Letter();
        asked_.insert(name);
        return store_->Ask({Demand::Kind::kHost, "rc", name});
      }
      case 2:
        clock_.Advance(input.Byte() * base::kSecond);
        return;
      case 3:
        loop_.RunOnce(0);
        return;
      default:
        return SendHosts(input);
    }
  }
  void End() {
    for (int i = 0; i < 8; ++i) {
      clock_.Advance(kAnswerWait);
      loop_.RunOnce(0);
      loop_.RunOnce(0);
    }
    CHECK(asked_.empty());
  }

 private:
  void Send(const char* type, const std::string& name, const std::string& bytes) {
    xds::TypeUpdate update;
    update.type_url = type;
    update.resources.push_back(Resource(type, name, bytes));
    store_->Apply("", update);
  }
  static xds::Resource Resource(const char* type, const std::string& name,
                                const std::string& bytes) {
    return {name, "v", type, std::make_shared<const std::string>(bytes)};
  }
  void SendHosts(Input& input) {
    xds::TypeUpdate update;
    update.type_url = xds::kVirtualHostType;
    const int count = input.Byte() % 4;
    for (int i = 0; i < count; ++i) {
      VirtualHost host;
      for (int domains = input.Byte() % 3; domains > 0; --domains) {
        const std::string domain = input.Letter();
        const auto& there = host.domains();
        if (std::find(there.begin(), there.end(), domain) == there.end()) {
          host.add_domains(domain);
        }
      }
      host.set_name(absl::StrCat(i));
      update.resources.push_back(Resource(
          xds::kVirtualHostType, absl::StrCat("rc/", input.Letter()), host.SerializeAsString()));
      if (input.Byte() % 2) update.resources.back().aliases.push_back("rc/" + input.Letter());
    }
    if (input.Byte() % 2) update.removed.push_back("rc/" + input.Letter());
    store_->Apply(input.Byte() % 4 ? "1" : "2", update);
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  std::set<std::string> asked_;
  std::unique_ptr<ConfigStore> store_;
};

}  // namespace
}  // namespace proxenos::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::server::Input input(data, size);
  proxenos::server::World world;
  for (int steps = 0; steps < 200 && !input.empty(); ++steps) world.Step(input);
  world.End();
  return 0;
}
