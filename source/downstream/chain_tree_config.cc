// Inputs by type, actions by the names of chains.
#include "source/downstream/chain_tree_config.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/wrappers.pb.h"
#include "source/config/typed_config.h"
#include "source/match/network_input_config.h"
#include "source/match/tree_config.h"

namespace proxenos::downstream {
namespace {

using Input = ChainTree::Input;
using ListenerProto = envoy::config::listener::v3::Listener;
using ChainNames = absl::flat_hash_map<std::string, uint32_t>;

constexpr Input kKnown[] = {
    Input::kDestinationIp, Input::kDestinationPort,   Input::kSourceIp,
    Input::kSourcePort,    Input::kDirectSourceIp,    Input::kSourceType,
    Input::kServerName,    Input::kTransportProtocol, Input::kApplicationProtocols,
};

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
        return match::AddNetworkInput(proto, kKnown, at, errors, inputs);
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
