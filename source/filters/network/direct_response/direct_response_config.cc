// The text, wherever it is.
#include "source/filters/network/direct_response/direct_response_config.h"

#include <optional>
#include <string>
#include <utility>

#include "envoy/extensions/filters/network/direct_response/v3/config.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filters/network/direct_response/direct_response.h"

namespace proxenos::filters::direct_response {

std::unique_ptr<downstream::NetworkTerminal> CreateDirectResponse(
    const google::protobuf::Any& config, const downstream::TerminalLent&, const config::Path& path,
    config::Errors& errors) {
  envoy::extensions::filters::network::direct_response::v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  std::optional<std::string> text = "";
  if (proto.has_response()) {
    text = config::ReadDataSource(proto.response(), path.Field("response"), errors);
  }
  if (!text) return nullptr;
  return std::make_unique<DirectResponse>(*std::move(text));
}

}  // namespace proxenos::filters::direct_response
