// Streams that wait for a virtual host or a cluster: answered early, late, never, and ended while
// they wait. The other side of the worker's seam is a list of what was asked for.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/on_demand/filter.h"
#include "test/filters/http/questions.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::on_demand::v3;
using HeaderMutation = envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;
using Outcome = filter::OnDemand::Outcome;

constexpr char kOdcds[] =
    "odcds { source { resource_api_version: V3 ads {} } timeout { seconds: 2 } }";

google::protobuf::Any Mutation() {
  return Pack<HeaderMutation>(
      "mutations { request_mutations { append { header { key: 'x-seen' value: 'yes' } } } }");
}

// A table called "rc" whose only virtual host has `domain`; with vhds unless it has its own.
std::shared_ptr<const route::RouteTable> Table(const std::string& domain, bool vhds = true,
                                               const std::string& own = "",
                                               const std::string& cluster = "") {
  envoy::config::route::v3::RouteConfiguration routes;
  routes.set_name("rc");
  if (vhds) routes.mutable_vhds()->mutable_config_source()->mutable_ads();
  auto* host = routes.add_virtual_hosts();
  host->set_name("all");
  host->add_domains(domain);
  if (!own.empty()) {
    (*host->mutable_typed_per_filter_config())["f"] =
        Pack<v3::PerRouteConfig>(own == "-" ? "" : own);
  }
  auto* route = host->add_routes();
  route->mutable_match()->set_prefix("/");
  if (cluster.empty()) {
    route->mutable_direct_response()->set_status(204);
  } else {
    route->mutable_route()->set_cluster(cluster);
  }
  return MakeRoutes(routes);
}

class OnDemandTest : public ::testing::Test {
 protected:
  void Make(std::shared_ptr<const route::RouteTable> table, const std::string& config = "") {
    table_ = std::move(table);
    auto last = MakeFactory(Mutation());
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<v3::OnDemand>(config)), std::move(last)},
        [this](filter::StreamContext& stream) {
          FillRequest({}, stream.request, stream.arena);
          Route(stream);
        },
        &questions_);
    stream_->on_afresh = [this](filter::StreamContext& stream) { Route(stream); };
  }
  void Route(filter::StreamContext& stream) {
    stream.routes = table_.get();
    stream.route = table_->Match(route::MatchInput{stream.request});
  }
  void Answer(Outcome outcome) {
    questions_.Answer(outcome);
    stream_->Turn();
  }
  bool passed() const { return stream_->request_out.head; }
  uint64_t Stat(const std::string& name) {
    return stream_->Stat(absl::StrCat("http.test.on_demand.", name));
  }
  // A table that was replaced stays, as streams pin theirs.
  void Publish(std::shared_ptr<const route::RouteTable> table) {
    former_.push_back(std::exchange(table_, std::move(table)));
  }

  Questions questions_;
  std::shared_ptr<const route::RouteTable> table_;
  std::vector<std::shared_ptr<const route::RouteTable>> former_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(OnDemandTest, StepsAsideWhereThereIsNothingToWaitFor) {
  Make(Table("host"));
  stream_->SendRequest(true);
  EXPECT_EQ(Value(stream_->request.headers, "x-seen"), "yes");
  stream_->SendResponse(200, "body", true);
  EXPECT_EQ(ResponseText(*stream_), "200 body");
  // No vhds: nobody could know more.
  Make(Table("other", /*vhds=*/false));
  stream_->SendRequest(true);
  EXPECT_TRUE(passed());
  EXPECT_TRUE(questions_.asked.empty());
}

TEST_F(OnDemandTest, HoldsTheRequestUntilItsHostIsThere) {
  Make(Table("other"));
  stream_->SendRequest(false);
  stream_->SendRequestBody("body", true);
  EXPECT_EQ(questions_.asked, (std::vector<std::string>{"host rc host"}));
  EXPECT_FALSE(passed());
  EXPECT_EQ(Stat("waiting"), 1u);
  Publish(Table("host"));
  Answer(Outcome::kFound);
  EXPECT_TRUE(passed());
  EXPECT_NE(stream_->route, nullptr);
  EXPECT_EQ(stream_->request_out.body.ToString(), "body");
  EXPECT_EQ(Value(stream_->request.headers, "x-seen"), "yes");
  EXPECT_EQ(Stat("found"), 1u);
  EXPECT_EQ(Stat("waiting"), 0u);
}

TEST_F(OnDemandTest, GoesOnWithoutRouteWhereThereIsNone) {
  Make(Table("other"));
  stream_->SendRequest(true);
  Answer(Outcome::kMissing);
  EXPECT_TRUE(passed());
  EXPECT_EQ(stream_->route, nullptr) << "the router's 404";
  EXPECT_EQ(Stat("missing"), 1u);
  // Found, but taken away again before it was looked at: no second question.
  Make(Table("other"));
  stream_->SendRequest(true);
  Answer(Outcome::kFound);
  EXPECT_TRUE(passed());
  EXPECT_EQ(questions_.asked.size(), 2u);
}

TEST_F(OnDemandTest, WaitsNotForEver) {
  Make(Table("other"));
  stream_->SendRequest(true);
  stream_->Advance(on_demand::kHostTimeout + base::kMillisecond);
  stream_->Turn();
  EXPECT_EQ(ResponseText(*stream_), "503 ");
  EXPECT_EQ(stream_->info.details, "on_demand_timeout");
  EXPECT_EQ(Stat("timeout"), 1u);
  EXPECT_EQ(questions_.waiting, 0u);
  Answer(Outcome::kFound);  // Nobody listens.
  EXPECT_EQ(ResponseText(*stream_), "503 ");
}

TEST_F(OnDemandTest, TooManyAreRefused) {
  questions_.full = true;
  Make(Table("other"));
  stream_->SendRequest(true);
  EXPECT_EQ(ResponseText(*stream_), "503 ");
  EXPECT_EQ(stream_->info.details, "on_demand_overload");
  questions_.full = false;
  Make(Table("other"));
  stream_->SendRequest(true);
  Answer(Outcome::kOverload);
  EXPECT_EQ(ResponseText(*stream_), "503 ");
  EXPECT_EQ(Stat("overload"), 1u);
}

TEST_F(OnDemandTest, StreamThatEndsWaitsNoMore) {
  Make(Table("other"));
  stream_->SendRequest(true);
  EXPECT_EQ(questions_.waiting, 1u);
  stream_->EndStream();
  EXPECT_EQ(questions_.waiting, 0u);
  questions_.Answer(Outcome::kFound);
  stream_->Turn();
  // The same for one that is answered by somebody else meanwhile.
  Make(Table("other"));
  stream_->SendRequest(true);
  stream_->Reply(408, "", "elsewhere", 0);
  stream_->Turn();
  EXPECT_EQ(questions_.waiting, 0u);
  Answer(Outcome::kFound);
  EXPECT_EQ(ResponseText(*stream_), "408 ");
}

TEST_F(OnDemandTest, HoldsTheRequestUntilItsClusterIsThere) {
  Make(Table("host", false, "", "backend"), kOdcds);
  stream_->SendRequest(false);
  EXPECT_EQ(questions_.asked, (std::vector<std::string>{"cluster backend"}));
  EXPECT_FALSE(passed());
  Answer(Outcome::kFound);
  EXPECT_TRUE(passed());
  EXPECT_EQ(Value(stream_->request.headers, "x-seen"), "yes");
}

TEST_F(OnDemandTest, LeavesWhatHasNoClusterToTheRouter) {
  Make(Table("host", false, "", "backend"), kOdcds);
  stream_->SendRequest(true);
  Answer(Outcome::kMissing);
  EXPECT_TRUE(passed());
  Make(Table("host", false, "", "backend"), kOdcds);
  stream_->SendRequest(true);
  stream_->Advance(2 * base::kSecond + base::kMillisecond);
  stream_->Turn();
  EXPECT_TRUE(passed());
  EXPECT_EQ(Stat("timeout"), 1u);
  // No cluster is meant.
  Make(Table("host"), kOdcds);
  stream_->SendRequest(true);
  EXPECT_TRUE(passed());
  EXPECT_EQ(questions_.asked.size(), 2u);
}

TEST_F(OnDemandTest, RoutesSayOtherwise) {
  Make(Table("host", false, "-", "backend"), kOdcds);
  stream_->SendRequest(true);
  EXPECT_TRUE(passed());
  EXPECT_TRUE(questions_.asked.empty());
  Make(Table("host", false, kOdcds, "backend"));
  stream_->SendRequest(true);
  EXPECT_EQ(questions_.asked, (std::vector<std::string>{"cluster backend"}));
  stream_->EndStream();
}

TEST_F(OnDemandTest, FirstTheHostThenItsCluster) {
  Make(Table("other"), kOdcds);
  stream_->SendRequest(true);
  Publish(Table("host", true, "", "backend"));
  Answer(Outcome::kFound);
  EXPECT_FALSE(passed());
  EXPECT_EQ(questions_.asked, (std::vector<std::string>{"host rc host", "cluster backend"}));
  Answer(Outcome::kFound);
  EXPECT_TRUE(passed());
  EXPECT_EQ(Value(stream_->request.headers, "x-seen"), "yes");
}

std::string Problem(const std::string& config) {
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (kind.type != "envoy.extensions.filters.http.on_demand.v3.OnDemand") continue;
    config::Errors errors;
    kind.create(Pack<v3::OnDemand>(config), config::Path("f"), errors);
    return std::string(errors.ToStatus().message());
  }
  return "no such filter";
}

TEST(OnDemandConfigTest, SaysWhatIsWrong) {
  EXPECT_EQ(Problem(kOdcds), "");
  EXPECT_EQ(Problem("odcds {}"), "f.odcds.source: is required");
  EXPECT_EQ(Problem("odcds { source { path_config_source { path: '/x' } } }"),
            "f.odcds.source: expected ads, self or api_config_source: clusters are asked for by "
            "name");
  EXPECT_EQ(Problem("odcds { source { api_config_source { api_type: GRPC } } }"),
            "f.odcds.source.api_config_source.api_type: value GRPC: expected DELTA_GRPC or "
            "AGGREGATED_DELTA_GRPC");
  EXPECT_EQ(Problem("odcds { source { ads {} } timeout { seconds: -1 } }"),
            "f.odcds.timeout: expected a duration that is not negative");
}

}  // namespace
}  // namespace proxenos::filters
