// The two messages that the API has for collections are one on the wire.
#include "source/xds/list_collection.h"

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/config/text.h"

namespace proxenos::xds {
namespace {

using Wrapper = envoy::service::discovery::v3::Resource;

constexpr absl::string_view kCollectionTypes[] = {
    "type.googleapis.com/envoy.config.listener.v3.ListenerCollection",
    "type.googleapis.com/envoy.config.cluster.v3.ClusterCollection",
};

bool IsCollectionType(absl::string_view type_url) {
  return type_url == kCollectionTypes[0] || type_url == kCollectionTypes[1];
}

// What says something of one resource among others says nothing of a file.
void CheckWrapper(const Wrapper& file, config::Errors& errors) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  file.GetReflection()->ListFields(file, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const std::string& name = field->name();
    if (name == "name" || name == "version" || name == "resource") continue;
    errors.Add(config::Path(name), "has no meaning for a collection in a file");
  }
}

void AddEntry(::xds::core::v3::CollectionEntry entry,
              envoy::service::discovery::v3::DiscoveryResponse& response) {
  google::protobuf::Any& added = *response.add_resources();
  if (entry.has_locator()) {
    added.PackFrom(entry.locator());
    return;
  }
  // Its name is that of the entry in the collection; the resource has its own.
  Wrapper wrapper;
  wrapper.set_version(entry.inline_entry().version());
  *wrapper.mutable_resource() = std::move(*entry.mutable_inline_entry()->mutable_resource());
  added.PackFrom(wrapper);
}

}  // namespace

void LoadListCollection(const std::string& path,
                        envoy::service::discovery::v3::DiscoveryResponse& response,
                        config::Errors& errors) {
  Wrapper file;
  config::LoadFile(path, file, errors);
  if (!errors.ok()) return;
  CheckWrapper(file, errors);
  const std::string& type = file.resource().type_url();
  envoy::config::listener::v3::ListenerCollection collection;
  if (!IsCollectionType(type)) {
    errors.AddValue(config::Path("resource"), type.substr(0, 200),
                    "an envoy.config.listener.v3.ListenerCollection or an "
                    "envoy.config.cluster.v3.ClusterCollection");
  } else if (!collection.ParseFromString(file.resource().value())) {
    errors.Add(config::Path("resource"), "the bytes are not a valid message");
  }
  if (!errors.ok()) return;
  response.set_version_info(file.version());
  for (auto& entry : *collection.mutable_entries()) AddEntry(std::move(entry), response);
}

}  // namespace proxenos::xds
