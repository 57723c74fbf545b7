// The order in which sources are looked at is that of Bootstrap.config_sources.
#include "source/server/authorities.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "source/config/errors.h"
#include "source/xds/stream_config.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::server {
namespace {

using ConfigSource = Authorities::ConfigSource;

bool HasAuthority(const ConfigSource& source, const std::string& authority) {
  return std::any_of(source.authorities().begin(), source.authorities().end(),
                     [&authority](const auto& each) { return each.name() == authority; });
}

void CheckSource(const ConfigSource& source, const config::Path& path, config::Errors& errors) {
  if (!source.has_api_config_source() || !xds::IsAggregated(source.api_config_source())) {
    errors.Add(path,
               "expected api_config_source of api_type AGGREGATED_GRPC or AGGREGATED_DELTA_GRPC");
  }
  std::set<std::string> seen;
  for (int i = 0; i < source.authorities_size(); ++i) {
    if (seen.insert(source.authorities(i).name()).second) continue;
    errors.AddValue(path.Field("authorities").Index(static_cast<size_t>(i)),
                    source.authorities(i).name(), "each authority once");
  }
}

}  // namespace

absl::Status Authorities::Check() const {
  config::Errors errors;
  for (int i = 0; i < bootstrap_.config_sources_size(); ++i) {
    const config::Path at = config::Path("config_sources").Index(static_cast<size_t>(i));
    const ConfigSource& source = bootstrap_.config_sources(i);
    if (source.authorities().empty()) errors.Add(at.Field("authorities"), "must not be empty");
    CheckSource(source, at, errors);
  }
  if (bootstrap_.has_default_config_source()) {
    CheckSource(bootstrap_.default_config_source(), config::Path("default_config_source"), errors);
  }
  return errors.ToStatus();
}

absl::StatusOr<const ConfigSource*> Authorities::Find(absl::string_view name,
                                                      const ConfigSource& peer) const {
  // Where nobody speaks of authorities, they mean nothing.
  if (!xds::IsXdstpName(name) || (!any() && peer.authorities().empty())) return nullptr;
  const absl::StatusOr<xds::XdstpName> parsed = xds::ParseXdstpName(name);
  if (!parsed.ok()) return parsed.status();
  if (HasAuthority(peer, parsed->authority)) return nullptr;
  for (const ConfigSource& source : bootstrap_.config_sources()) {
    if (HasAuthority(source, parsed->authority)) return &source;
  }
  if (bootstrap_.has_default_config_source()) return &bootstrap_.default_config_source();
  return absl::InvalidArgumentError(
      absl::StrCat("no config source is for the authority of ", name.substr(0, 200)));
}

}  // namespace proxenos::server
