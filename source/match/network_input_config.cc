// Types by name.
#include "source/match/network_input_config.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/config/typed_config.h"

namespace proxenos::match {
namespace {

struct NamedInput {
  const char* name;
  NetworkInput input;
};
constexpr char kPackage[] = "envoy.extensions.matching.common_inputs.network.v3.";
constexpr NamedInput kNamed[] = {
    {"DestinationIPInput", NetworkInput::kDestinationIp},
    {"DestinationPortInput", NetworkInput::kDestinationPort},
    {"SourceIPInput", NetworkInput::kSourceIp},
    {"SourcePortInput", NetworkInput::kSourcePort},
    {"DirectSourceIPInput", NetworkInput::kDirectSourceIp},
    {"SourceTypeInput", NetworkInput::kSourceType},
    {"ServerNameInput", NetworkInput::kServerName},
    {"TransportProtocolInput", NetworkInput::kTransportProtocol},
    {"ApplicationProtocolInput", NetworkInput::kApplicationProtocols},
};

bool IsAddress(NetworkInput input) {
  return input == NetworkInput::kDestinationIp || input == NetworkInput::kSourceIp ||
         input == NetworkInput::kDirectSourceIp;
}

}  // namespace

std::optional<CompiledInput> AddNetworkInput(const xds::core::v3::TypedExtensionConfig& proto,
                                             absl::Span<const NetworkInput> known,
                                             const config::Path& path, config::Errors& errors,
                                             std::vector<NetworkInput>& inputs) {
  const std::string type = config::TypedConfigType(proto.typed_config());
  for (const NamedInput& named : kNamed) {
    if (type != absl::StrCat(kPackage, named.name)) continue;
    if (std::find(known.begin(), known.end(), named.input) == known.end()) break;
    const auto at = std::find(inputs.begin(), inputs.end(), named.input);
    CompiledInput compiled;
    compiled.number = static_cast<uint32_t>(at - inputs.begin());
    compiled.is_address = IsAddress(named.input);
    if (at == inputs.end()) inputs.push_back(named.input);
    return compiled;
  }
  errors.Add(path.Field("typed_config"),
             absl::StrCat("'", type, "' is not an input that proxenos knows here"));
  return std::nullopt;
}

}  // namespace proxenos::match
