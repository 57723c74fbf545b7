// Compiles what is left to others.
#include "source/filters/http/set_filter_state/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/set_filter_state/filter.h"

namespace proxenos::filters::set_filter_state {
namespace {

namespace v3 = envoy::extensions::filters::http::set_filter_state::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<SetFilterState>(own == nullptr ? *settings_ : *own, stream);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

std::shared_ptr<const Settings> Compile(const v3::Config& proto, const config::Path& path,
                                        config::Errors& errors) {
  Settings settings;
  settings.clears_route = proto.clear_route_cache();
  for (int i = 0; i < proto.on_request_headers_size(); ++i) {
    const auto& value = proto.on_request_headers(i);
    const config::Path at = path.Field("on_request_headers").Index(static_cast<size_t>(i));
    const std::string& factory =
        value.factory_key().empty() ? value.object_key() : value.factory_key();
    // Texts alone: what Envoy makes of other kinds would steer it, and nothing here.
    if (factory != "envoy.string" && factory != "envoy.hashable_string") {
      errors.AddValue(
          at.Field(value.factory_key().empty() ? "object_key" : "factory_key"), factory,
          "factory_key envoy.string or envoy.hashable_string: values of other kinds would "
          "steer nothing");
    }
    auto format =
        access_log::CompileFormatString(value.format_string(), at.Field("format_string"), errors);
    if (format) {
      settings.entries.push_back({value.object_key(), *std::move(format), value.skip_if_empty()});
    }
  }
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return Compile(proto, path, errors);
}

}  // namespace

const route::OverrideKind kSetFilterStateOverride{
    "envoy.extensions.filters.http.set_filter_state.v3.Config", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateSetFilterState(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::set_filter_state
