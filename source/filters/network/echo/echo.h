// Echo: the terminal network filter that sends back what it is sent.
#pragma once

#include "source/downstream/chain_service.h"

namespace proxenos::filters::echo {

class Echo final : public downstream::NetworkTerminal {
 public:
  std::unique_ptr<downstream::ChainService> MakeService(
      downstream::ChainService::Parts parts) const override;
};

}  // namespace proxenos::filters::echo
