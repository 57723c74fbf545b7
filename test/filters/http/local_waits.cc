// Filters that wait for time, or for a thread of their own.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit.pb.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "source/filters/http/waf/filter.h"
#include "test/filters/http/waiting.h"
#include "test/waf/scripted_rules.h"

namespace proxenos::filters {
namespace {

namespace f = envoy::extensions::filters::http;
using proxenos::waf::InspectionPool;
using proxenos::waf::ScriptedRules;

// At 1 KiB a second less than a second, and more than goes at once.
constexpr size_t kPacedBytes = 900;

// Its answer is that time passes: a second, bit by bit.
class TimeWaiting final : public Waiting {
 public:
  TimeWaiting(Phase phase, const google::protobuf::Any& config)
      : Waiting(phase), routes_(MakeRoutes(RouteToOrigin())) {
    stream_ = MakeStream(config, {}, routes_);
  }
  void Answer() override {
    for (int i = 0; i < 20; ++i) {
      stream_->Advance(50 * base::kMillisecond);
      stream_->Turn();
    }
  }
  void ExpectNothingLeft() override {
    for (const char* gauge :
         {"http.test.fault.active_faults", "p.http_bandwidth_limit.request_pending",
          "p.http_bandwidth_limit.response_pending"}) {
      EXPECT_EQ(stream_->Stat(gauge), 0u) << gauge;
    }
  }

 private:
  std::string body() const override { return std::string(kPacedBytes, 'b'); }

  const std::shared_ptr<const route::RouteTable> routes_;
};

// An engine that waits at a gate.
class RulesFactory final : public filter::FilterFactory {
 public:
  explicit RulesFactory(waf::Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<waf::Waf>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string& prefix) const override {
    return std::make_unique<waf::WafPart>(registry, prefix, "");
  }

 private:
  const waf::Settings settings_;
};

class RulesWaiting final : public Waiting {
 public:
  explicit RulesWaiting(Phase phase)
      : Waiting(phase),
        rules_(std::make_shared<const ScriptedRules>()),
        pool_(std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{})) {
    waf::Settings settings;
    settings.rules = rules_;
    settings.pool = pool_;
    if (phase == Phase::kResponse) settings.response.emplace();
    auto factory = std::make_shared<RulesFactory>(std::move(settings));
    factory->request_body = factory->response_body = filter::BodyMode::kBegin;
    factory->buffer_limit = 1024;
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{std::move(factory)}, [phase](filter::StreamContext& stream) {
          FillRequest({"POST", phase == Phase::kResponse ? "/" : "/wait"}, stream.request,
                      stream.arena);
        });
  }
  ~RulesWaiting() override { rules_->gate.Open(); }
  bool Asked() override { return rules_->begun.Wait(); }
  void Answer() override { rules_->gate.Open(); }
  void ExpectNothingLeft() override {
    EXPECT_EQ(stream_->Stat("http.test.waf.active"), 0u);
    while (rules_->alive != 0) std::this_thread::yield();
  }

 private:
  uint16_t status() const override { return 299; }

  std::shared_ptr<const ScriptedRules> rules_;
  std::shared_ptr<const InspectionPool> pool_;
};

WaitCase InTime(const std::string& name, Phase phase, const google::protobuf::Any& config) {
  return {name, [=] { return std::make_unique<TimeWaiting>(phase, config); },
          phase < Phase::kResponse ? "passed" : "200 " + std::string(kPacedBytes, 'b')};
}

WaitCase Inspected(const std::string& name, Phase phase, const std::string& answered) {
  return {name, [=] { return std::make_unique<RulesWaiting>(phase); }, answered, "503 ",
          base::kSecond};
}

}  // namespace

std::vector<WaitCase> LocalCases() {
  using Fault = f::fault::v3::HTTPFault;
  const auto limit = [](const std::string& mode) {
    return Pack<f::bandwidth_limit::v3::BandwidthLimit>(
        absl::StrCat("stat_prefix: 'p' limit_kbps { value: 1 } enable_mode: ", mode));
  };
  return {
      InTime(
          "fault_delay", Phase::kRequestHead,
          Pack<Fault>("delay { fixed_delay { nanos: 200000000 } percentage { numerator: 100 } }")),
      InTime(
          "fault_delay_of_trailers", Phase::kRequestTrailers,
          Pack<Fault>("delay { fixed_delay { nanos: 200000000 } percentage { numerator: 100 } }")),
      InTime("fault_response_rate", Phase::kResponse,
             Pack<Fault>("response_rate_limit { fixed_limit { limit_kbps: 1 } "
                         "percentage { numerator: 100 } }")),
      InTime("bandwidth_limit_request", Phase::kRequestBody, limit("REQUEST")),
      InTime("bandwidth_limit_before_trailers", Phase::kRequestTrailers, limit("REQUEST")),
      InTime("bandwidth_limit_response", Phase::kResponse, limit("RESPONSE")),
      Inspected("waf_request_head", Phase::kRequestHead, "passed"),
      Inspected("waf_request_body", Phase::kRequestBody, "passed"),
      Inspected("waf_request_trailers", Phase::kRequestTrailers, "passed"),
      Inspected("waf_response", Phase::kResponse, "299 body"),
  };
}

}  // namespace proxenos::filters
