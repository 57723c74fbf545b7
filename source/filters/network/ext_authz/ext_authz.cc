// Asking, waiting, counting.
#include "source/filters/network/ext_authz/ext_authz.h"

#include "source/downstream/connection_view.h"
#include "source/filters/network/ext_authz/check.h"
#include "source/rpc/call.h"
#include "source/stats/schema.h"
#include "source/upstream/cluster_map.h"

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
  // `asked`: when.
  NetworkVerdict Judge(Answer answer, base::MonoTime asked, NetworkConnection& connection);

  const Settings& settings() const { return settings_; }
  CheckStats& stats() { return *stats_; }

 private:
  const Settings& settings_;  // Of the configuration, which outlives this.
  stats::Group<CheckStats> stats_;
};

class Wait final : public filter::NetworkWait {
 public:
  Wait(Filter& filter, NetworkConnection& connection, base::Rc<upstream::WorkerCluster> service,
       const std::string& question)
      : filter_(filter),
        loop_(connection.environment.loop),
        waker_(connection.waker),
        asked_(connection.now),
        call_(std::move(service), filter.settings().service.options, question,
              [this](rpc::UnaryCall::Result result) { OnDone(std::move(result)); }) {
    filter_.stats().active.Inc();
  }
  ~Wait() override { filter_.stats().active.Dec(); }

  bool over() const override { return answer_.has_value(); }
  NetworkVerdict Take(NetworkConnection& connection) override {
    return filter_.Judge(*std::move(answer_), asked_, connection);
  }

 private:
  void OnDone(rpc::UnaryCall::Result result) {
    answer_ = result.status == rpc::Status::kOk ? ReadAnswer(result.answer.ToString()) : Answer{};
    loop_.AtTurnEnd(&waker_);
  }

  Filter& filter_;
  event::EventLoop& loop_;
  event::TurnEnd& waker_;
  const base::MonoTime asked_;
  std::optional<Answer> answer_;
  rpc::UnaryCall call_;
};

NetworkVerdict Filter::OnFirstBytes(NetworkConnection& connection) {
  const filter::Environment& environment = connection.environment;
  std::string question;
  {
    const downstream::ConnectionView view(connection);
    if (settings_.enabled.has_value() && !settings_.enabled->Matches(view.info().metadata.all())) {
      stats_->disabled.Inc();
      return {};
    }
    question = MakeQuestion(settings_, view.info(), environment.node);
  }
  stats_->total.Inc();
  base::Rc<upstream::WorkerCluster> service = environment.clusters.Find(settings_.service.cluster);
  if (!service) return Judge({}, connection.now, connection);
  NetworkVerdict verdict;
  verdict.wait = std::make_unique<Wait>(*this, connection, std::move(service), question);
  return verdict;
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
