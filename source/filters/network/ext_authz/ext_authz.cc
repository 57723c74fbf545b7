// Asking, judging, counting.
#include "source/filters/network/ext_authz/ext_authz.h"

#include "source/downstream/connection_view.h"
#include "source/filter/service_wait.h"
#include "source/filters/network/ext_authz/check.h"
#include "source/stats/schema.h"

namespace proxenos::filters::network_ext_authz {
namespace {

using filter::NetworkConnection;
using filter::NetworkVerdict;

#define PX_NETWORK_EXT_AUTHZ_STATS(X) \
  X(Counter, cx_closed)               \
  X(Counter, denied)                  \
  X(Counter, error)                   \
  X(Counter, failure_mode_allowed)    \
  X(Counter, ok)                      \
  X(Counter, total)                   \
  X(Counter, disabled)                \
  X(Gauge, active)
PX_STATS(CheckStats, PX_NETWORK_EXT_AUTHZ_STATS);
constexpr stats::ScopeShape kScope{"ext_authz.$.", "ext_authz.", {"envoy.ext_authz_prefix"}};

// What goes to dynamic metadata goes by this name of Envoy's.
constexpr absl::string_view kNamespace = "envoy.filters.network.ext_authz";

class Filter final : public filter::NetworkFilter {
 public:
  Filter(const Settings& settings, stats::Registry& registry)
      : settings_(settings),
        stats_(registry.Open<CheckStats>(stats::ScopeName(kScope, {settings.stat_prefix}))) {}

  bool wants_first_bytes() const override { return true; }
  Verdict OnFirstBytes(NetworkConnection& connection) override;

 private:
  // `asked`: when.
  NetworkVerdict Judge(Answer answer, base::MonoTime asked, NetworkConnection& connection);

  const Settings& settings_;  // Of the configuration, which outlives this.
  stats::Group<CheckStats> stats_;
};

NetworkVerdict Filter::OnFirstBytes(NetworkConnection& connection) {
  std::string question;
  {
    const downstream::ConnectionView view(connection);
    if (settings_.enabled.has_value() && !settings_.enabled->Matches(view.info().metadata.all())) {
      stats_->disabled.Inc();
      return {};
    }
    question = MakeQuestion(settings_, view.info(), connection.environment.node);
  }
  stats_->total.Inc();
  const auto judge = [this, asked = connection.now](const std::string* answer,
                                                    NetworkConnection& on) {
    return Judge(answer == nullptr ? Answer{} : ReadAnswer(*answer), asked, on);
  };
  return filter::AskService(connection, settings_.service, question, stats_->active, judge);
}

NetworkVerdict Filter::Judge(Answer answer, base::MonoTime asked, NetworkConnection& connection) {
  NetworkVerdict refused;
  refused.flags = filter::kUnauthorizedExternalService;
  switch (answer.verdict) {
    case Answer::Verdict::kAllow:
      stats_->ok.Inc();
      answer.metadata.insert_or_assign(
          "ext_authz_duration",
          json::Value(static_cast<double>((connection.now - asked) / base::kMillisecond)));
      break;
    case Answer::Verdict::kDeny:
      stats_->denied.Inc();
      refused.pass = false;
      refused.details = "ext_authz_denied";
      break;
    case Answer::Verdict::kError:
      stats_->error.Inc();
      refused.pass = settings_.failure_mode_allow;
      refused.details = "ext_authz_error";
      break;
  }
  if (!answer.metadata.empty()) {
    connection.info.OpenNotes().metadata.Merge(kNamespace, std::move(answer.metadata));
  }
  if (!refused.pass) {
    stats_->cx_closed.Inc();
    return refused;
  }
  if (answer.verdict == Answer::Verdict::kError) stats_->failure_mode_allowed.Inc();
  return {};
}

}  // namespace

std::unique_ptr<filter::NetworkFilter> ExtAuthz::Create(stats::Registry& registry) const {
  return std::make_unique<Filter>(settings_, registry);
}

}  // namespace proxenos::filters::network_ext_authz
