// One line for each parameter that there is.
#include "source/xds/node_context.h"

#include "absl/strings/str_cat.h"
#include "source/json/struct_config.h"

namespace proxenos::xds {
namespace {

using envoy::config::core::v3::Node;

struct Param {
  const char* name;
  std::string (*of)(const Node& node);
};

constexpr Param kParams[] = {
    {"id", [](const Node& node) { return node.id(); }},
    {"cluster", [](const Node& node) { return node.cluster(); }},
    {"user_agent_name", [](const Node& node) { return node.user_agent_name(); }},
    {"user_agent_version", [](const Node& node) { return node.user_agent_version(); }},
    {"locality.region", [](const Node& node) { return node.locality().region(); }},
    {"locality.zone", [](const Node& node) { return node.locality().zone(); }},
    {"locality.sub_zone", [](const Node& node) { return node.locality().sub_zone(); }},
    {"user_agent_build_version.version",
     [](const Node& node) {
       const auto& version = node.user_agent_build_version().version();
       return absl::StrCat(version.major_number(), ".", version.minor_number(), ".",
                           version.patch());
     }},
};

void AddAll(const google::protobuf::Struct& metadata, const std::string& prefix,
            std::map<std::string, std::string>& to) {
  for (const auto& [key, value] : metadata.fields()) {
    to[absl::StrCat(prefix, key)] = json::ToJson(json::FromProto(value));
  }
}

}  // namespace

std::map<std::string, std::string> NodeContext(
    const Node& node, const google::protobuf::RepeatedPtrField<std::string>& params,
    const config::Path& path, config::Errors& errors) {
  std::map<std::string, std::string> context;
  for (int i = 0; i < params.size(); ++i) {
    const std::string& name = params[i];
    bool known = false;
    for (const Param& param : kParams) {
      if (name != param.name) continue;
      known = true;
      context[absl::StrCat("xds.node.", name)] = param.of(node);
    }
    if (name == "metadata") {
      AddAll(node.metadata(), "xds.node.metadata.", context);
    } else if (name == "user_agent_build_version.metadata") {
      AddAll(node.user_agent_build_version().metadata(),
             "xds.node.user_agent_build_version.metadata.", context);
    } else if (!known) {
      errors.AddValue(path.Index(static_cast<size_t>(i)), name,
                      "id, cluster, user_agent_name, user_agent_version, locality.region, "
                      "locality.zone, locality.sub_zone, user_agent_build_version.version, "
                      "user_agent_build_version.metadata or metadata");
    }
  }
  return context;
}

}  // namespace proxenos::xds
