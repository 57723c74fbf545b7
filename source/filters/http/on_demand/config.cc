// Where clusters come from; and the streams that the filter has nothing to do with.
#include "source/filters/http/on_demand/config.h"

#include <utility>

#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/cluster_source_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/on_demand/filter.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::on_demand {
namespace {

namespace v3 = envoy::extensions::filters::http::on_demand::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}

  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    if (stream.environment.on_demand == nullptr || stream.worker_part(*this) == nullptr) {
      return nullptr;
    }
    if (stream.routes == nullptr) return nullptr;
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    const Settings& settings = own == nullptr ? *settings_ : *own;
    // In most streams there is nothing to wait for.
    if (!settings.clusters.has_value() && !stream.routes->discovers_hosts()) return nullptr;
    return std::make_unique<OnDemandFilter>(*settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<OnDemandPart>(registry, stat_prefix);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

std::optional<filter::ClusterSource> CompileSource(const v3::OnDemandCds& proto,
                                                   const config::Path& path,
                                                   config::Errors& errors) {
  const config::Path at = path.Field("source");
  if (!proto.has_source()) {
    errors.Add(at, "is required");
    return std::nullopt;
  }
  filter::ClusterSource source = filter::CompileClusterSource(proto.source(), at, errors);
  if (proto.has_timeout()) {
    source.timeout = upstream::CompileDuration(proto.timeout(), errors, path.Field("timeout"));
  }
  return source;
}

// Both messages have this one field. Without it, a route turns off what the filter says.
template <typename Proto>
std::shared_ptr<const Settings> Compile(const google::protobuf::Any& config,
                                        const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings;
  if (proto.has_odcds()) {
    settings.clusters = CompileSource(proto.odcds(), path.Field("odcds"), errors);
  }
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  return Compile<v3::PerRouteConfig>(config, path, errors);
}

}  // namespace

const route::OverrideKind kOnDemandOverride{
    "envoy.extensions.filters.http.on_demand.v3.PerRouteConfig", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateOnDemand(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors) {
  std::shared_ptr<const Settings> settings = Compile<v3::OnDemand>(config, path, errors);
  if (settings == nullptr) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::on_demand
