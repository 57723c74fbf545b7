// Names of stats, and the bound of those of rules.
#include "source/filters/http/waf/stats.h"

#include "absl/strings/str_cat.h"

namespace proxenos::filters::waf {
namespace {

constexpr stats::ScopeShape kScope{"http.$.waf.", "http.waf.", {"envoy.http_conn_manager_prefix"}};
constexpr stats::ScopeShape kNamedScope{
    "http.$.waf.$.", "http.waf.", {"envoy.http_conn_manager_prefix", "envoy.waf_prefix"}};
constexpr stats::ScopeShape kRuleScope{
    "http.$.waf.rule.$.", "http.waf.rule.", {"envoy.http_conn_manager_prefix", "envoy.waf_rule"}};

constexpr int64_t kOther = -1;

}  // namespace

WafPart::WafPart(stats::Registry& registry, const std::string& http_prefix,
                 const std::string& stat_prefix)
    : stats(registry.Open<WafStats>(
          stat_prefix.empty() ? stats::ScopeName(kScope, {http_prefix})
                              : stats::ScopeName(kNamedScope, {http_prefix, stat_prefix}))),
      registry_(registry),
      http_prefix_(http_prefix) {}

WafPart::~WafPart() {
  if (home_ != nullptr) home_->Close();
}

void WafPart::Start(const filter::Environment& environment) {
  home_ = std::make_shared<const proxenos::waf::Home>(environment.loop);
}

void WafPart::CountMatch(int64_t rule) {
  auto it = by_rule_.find(rule);
  if (it == by_rule_.end()) {
    if (by_rule_.size() >= kMaxRules) rule = kOther;
    const std::string name = rule == kOther ? "other" : absl::StrCat(rule);
    it = by_rule_.try_emplace(rule).first;
    if (!it->second) {
      it->second = registry_.Open<WafRuleStats>(stats::ScopeName(kRuleScope, {http_prefix_, name}));
    }
  }
  it->second->matched.Inc();
}

}  // namespace proxenos::filters::waf
