// The filter that has nothing to wait for.
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::on_demand::v3;
using HeaderMutation = envoy::extensions::filters::http::header_mutation::v3::HeaderMutation;

google::protobuf::Any Mutation() {
  return Pack<HeaderMutation>(
      "mutations { request_mutations { append { header { key: 'x-seen' value: 'yes' } } } }");
}

TEST(OnDemandTest, StepsAsideAndLeavesTheOthersTheirPlaces) {
  const auto on_demand = MakeFactory(Pack<v3::OnDemand>(""));
  FilterHarness stream(
      {on_demand, MakeFactory(Mutation()), on_demand},
      [](filter::StreamContext& context) { FillRequest({}, context.request, context.arena); });
  stream.SendRequest(true);
  EXPECT_EQ(Value(stream.request.headers, "x-seen"), "yes");
  stream.SendResponse(200, "body", true);
  EXPECT_EQ(ResponseText(stream), "200 body");
  stream.Complete();
}

TEST(OnDemandTest, RoutesMayHoldItsOverride) {
  envoy::config::route::v3::RouteConfiguration routes;
  auto* host = routes.add_virtual_hosts();
  host->set_name("all");
  host->add_domains("*");
  (*host->mutable_typed_per_filter_config())["f"] = Pack<v3::PerRouteConfig>("");
  EXPECT_NE(MakeRoutes(routes), nullptr);
}

}  // namespace
}  // namespace proxenos::filters
