// There are no settings.
#include "source/filters/network/echo/echo_config.h"

#include "envoy/extensions/filters/network/echo/v3/echo.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/echo/echo.h"

namespace proxenos::filters::echo {

std::unique_ptr<downstream::NetworkTerminal> CreateEcho(const google::protobuf::Any& config,
                                                        const downstream::TerminalLent&,
                                                        const config::Path& path,
                                                        config::Errors& errors) {
  envoy::extensions::filters::network::echo::v3::Echo proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Echo>();
}

}  // namespace proxenos::filters::echo
