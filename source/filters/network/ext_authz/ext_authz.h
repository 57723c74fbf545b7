// ExtAuthz: the network filter that asks a service whether a connection may pass, once the client
// has sent something: its certificate is known then.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/filter/network_filter.h"
#include "source/match/value_matcher.h"
#include "source/rpc/service.h"

namespace proxenos::filters::network_ext_authz {

struct Settings {
  std::string stat_prefix;
  rpc::GrpcService service;
  bool failure_mode_allow = false;
  bool include_peer_certificate = false;
  bool include_tls_session = false;
  std::string labels_key;
  std::vector<std::string> metadata_namespaces;
  std::optional<match::MetadataMatcher> enabled;  // None: always.
};

class ExtAuthz final : public filter::NetworkFilterFactory {
 public:
  explicit ExtAuthz(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

 private:
  const Settings settings_;
};

}  // namespace proxenos::filters::network_ext_authz
