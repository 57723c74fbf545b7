// Proves that outside code (Envoy's API, protobuf, gRPC, abseil) builds, links and works under our
// flags. Invariant tested: every API message is known to the generated pool, even if no code names
// it.
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "validate/validate.pb.h"

namespace proxenos::tools {
namespace {

TEST(OutsideCode, MessageRoundTrip) {
  envoy::config::cluster::v3::Cluster cluster;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "one" connect_timeout { seconds: 2 } type: EDS)", &cluster));
  envoy::config::cluster::v3::Cluster copy;
  ASSERT_TRUE(copy.ParseFromString(cluster.SerializeAsString()));
  EXPECT_EQ(absl::StrCat(copy.name(), "/", copy.connect_timeout().seconds()), "one/2");
}

TEST(OutsideCode, UnreferencedMessagesAreRegistered) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const char* name : {
           "envoy.config.bootstrap.v3.Bootstrap",
           "envoy.extensions.filters.http.router.v3.Router",
           "envoy.admin.v3.ConfigDump",
           "xds.type.matcher.v3.Matcher",
           "google.rpc.Status",
       }) {
    EXPECT_NE(pool->FindMessageTypeByName(name), nullptr) << name;
  }
}

TEST(OutsideCode, ValidationRulesAreReadable) {
  const auto* field =
      envoy::config::cluster::v3::Cluster::descriptor()->FindFieldByName("connect_timeout");
  ASSERT_NE(field, nullptr);
  EXPECT_TRUE(field->options().HasExtension(validate::rules));
}

TEST(OutsideCode, ServiceStubsAnswer) {
  grpc::ServerBuilder builder;
  envoy::service::discovery::v3::AggregatedDiscoveryService::Service service;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  auto stub = envoy::service::discovery::v3::AggregatedDiscoveryService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  auto stream = stub->StreamAggregatedResources(&context);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  server->Shutdown();
}

}  // namespace
}  // namespace proxenos::tools
