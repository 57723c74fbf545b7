// Inputs by type, actions by the names of chains.
#include "source/downstream/chain_tree_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/wrappers.pb.h"
#include "source/config/typed_config.h"
#include "source/match/tree_config.h"

namespace proxenos::downstream {
namespace {

using Input = ChainTree::Input;
using ListenerProto = envoy::config::listener::v3::Listener;
using ChainNames = absl::flat_hash_map<std::string, uint32_t>;

constexpr char kInputs[] = "envoy.extensions.matching.common_inputs.network.v3.";
struct InputName {
  const char* name;
  Input input;
};
constexpr InputName kInputNames[] = {
    {"DestinationIPInput", Input::kDestinationIp},
    {"DestinationPortInput", Input::kDestinationPort},
    {"SourceIPInput", Input::kSourceIp},
    {"SourcePortInput", Input::kSourcePort},
    {"DirectSourceIPInput", Input::kDirectSourceIp},
    {"SourceTypeInput", Input::kSourceType},
    {"ServerNameInput", Input::kServerName},
    {"TransportProtocolInput", Input::kTransportProtocol},
    {"ApplicationProtocolInput", Input::kApplicationProtocols},
};

bool IsAddress(Input input) {
  return input == Input::kDestinationIp || input == Input::kSourceIp ||
         input == Input::kDirectSourceIp;
}

std::optional<match::CompiledInput> AddInput(const xds::core::v3::TypedExtensionConfig& proto,
                                             const config::Path& path, config::Errors& errors,
                                             std::vector<Input>& inputs) {
  const std::string type = config::TypedConfigType(proto.typed_config());
  for (const InputName& known : kInputNames) {
    if (type != absl::StrCat(kInputs, known.name)) continue;
    const auto at = std::find(inputs.begin(), inputs.end(), known.input);
    match::CompiledInput compiled;
    compiled.number = static_cast<uint32_t>(at - inputs.begin());
    compiled.is_address = IsAddress(known.input);
    if (at == inputs.end()) inputs.push_back(known.input);
    return compiled;
  }
  errors.Add(path.Field("typed_config"),
             absl::StrCat("'", type, "' is not an input that proxenos knows here"));
  return std::nullopt;
}

// An action is the name of a chain.
std::optional<uint32_t> FindChain(const google::protobuf::Any& any, const ChainNames& names,
                                  const config::Path& path, config::Errors& errors) {
  google::protobuf::StringValue name;
  if (!config::UnpackTypedConfigTo(any, name, path, errors)) return std::nullopt;
  const auto found = names.find(name.value());
  if (found != names.end()) return found->second;
  errors.AddValue(path.Field("value"), name.value(), "the name of a filter chain");
  return std::nullopt;
}

ChainNames NamesOf(const ListenerProto& listener, const config::Path& path,
                   config::Errors& errors) {
  ChainNames names;
  for (int i = 0; i < listener.filter_chains_size(); ++i) {
    const auto& chain = listener.filter_chains(i);
    const config::Path at = path.Field("filter_chains").Index(static_cast<size_t>(i));
    if (chain.name().empty()) {
      errors.Add(at.Field("name"), "expected one: filter_chain_matcher chooses chains by name");
    } else if (!names.emplace(chain.name(), static_cast<uint32_t>(i)).second) {
      errors.AddValue(at.Field("name"), chain.name(), "a name that no other chain has");
    }
    if (chain.filter_chain_match().ByteSizeLong() != 0) {
      errors.Add(at.Field("filter_chain_match"), "cannot stand beside filter_chain_matcher");
    }
  }
  return names;
}

}  // namespace

std::shared_ptr<const ChainTree> CompileChainTree(const ListenerProto& listener,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  const ChainNames names = NamesOf(listener, path, errors);
  std::vector<Input> inputs;
  auto tree = match::CompileMatchTree(
      listener.filter_chain_matcher(),
      [&errors, &inputs](const auto& proto, const config::Path& at) {
        return AddInput(proto, at, errors, inputs);
      },
      [&names, &errors](const google::protobuf::Any& any, const config::Path& at) {
        return FindChain(any, names, at, errors);
      },
      path.Field("filter_chain_matcher"), errors);
  if (!tree) return nullptr;
  const int otherwise = listener.has_default_filter_chain() ? listener.filter_chains_size() : -1;
  return std::make_shared<const ChainTree>(std::move(inputs), *std::move(tree), otherwise);
}

}  // namespace proxenos::downstream
