// IgnoredUpgrades: protocols of Upgrade fields that requests are served without
// (Http1ProtocolOptions.ignore_http_11_upgrade).
//
// Thread: any (immutable).
#pragma once

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace proxenos::http1 {

class IgnoredUpgrades {
 public:
  using Matches = absl::AnyInvocable<bool(absl::string_view protocol) const>;
  explicit IgnoredUpgrades(Matches matches) : matches_(std::move(matches)) {}

  bool Ignores(absl::string_view protocol) const { return matches_(protocol); }

 private:
  const Matches matches_;
};

}  // namespace proxenos::http1
