// Asking, judging, counting.
#include "source/filters/network/ratelimit/ratelimit.h"

#include "source/access_log/value.h"
#include "source/downstream/connection_view.h"
#include "source/filter/check_wire.h"
#include "source/filter/service_wait.h"
#include "source/filters/network/ratelimit/answer.h"
#include "source/rpc/wire.h"
#include "source/stats/schema.h"

namespace proxenos::filters::network_ratelimit {
namespace {

using filter::NetworkConnection;
using filter::NetworkVerdict;
using rpc::WireWriter;

#define PX_NETWORK_RATELIMIT_SERVICE_STATS(X) \
  X(Counter, total)                           \
  X(Counter, error)                           \
  X(Counter, over_limit)                      \
  X(Counter, ok)                              \
  X(Counter, failure_mode_allowed)            \
  X(Counter, cx_closed)                       \
  X(Gauge, active)
PX_STATS(ServiceStats, PX_NETWORK_RATELIMIT_SERVICE_STATS);
constexpr stats::ScopeShape kScope{"ratelimit.$.", "ratelimit.", {"envoy.ratelimit_prefix"}};

// What goes to dynamic metadata goes by this name of Envoy's.
constexpr absl::string_view kNamespace = "envoy.filters.network.ratelimit";

enum RequestField : uint32_t { kDomain = 1, kDescriptors = 2 };
enum DescriptorField : uint32_t { kEntries = 1 };

class Filter final : public filter::NetworkFilter {
 public:
  Filter(const Settings& settings, stats::Registry& registry)
      : settings_(settings),
        stats_(registry.Open<ServiceStats>(stats::ScopeName(kScope, {settings.stat_prefix}))) {}

  Verdict OnConnection(NetworkConnection& connection) override;

 private:
  NetworkVerdict Judge(Answer answer, NetworkConnection& connection);
  std::string Question(NetworkConnection& connection) const;
  NetworkVerdict Close();

  const Settings& settings_;  // Of the configuration, which outlives this.
  stats::Group<ServiceStats> stats_;
};

NetworkVerdict Filter::OnConnection(NetworkConnection& connection) {
  const filter::Environment& environment = connection.environment;
  if (!settings_.enabled.Holds(environment.runtime, environment.loop.random().Next())) return {};
  stats_->total.Inc();
  const auto judge = [this](const std::string* answer, NetworkConnection& on) {
    return Judge(answer == nullptr ? Answer{} : ReadAnswer(*answer), on);
  };
  return filter::AskService(connection, settings_.service, Question(connection), stats_->active,
                            judge);
}

std::string Filter::Question(NetworkConnection& connection) const {
  const downstream::ConnectionView view(connection);
  access_log::FormatInput input;
  input.stream = &view.info();
  std::string message;
  WireWriter request(message);
  request.Text(kDomain, settings_.domain);
  for (const auto& descriptor : settings_.descriptors) {
    request.Message(kDescriptors, [&descriptor, &input](WireWriter& out) {
      for (const Settings::Entry& entry : descriptor) {
        std::string value;
        entry.value.Format(input, value);
        out.Entry(kEntries, entry.key, filter::CheckText(value));
      }
    });
  }
  return message;
}

NetworkVerdict Filter::Judge(Answer answer, NetworkConnection& connection) {
  if (!answer.metadata.empty()) {
    connection.info.OpenNotes().metadata.Merge(kNamespace, std::move(answer.metadata));
  }
  const filter::Environment& environment = connection.environment;
  switch (answer.verdict) {
    case Answer::Verdict::kOk:
      stats_->ok.Inc();
      return {};
    case Answer::Verdict::kOverLimit:
      stats_->over_limit.Inc();
      if (!settings_.enforcing.Holds(environment.runtime, environment.loop.random().Next())) {
        return {};
      }
      return Close();
    case Answer::Verdict::kError:
      break;
  }
  stats_->error.Inc();
  if (settings_.failure_mode_deny) return Close();
  stats_->failure_mode_allowed.Inc();
  return {};
}

NetworkVerdict Filter::Close() {
  stats_->cx_closed.Inc();
  NetworkVerdict refused;
  refused.pass = false;
  return refused;
}

}  // namespace

std::unique_ptr<filter::NetworkFilter> RateLimit::Create(stats::Registry& registry) const {
  return std::make_unique<Filter>(settings_, registry);
}

}  // namespace proxenos::filters::network_ratelimit
