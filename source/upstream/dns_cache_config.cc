// The cache's limits, rates and names.
#include "source/upstream/dns_cache_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/upstream/dns_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

using envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;

// Equal messages, equal bytes.
std::string Bytes(const DnsCacheConfig& proto) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  proto.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

void SetFilter(const DnsCacheConfig& proto, config::Errors& errors, const config::Path& path,
               AddressFilter& to) {
  to.invert = proto.resolved_address_filter().invert_match();
  const config::Path list = path.Field("resolved_address_filter").Field("ranges");
  for (int i = 0; i < proto.resolved_address_filter().ranges_size(); ++i) {
    const auto& range = proto.resolved_address_filter().ranges(i);
    const auto parsed = match::IpRange::Parse(range.address_prefix(), range.prefix_len().value());
    if (parsed.has_value()) {
      to.ranges.push_back(*parsed);
    } else {
      errors.AddValue(list.Index(static_cast<size_t>(i)),
                      absl::StrCat(range.address_prefix(), "/", range.prefix_len().value()),
                      "an IP address and a prefix_len within its bits");
    }
  }
}

void SetNames(const DnsCacheConfig& proto, config::Errors& errors, const config::Path& path,
              std::vector<DynamicName>& to) {
  for (int i = 0; i < proto.preresolve_hostnames_size(); ++i) {
    const auto& given = proto.preresolve_hostnames(i);
    const bool ipv6 = given.address().find(':') != std::string::npos;
    auto name = ParseDynamicName(ipv6 ? absl::StrCat("[", given.address(), "]") : given.address(),
                                 static_cast<uint16_t>(given.port_value()));
    if (name.has_value() && name->port != 0) {
      to.push_back(*std::move(name));
    } else {
      errors.AddValue(path.Field("preresolve_hostnames").Index(static_cast<size_t>(i)),
                      absl::StrCat(given.address(), ":", given.port_value()),
                      "a name and a port_value");
    }
  }
}

}  // namespace

DnsCacheSettings CompileDnsCache(const DnsCacheConfig& proto, config::Errors& errors,
                                 const config::Path& path) {
  DnsCacheSettings settings;
  settings.name = proto.name();
  settings.bytes = Bytes(proto);
  settings.dns = *CompileDnsSettings(proto, errors, path);
  const auto set = [&](bool given, const google::protobuf::Duration& from, std::string_view field,
                       base::Nanos& to) {
    if (given) to = CompileDuration(from, errors, path.Field(field));
  };
  set(proto.has_dns_min_refresh_rate(), proto.dns_min_refresh_rate(), "dns_min_refresh_rate",
      settings.min_refresh_rate);
  set(proto.has_host_ttl(), proto.host_ttl(), "host_ttl", settings.host_ttl);
  set(proto.has_dns_query_timeout(), proto.dns_query_timeout(), "dns_query_timeout",
      settings.query_timeout);
  if (proto.has_max_hosts()) settings.max_hosts = proto.max_hosts().value();
  if (proto.dns_cache_circuit_breaker().has_max_pending_requests()) {
    settings.max_pending_requests =
        proto.dns_cache_circuit_breaker().max_pending_requests().value();
  }
  settings.refresh_on_failure = !proto.disable_dns_refresh_on_failure();
  SetFilter(proto, errors, path, settings.removed);
  SetNames(proto, errors, path, settings.preresolved);
  if (settings.preresolved.size() > settings.max_hosts) {
    errors.Add(path.Field("preresolve_hostnames"), "there are more of them than max_hosts");
  }
  return settings;
}

DynamicForwardProxy CompileDynamicForwardProxy(
    const envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig& proto,
    config::Errors& errors, const config::Path& path) {
  DynamicForwardProxy compiled;
  if (!proto.has_dns_cache_config()) {
    errors.Add(path.Field("dns_cache_config"), "is required");
    return compiled;
  }
  compiled.cache =
      CompileDnsCache(proto.dns_cache_config(), errors, path.Field("dns_cache_config"));
  return compiled;
}

}  // namespace proxenos::upstream
