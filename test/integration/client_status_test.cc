// The client status service (CSDS) of the admin port, asked by gRPC's own client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/service/status/v3/csds.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "test/integration/config_text.h"
#include "test/support/proxy_process.h"

namespace proxenos::testing {
namespace {

using envoy::service::status::v3::ClientStatusDiscoveryService;
using envoy::service::status::v3::ClientStatusRequest;
using envoy::service::status::v3::ClientStatusResponse;

class ClientStatusTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml) {
    proxy_.emplace(yaml);
    ASSERT_TRUE(proxy_->started());
    stub_ = ClientStatusDiscoveryService::NewStub(grpc::CreateChannel(
        absl::StrCat("ipv4:127.0.0.1:", proxy_->admin_port()), grpc::InsecureChannelCredentials()));
  }
  void Start() {
    ConfigText text;
    text.clusters = ClusterText("origin", {1});
    text.bootstrap = "node: {id: node-1, cluster: c}";
    Start(Bootstrap(text));
  }
  grpc::Status Fetch(const ClientStatusRequest& request, ClientStatusResponse* response) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    return stub_->FetchClientStatus(&context, request, response);
  }

  std::optional<ProxyProcess> proxy_;
  std::unique_ptr<ClientStatusDiscoveryService::Stub> stub_;
};

bool Has(const ClientStatusResponse& response, const std::string& type, const std::string& name,
         bool with_content) {
  for (const auto& each : response.config(0).generic_xds_configs()) {
    if (each.name() == name && each.type_url() == "type.googleapis.com/" + type) {
      return each.client_status() == envoy::admin::v3::ACKED && each.is_static_resource() &&
             each.has_xds_config() == with_content;
    }
  }
  return false;
}

TEST_F(ClientStatusTest, FetchedOnce) {
  Start();
  ClientStatusResponse response;
  const grpc::Status status = Fetch({}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.config_size(), 1);
  EXPECT_EQ(response.config(0).node().id(), "node-1");
  EXPECT_TRUE(Has(response, "envoy.config.cluster.v3.Cluster", "origin", true));
  EXPECT_TRUE(Has(response, "envoy.config.listener.v3.Listener", "main", true));
}

TEST_F(ClientStatusTest, StreamedAsOftenAsAsked) {
  Start();
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  const auto stream = stub_->StreamClientStatus(&context);
  ClientStatusRequest request;
  for (const bool contents : {true, false, true}) {
    request.set_exclude_resource_contents(!contents);
    ASSERT_TRUE(stream->Write(request));
    ClientStatusResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_TRUE(Has(response, "envoy.config.cluster.v3.Cluster", "origin", contents));
  }
  ASSERT_TRUE(stream->WritesDone());
  ClientStatusResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(proxy_->Stat("http.admin.downstream_rq_http2_total"), 1u);
}

TEST_F(ClientStatusTest, ManyClustersInOneAnswer) {
  ConfigText text;
  text.clusters = ClusterText("origin", {1});
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&text.clusters, ", ", ClusterText(absl::StrCat("c", i), {1}));
  }
  Start(Bootstrap(text));
  ClientStatusResponse response;
  const grpc::Status status = Fetch({}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(response.config(0).generic_xds_configs_size(), 3000);
}

TEST_F(ClientStatusTest, OnlyTheNodeThatIsMeant) {
  Start();
  ClientStatusRequest request;
  request.add_node_matchers()->mutable_node_id()->set_exact("node-2");
  ClientStatusResponse response;
  ASSERT_TRUE(Fetch(request, &response).ok());
  EXPECT_EQ(response.config_size(), 0);
  request.add_node_matchers()->mutable_node_id()->set_prefix("node-");
  ASSERT_TRUE(Fetch(request, &response).ok());
  EXPECT_EQ(response.config_size(), 1);
  request.add_node_matchers()->mutable_node_id();
  const grpc::Status status = Fetch(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("node_matchers[2].node_id"));
}

TEST_F(ClientStatusTest, OnlyWhereItIsAllowed) {
  Start(
      "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}, allow_paths: "
      "[{prefix: /ready}, {prefix: /stats}, {prefix: /listeners}]}");
  ClientStatusResponse response;
  EXPECT_EQ(Fetch({}, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace proxenos::testing
