// Rbac: the network filter that lets those connections pass whom rules allow, judged once the
// client has sent something.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "source/filter/network_filter.h"
#include "source/rbac/rules.h"

namespace proxenos::filters::rbac {

struct RbacConfig {
  std::string stat_prefix;
  std::string shadow_stat_prefix;
  base::Nanos delay = 0;
  std::unique_ptr<const proxenos::rbac::Rules> rules;   // Null: all are allowed.
  std::unique_ptr<const proxenos::rbac::Rules> shadow;  // Null: nobody is judged on trial.
};

class Rbac final : public filter::NetworkFilterFactory {
 public:
  explicit Rbac(RbacConfig config) : config_(std::move(config)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

  const RbacConfig& config() const { return config_; }

 private:
  const RbacConfig config_;
};

}  // namespace proxenos::filters::rbac
