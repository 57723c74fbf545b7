// Its three lists.
#include "source/filters/network/set_filter_state/set_filter_state_config.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "envoy/extensions/filters/network/set_filter_state/v3/set_filter_state.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/config/typed_config.h"
#include "source/filters/network/set_filter_state/set_filter_state.h"

namespace proxenos::filters::network_set_filter_state {
namespace {

using ValueProto = envoy::extensions::filters::common::set_filter_state::v3::FilterStateValue;

// The kinds of values that somebody here reads; the first two are any text.
constexpr absl::string_view kFactories[] = {
    "envoy.string",
    "envoy.hashable_string",
    "envoy.tcp_proxy.cluster",
    "envoy.upstream.dynamic_host",
    "envoy.upstream.dynamic_port",
};

std::vector<Entry> Compile(const google::protobuf::RepeatedPtrField<ValueProto>& protos,
                           const config::Path& path, config::Errors& errors) {
  std::vector<Entry> entries;
  for (int i = 0; i < protos.size(); ++i) {
    const ValueProto& value = protos.Get(i);
    const config::Path at = path.Index(static_cast<size_t>(i));
    const bool own = !value.factory_key().empty();
    const std::string& factory = own ? value.factory_key() : value.object_key();
    if (std::find(std::begin(kFactories), std::end(kFactories), factory) == std::end(kFactories)) {
      errors.AddValue(at.Field(own ? "factory_key" : "object_key"), factory,
                      "envoy.tcp_proxy.cluster, envoy.upstream.dynamic_host, "
                      "envoy.upstream.dynamic_port, or factory_key envoy.string or "
                      "envoy.hashable_string: values of other kinds would steer nothing");
    }
    auto format =
        access_log::CompileFormatString(value.format_string(), at.Field("format_string"), errors);
    if (format) entries.push_back({value.object_key(), *std::move(format), value.skip_if_empty()});
  }
  return entries;
}

}  // namespace

std::unique_ptr<filter::NetworkFilterFactory> CreateSetFilterState(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::network::set_filter_state::v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  settings.on_connection =
      Compile(proto.on_new_connection(), path.Field("on_new_connection"), errors);
  settings.on_handshake = Compile(proto.on_downstream_tls_handshake(),
                                  path.Field("on_downstream_tls_handshake"), errors);
  settings.on_data = Compile(proto.on_downstream_data(), path.Field("on_downstream_data"), errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<SetFilterState>(std::move(settings));
}

}  // namespace proxenos::filters::network_set_filter_state
