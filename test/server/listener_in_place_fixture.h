// ListenerInPlaceTest: listeners in a store with the real compilers, and what it publishes of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/listener_config.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/certificates.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {

inline constexpr char kAds[] = R"({"ads": {}, "resource_api_version": "V3"})";

// A connection manager whose routes come as `routes` says, in JSON, with these filters before the
// router.
inline std::string Manager(const std::string& routes, const std::string& filters = "") {
  return absl::StrCat(
      R"({"name": "hcm", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.)",
      R"(network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "s", )", routes,
      R"(, "http_filters": [)", filters,
      R"({"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.)",
      R"(filters.http.router.v3.Router"}}]}})");
}

inline std::string Rds(const std::string& name) {
  return absl::StrCat(R"("rds": {"route_config_name": ")", name, R"(", "config_source": )", kAds,
                      "}");
}

// For names below it, with `rest` of the chain.
inline std::string Chain(const std::string& name, const std::string& filter,
                         const std::string& rest = "") {
  return absl::StrCat(R"({"name": ")", name, R"(", "filter_chain_match": {"server_names": [")",
                      name, R"(.test"]}, "filters": [)", filter, "]", rest, "}");
}

inline std::string Listener(const std::vector<std::string>& chains, const std::string& rest = "") {
  return absl::StrCat(
      R"({"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 80}},)",
      R"( "filter_chains": [)", absl::StrJoin(chains, ", "), "]", rest, "}");
}

inline std::string SdsTls(const std::string& secret) {
  return absl::StrCat(
      R"(, "transport_socket": {"name": "tls", "typed_config": {"@type": "type.googleapis.com/)",
      R"(envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": )",
      R"({"tls_certificate_sds_secret_configs": [{"name": ")", secret, R"(", "sds_config": )", kAds,
      "}]}}}");
}

class ListenerInPlaceTest : public ::testing::Test {
 protected:
  ListenerInPlaceTest() {
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      if (on_batch_ != nullptr) on_batch_(batch);
      for (auto& each : batch.listeners) listeners_.push_back(std::move(each));
      for (auto& each : batch.listener_tls) tls_.push_back(std::move(each));
      for (auto& each : batch.listener_filters) filters_.push_back(std::move(each));
      for (auto& each : batch.listener_scopes) scopes_.push_back(std::move(each));
    };
    hooks.want = [this](const WantedNames::Change& change) {
      std::set<std::string>& names = wanted_[change.type_url];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    hooks.drain_time = 60 * base::kSecond;
    store_.emplace(loop_, registry_, MakeCompilers(listener_compiler_, ignored_), std::move(hooks));
  }

  template <typename Message>
  static std::string Bytes(const std::string& json) {
    Message message;
    config::Errors errors;
    config::ParseJson({json.data(), json.size()}, message, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus() << json;
    return message.SerializeAsString();
  }
  // What was refused, or "".
  template <typename Message>
  std::string Apply(const std::string& name, const std::string& json) {
    const std::string type =
        absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name());
    return Send(type, name, Bytes<Message>(json));
  }
  std::string Send(const std::string& type, const std::string& name, const std::string& bytes) {
    xds::TypeUpdate update{type, "v", {}, {}};
    update.resources.push_back({name, "v", type, std::make_shared<const std::string>(bytes)});
    const auto refused = store_->Apply("", update);
    loop_.RunOnce(0);
    return refused.empty() ? "" : refused[0].reason;
  }
  std::string Listen(const std::vector<std::string>& chains, const std::string& rest = "") {
    return Apply<envoy::config::listener::v3::Listener>("l", Listener(chains, rest));
  }
  void Routes(const std::string& name) {
    EXPECT_EQ(Apply<envoy::config::route::v3::RouteConfiguration>(
                  name, absl::StrCat(R"({"name": ")", name, R"("})")),
              "");
  }
  void Secret(const std::string& name, const std::string& common_name) {
    Secret(name, proxenos::testing::MakeLeaf(ca_, common_name));
  }
  void Secret(const std::string& name, const proxenos::testing::TestCertificate& leaf) {
    envoy::extensions::transport_sockets::tls::v3::Secret secret;
    secret.set_name(name);
    auto& certificate = *secret.mutable_tls_certificate();
    certificate.mutable_certificate_chain()->set_inline_string(leaf.pem());
    certificate.mutable_private_key()->set_inline_string(leaf.key_pem());
    EXPECT_EQ(Send(xds::kSecretType, name, secret.SerializeAsString()), "");
  }
  const ListenerStore& store() { return store_->listeners(); }
  const downstream::ChainConfig* ChainAt(size_t listener, size_t chain) {
    return listeners_.at(listener).config->chains.at(chain).get();
  }
  void Pass(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    loop_.RunOnce(0);
  }

  const proxenos::testing::TestCertificate ca_ = proxenos::testing::MakeCa("root");
  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  config::IgnoredFields ignored_;
  downstream::ListenerCompiler listener_compiler_{BuiltinFilters(), nullptr};
  std::vector<PublishedListener> listeners_;
  std::vector<Rotation<tls::ServerContext>> tls_;
  std::vector<FilterChange> filters_;
  std::vector<ScopeChange> scopes_;
  std::map<std::string, std::set<std::string>> wanted_;
  absl::AnyInvocable<void(const Batch&)> on_batch_;  // May be null.
  std::optional<ConfigStore> store_;
};

}  // namespace proxenos::server
