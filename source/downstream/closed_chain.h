// ClosedChain: stands at the end of a filter chain without filters, whose connections are closed as
// they come: what a chain chooses is turned away.
#pragma once

#include <memory>

#include "source/downstream/chain_service.h"

namespace proxenos::downstream {

class ClosedChain final : public NetworkTerminal {
 public:
  std::unique_ptr<ChainService> MakeService(ChainService::Parts parts) const override;
};

}  // namespace proxenos::downstream
