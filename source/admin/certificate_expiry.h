// How many days a certificate has left, as Envoy counts them: whole days, none once it is over.
#pragma once

#include <algorithm>
#include <cstdint>

namespace proxenos::admin {

inline uint64_t DaysUntil(int64_t expires_s, int64_t now_s) {
  constexpr int64_t kDay = 24 * 60 * 60;
  return static_cast<uint64_t>(std::max<int64_t>(expires_s - now_s, 0) / kDay);
}

}  // namespace proxenos::admin
