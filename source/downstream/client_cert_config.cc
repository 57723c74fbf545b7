// Modes, details, and the tree that leads to them.
#include "source/downstream/client_cert_config.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "source/config/typed_config.h"
#include "source/filter/matcher_tree_config.h"

namespace proxenos::downstream {

ClientCertRule CompileClientCertRule(
    ForwardingManager::ForwardClientCertDetails mode,
    const ForwardingManager::SetCurrentClientCertDetails& details) {
  using Mode = HttpConfig::ForwardClientCert;
  ClientCertRule rule;
  switch (mode) {
    case ForwardingManager::FORWARD_ONLY:
      rule.mode = Mode::kForwardOnly;
      break;
    case ForwardingManager::APPEND_FORWARD:
      rule.mode = Mode::kAppendForward;
      break;
    case ForwardingManager::SANITIZE_SET:
      rule.mode = Mode::kSanitizeSet;
      break;
    case ForwardingManager::ALWAYS_FORWARD_ONLY:
      rule.mode = Mode::kAlwaysForwardOnly;
      break;
    default:
      break;
  }
  rule.details = {details.subject().value(), details.cert(), details.chain(), details.dns(),
                  details.uri()};
  return rule;
}

std::shared_ptr<const ClientCertChoice> CompileClientCertChoice(
    const xds::type::matcher::v3::Matcher& proto, const config::Path& path,
    config::Errors& errors) {
  std::vector<ClientCertRule> rules;
  const auto action = [&](const google::protobuf::Any& any,
                          const config::Path& at) -> std::optional<uint32_t> {
    ForwardingManager::ForwardClientCertConfig config;
    const std::string type = config::TypedConfigType(any);
    if (type != config.GetDescriptor()->full_name()) {
      errors.AddValue(at, type, config.GetDescriptor()->full_name());
      return std::nullopt;
    }
    if (!config::UnpackTypedConfigTo(any, config, at, errors)) return std::nullopt;
    rules.push_back(CompileClientCertRule(config.forward_client_cert_details(),
                                          config.set_current_client_cert_details()));
    return static_cast<uint32_t>(rules.size() - 1);
  };
  auto tree = filter::CompileMatcherTree(proto, filter::MatchTime::kRequest, action, path, errors);
  if (!tree) return nullptr;
  return std::make_shared<const ClientCertChoice>(
      ClientCertChoice{*std::move(tree), std::move(rules)});
}

}  // namespace proxenos::downstream
