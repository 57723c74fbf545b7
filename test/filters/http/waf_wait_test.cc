// The WAF with an engine that the test holds: everything that can happen while a message waits, and
// what the engine is told.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/filters/http/waf/facts.h"
#include "source/filters/http/waf/filter.h"
#include "test/filters/http/waf_stream.h"
#include "test/support/side_service.h"
#include "test/waf/scripted_rules.h"

namespace proxenos::filters {
namespace {

using proxenos::waf::InspectionPool;
using proxenos::waf::ScriptedRules;
using waf::Settings;
using waf::Waf;
using waf::WafPart;

// A filter with an engine that the test holds.
class ScriptedFactory final : public filter::FilterFactory {
 public:
  explicit ScriptedFactory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Waf>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string& prefix) const override {
    return std::make_unique<WafPart>(registry, prefix, "");
  }

 private:
  const Settings settings_;
};

class WafWaitTest : public WafStreamTest {
 protected:
  ~WafWaitTest() override { rules_->gate.Open(); }
  std::unique_ptr<FilterHarness> Make(const std::string& path) {
    Settings settings = settings_;
    settings.rules = rules_;
    settings.pool = pool_;
    auto stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{std::make_shared<const ScriptedFactory>(std::move(settings))},
        [&path](filter::StreamContext& context) {
          FillRequest({"GET", path}, context.request, context.arena);
        });
    stream->request.framing = {};
    return stream;
  }
  std::string Get(const std::string& path) {
    stream_ = Make(path);
    stream_->SendRequest(true);
    return Ask(*stream_);
  }

  Settings settings_;
  std::shared_ptr<const ScriptedRules> rules_ = std::make_shared<const ScriptedRules>();
  std::shared_ptr<const InspectionPool> pool_ =
      std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{1, 1, 1 << 20});
};

TEST_F(WafWaitTest, QuickEnginesRunWhereTheStreamLives) {
  rules_ = std::make_shared<const ScriptedRules>(true);
  settings_.response.emplace();
  stream_ = Make("/match");
  stream_->SendRequest(true);
  EXPECT_TRUE(stream_->request_out.head);  // In the same turn.
  EXPECT_EQ(Told("outcome"), "\"detected\"");
  EXPECT_EQ(Told("tags"), "[\"attack-test\"]");
  stream_->SendResponse(200, "", true);
  EXPECT_TRUE(stream_->response_out.end);
  EXPECT_EQ(rules_->finished, 1);
  EXPECT_EQ(Get("/deny"), "403 Forbidden");
}

TEST_F(WafWaitTest, FullQueueFollowsThePolicy) {
  auto held = Make("/wait"), waits = Make("/x");
  held->SendRequest(true);
  ASSERT_TRUE(rules_->begun.Wait());
  waits->SendRequest(true);
  EXPECT_EQ(Get("/y"), "503 ");
  EXPECT_EQ(stream_->info.details, "waf_queue_full");
  EXPECT_EQ(stream_->info.flags, filter::kOverload);
  EXPECT_EQ(Stat("queue_full"), 1u);
  EXPECT_EQ(Stat("failed_closed"), 1u);
  settings_.failure.open = true;
  EXPECT_EQ(Get("/y"), "passed");
  EXPECT_EQ(stream_->info.flags, filter::kOverload);
  EXPECT_EQ(Stat("failed_open"), 1u);
  EXPECT_EQ(Told("outcome"), "\"failed_open\"");
  rules_->gate.Open();
  EXPECT_EQ(Ask(*held), "passed");
  EXPECT_EQ(Ask(*waits), "passed");
}

TEST_F(WafWaitTest, DeadlineFollowsThePolicy) {
  for (const bool open : {false, true}) {
    settings_.failure = {open, 504};
    rules_ = std::make_shared<const ScriptedRules>();
    pool_ = std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{1, 1, 1 << 20});
    auto held = Make("/wait");
    held->SendRequest(true);
    ASSERT_TRUE(rules_->begun.Wait());
    held->Advance(base::kSecond + base::kMillisecond);
    EXPECT_EQ(Ask(*held), open ? "passed" : "504 ");
    EXPECT_EQ(held->Stat("http.test.waf.deadline"), 1u);
    EXPECT_EQ(held->Stat("http.test.waf.active"), 0u);
    rules_->gate.Open();
  }
}

TEST_F(WafWaitTest, EngineErrorsFollowThePolicy) {
  EXPECT_EQ(Get("/fail"), "503 ");
  EXPECT_EQ(Stat("engine_error"), 1u);
  settings_.failure.open = true;
  settings_.response.emplace();
  EXPECT_EQ(Get("/fail"), "passed");
  stream_->SendResponse(500, "", true);  // Nobody is left who could inspect it.
  EXPECT_EQ(ResponseText(*stream_), "500 ");
}

TEST_F(WafWaitTest, ResponsesFollowThePolicyToo) {
  settings_.response.emplace();
  for (const bool open : {false, true}) {
    settings_.failure = {open, 504};
    rules_ = std::make_shared<const ScriptedRules>();
    pool_ = std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{1, 1, 1 << 20});
    // Its response comes too late for the deadline.
    EXPECT_EQ(Get("/x"), "passed");
    stream_->SendResponse(299, "late", true);
    ASSERT_TRUE(rules_->begun.Wait());
    EXPECT_FALSE(stream_->response_out.head);
    // And that of another one finds the queue full.
    auto waits = Make("/deny"), second = Make("/x");
    second->SendRequest(true);
    waits->SendRequest(true);
    EXPECT_EQ(waits->Stat("http.test.waf.queue_full"), 1u);
    stream_->Advance(base::kSecond + base::kMillisecond);
    stream_->Until([this] { return stream_->response_out.end; });
    EXPECT_EQ(ResponseText(*stream_), open ? "299 late" : "504 ");
    EXPECT_EQ(Stat("deadline"), 1u);
    EXPECT_EQ(Stat("active"), 0u);
    rules_->gate.Open();
    EXPECT_EQ(Ask(*second), "passed");
  }
}

TEST_F(WafWaitTest, ResponsesFollowTheirRequest) {
  settings_.response.emplace();
  EXPECT_EQ(Get("/x"), "passed");
  EXPECT_EQ(rules_->finished, 0);
  stream_->SendResponse(500, "", true);
  stream_->Until([this] { return stream_->response_out.end; });
  EXPECT_EQ(ResponseText(*stream_), "403 Forbidden");
  EXPECT_EQ(rules_->finished, 1);
  EXPECT_EQ(rules_->alive, 0);
}

TEST_F(WafWaitTest, StreamsThatEndBetweenLeaveNothing) {
  settings_.response.emplace();
  EXPECT_EQ(Get("/x"), "passed");
  EXPECT_EQ(rules_->alive, 1);
  stream_.reset();
  pool_ = std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{});
  while (rules_->alive != 0) std::this_thread::yield();
}

TEST_F(WafWaitTest, StreamsThatEndWhileTheyWait) {
  stream_ = Make("/wait");
  stream_->SendRequest(true);
  ASSERT_TRUE(rules_->begun.Wait());
  EXPECT_EQ(Stat("active"), 1u);
  stream_.reset();
  rules_->gate.Open();
  while (rules_->alive != 0) std::this_thread::yield();
}

TEST_F(WafWaitTest, RulesCountedApartAreBounded) {
  stats::Registry registry;
  WafPart part(registry, "test", "");
  for (int64_t rule = 1; rule <= 2 * int64_t{WafPart::kMaxRules}; ++rule) part.CountMatch(rule);
  part.CountMatch(1);
  EXPECT_EQ(registry.scope_count(), 1 + WafPart::kMaxRules + 1);
  std::map<std::string, uint64_t> counts;
  for (const stats::ScopeReading& scope : registry.Read()) {
    counts[scope.name.prefix()] = scope.total.values[0];
  }
  EXPECT_EQ(counts["http.test.waf.rule.1."], 2u);
  EXPECT_EQ(counts["http.test.waf.rule.other."], WafPart::kMaxRules);
}

TEST_F(WafWaitTest, FactsAreTheHeadAsItCame) {
  stream_ = Make("/a%20b/../c?d=%65");
  http::RequestHead& head = stream_->request;
  head.authority = "example.com:8080";
  head.headers.Add("x-one", "1");
  head.headers.Add("x-one", "2");
  head.framing = {http::Framing::kChunked, 0};
  head.upgrade = "websocket";
  stream_->info.remote = *net::Address::FromIp("2001:db8::7", 4711);
  filter::ConnectionInfo connection;
  connection.local = *net::Address::FromIp("192.0.2.1", 443);
  stream_->info.connection = &connection;
  proxenos::waf::RequestFacts facts = waf::RequestFactsOf(*stream_);
  EXPECT_EQ(absl::StrCat(facts.client.address, " ", facts.client.port), "2001:db8::7 4711");
  EXPECT_EQ(absl::StrCat(facts.server.address, " ", facts.server.port), "192.0.2.1 443");
  EXPECT_EQ(facts.method, "GET");
  EXPECT_EQ(facts.uri, "/a%20b/../c?d=%65");
  EXPECT_EQ(facts.version, "1.1");
  EXPECT_EQ(facts.fields, (proxenos::waf::FieldTexts{{"host", "example.com:8080"},
                                                     {"x-one", "1"},
                                                     {"x-one", "2"},
                                                     {"transfer-encoding", "chunked"},
                                                     {"upgrade", "websocket"}}));
  head.version = http::Version::kHttp2;
  facts = waf::RequestFactsOf(*stream_);
  EXPECT_EQ(facts.version, "2.0");
  EXPECT_EQ(facts.fields.size(), 4u);  // HTTP/2 has no Transfer-Encoding.
  stream_->info.connection = nullptr;
}

TEST_F(WafWaitTest, StreamsEndInEveryPhase) {
  settings_.response.emplace();
  pool_ = std::make_shared<const InspectionPool>(proxenos::waf::PoolLimits{});
  testing::EndInEveryPhase(
      [this] {
        testing::AsyncStream made{};
        made.stream = Make("/match");
        made.stream->SendRequest(true);
        made.stream->SendResponse(200, "body", true);
        return made;
      },
      [](FilterHarness& stream) { return stream.response_out.end || stream.replied(); },
      testing::CallsOutlive::kTheStream);
  while (rules_->alive != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace proxenos::filters
