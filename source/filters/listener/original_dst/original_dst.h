// OriginalDst: where a connection went before the kernel's NAT redirected it here.
// envoy.extensions.filters.listener.original_dst.v3.OriginalDst
#pragma once

#include "source/filter/listener_filter.h"

namespace proxenos::filters::original_dst {

class OriginalDst final : public filter::ListenerFilter {
 public:
  uint32_t limit() const override { return 0; }
  Result Inspect(absl::string_view, filter::ConnectionFacts&) override { return {}; }
  void InspectSocket(int fd, filter::ConnectionFacts& facts) override;
};

}  // namespace proxenos::filters::original_dst
