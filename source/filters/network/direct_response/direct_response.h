// DirectResponse: the terminal network filter that sends a fixed text and closes.
#pragma once

#include <string>

#include "source/downstream/chain_service.h"

namespace proxenos::filters::direct_response {

class DirectResponse final : public downstream::NetworkTerminal {
 public:
  explicit DirectResponse(std::string text) : text_(std::move(text)) {}
  std::unique_ptr<downstream::ChainService> MakeService(
      downstream::ChainService::Parts parts) const override;

 private:
  const std::string text_;
};

}  // namespace proxenos::filters::direct_response
