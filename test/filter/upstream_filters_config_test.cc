// Lists of upstream filters: what is accepted, and what each error says.
#include "source/filter/upstream_filters_config.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/filters/http/grpc_web/config.h"
#include "source/filters/http/header_mutation/config.h"
#include "source/filters/http/router/router_config.h"
#include "source/filters/http/upstream_codec/config.h"

namespace proxenos::filter {
namespace {

using Place = FilterKind::Place;

constexpr FilterKind kKinds[] = {
    {"envoy.extensions.filters.http.router.v3.Router", true, filters::router::CreateRouter, nullptr,
     Place::kDownstream, filters::router::CreateRouterAmong},
    {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", false, filters::grpc_web::CreateGrpcWeb},
    {"envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", false,
     filters::header_mutation::CreateHeaderMutation,
     &filters::header_mutation::kHeaderMutationOverride, Place::kBoth},
    {"envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", true,
     filters::upstream_codec::CreateUpstreamCodec, nullptr, Place::kUpstream},
};

std::string Filter(const std::string& type, const std::string& more = "") {
  return "{name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http." +
         type + "}" + more + "}";
}
const std::string kMutation = "header_mutation.v3.HeaderMutation";
const std::string kCodec = "upstream_codec.v3.UpstreamCodec";

class UpstreamFiltersConfigTest : public ::testing::Test {
 protected:
  // The first problem; empty when there is none.
  std::string Compile(const std::string& list,
                      UpstreamFiltersOf owner = UpstreamFiltersOf::kCluster) {
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager proto;
    config::Errors errors;
    config::ParseYaml("{http_filters: [" + list + "]}", proto, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    filters_ =
        CompileUpstreamFilters(proto.http_filters(), owner, kKinds, config::Path("f"), errors);
    EXPECT_TRUE(errors.ok() || filters_ == nullptr);
    return errors.ok() ? "" : errors.list()[0].ToString();
  }

  std::shared_ptr<const UpstreamFilters> filters_;
};

TEST_F(UpstreamFiltersConfigTest, NoListIsNone) {
  EXPECT_EQ(Compile(""), "");
  EXPECT_EQ(filters_, nullptr);
}

TEST_F(UpstreamFiltersConfigTest, CodecAloneRunsNothing) {
  EXPECT_EQ(Compile(Filter(kCodec)), "");
  ASSERT_NE(filters_, nullptr);
  EXPECT_FALSE(filters_->any());
}

TEST_F(UpstreamFiltersConfigTest, FiltersKnowWhereTheyStand) {
  EXPECT_EQ(Compile(Filter(kMutation, ", disabled: true") + ", " + Filter(kCodec)), "");
  ASSERT_EQ(filters_->factories.size(), 2u);
  EXPECT_TRUE(filters_->any());
  EXPECT_TRUE(filters_->factories[0]->upstream);
  EXPECT_TRUE(filters_->factories[0]->disabled);
  EXPECT_EQ(filters_->factories[1]->index, 1u);
  EXPECT_NE(filters_->factories[0]->override_kind, nullptr);

  EXPECT_EQ(Compile(Filter(kMutation) + ", " + Filter(kCodec), UpstreamFiltersOf::kRouter), "");
  EXPECT_FALSE(filters_->factories[0]->upstream) << "its stats are the connection manager's";
}

TEST_F(UpstreamFiltersConfigTest, WhatMayNotStandThere) {
  EXPECT_EQ(Compile(Filter("grpc_web.v3.GrpcWeb") + ", " + Filter(kCodec)),
            "f[0].typed_config: HTTP filter 'x' of type "
            "'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb' can not be an upstream filter: "
            "write it into HttpConnectionManager.http_filters (upstream filters may be: "
            "HeaderMutation)");
  EXPECT_NE(Compile(Filter("router.v3.Router")).find("can not be an upstream filter"),
            std::string::npos);
  EXPECT_NE(Compile(Filter("fault.v3.HTTPFault") + ", " + Filter(kCodec)).find("not implemented"),
            std::string::npos);
  EXPECT_EQ(Compile(Filter("fault.v3.HTTPFault", ", is_optional: true") + ", " + Filter(kCodec)),
            "");
  EXPECT_FALSE(filters_->any());
}

TEST_F(UpstreamFiltersConfigTest, TheCodecStandsLast) {
  EXPECT_NE(Compile(Filter(kMutation)).find("f[0]: the last upstream filter must be"),
            std::string::npos);
  EXPECT_EQ(Compile(Filter(kCodec) + ", " + Filter(kMutation)),
            "f[0]: no filter may stand behind upstream_codec");
  EXPECT_EQ(Compile(Filter(kCodec, ", disabled: true")),
            "f[0].disabled: the last filter must be enabled");
}

TEST_F(UpstreamFiltersConfigTest, RoutersCompileTheirs) {
  const std::string router =
      "{'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, "
      "upstream_http_filters: [";
  const auto compile = [&router](const std::string& list) {
    envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter proto;
    config::Errors errors;
    config::ParseYaml("{name: r, typed_config: " + router + list + "]}}", proto, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    filters::router::CreateRouterAmong(proto.typed_config(), kKinds, config::Path("r"), errors);
    return errors.ok() ? "" : errors.list()[0].ToString();
  };
  EXPECT_EQ(compile(Filter(kMutation) + ", " + Filter(kCodec)), "");
  EXPECT_EQ(compile(Filter(kCodec) + ", " + Filter(kMutation)),
            "r.upstream_http_filters[0]: no filter may stand behind upstream_codec");
}

}  // namespace
}  // namespace proxenos::filter
