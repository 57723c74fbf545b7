// Compiles fixed metadata.
#include "source/filters/http/set_metadata/config.h"

#include <utility>

#include "envoy/extensions/filters/http/set_metadata/v3/set_metadata.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/set_metadata/filter.h"
#include "source/json/struct_config.h"

namespace proxenos::filters::set_metadata {
namespace {

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<SetMetadata>(entries_, stream);
  }

 private:
  const std::vector<Entry> entries_;
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateSetMetadata(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors) {
  envoy::extensions::filters::http::set_metadata::v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  std::vector<Entry> entries;
  // The deprecated pair of fields merges, whatever is there.
  if (proto.has_value()) {
    entries.push_back({proto.metadata_namespace(), json::FromProto(proto.value()), true});
  }
  for (const auto& metadata : proto.metadata()) {
    if (metadata.has_typed_value() && !metadata.has_value()) continue;  // Nothing would read it.
    entries.push_back({metadata.metadata_namespace(), json::FromProto(metadata.value()),
                       metadata.allow_overwrite()});
  }
  return std::make_unique<Factory>(std::move(entries));
}

}  // namespace proxenos::filters::set_metadata
