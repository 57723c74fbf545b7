// Names, wrappers, and what is wrong with them.
#include "source/xds/any_resource.h"

#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "gtest/gtest.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

using Wrapper = envoy::service::discovery::v3::Resource;

envoy::config::cluster::v3::Cluster MakeCluster(const std::string& name) {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name(name);
  return cluster;
}

const ResourceType& ClusterType() { return *FindResourceType(kClusterType); }

std::string ErrorOf(const Wrapper& wrapper) {
  return std::string(UnpackResource(wrapper, ClusterType(), "v").status().message());
}

TEST(XxHash64, KnownValues) {
  EXPECT_EQ(XxHash64(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(XxHash64("abc"), 0x44BC2CF5AD770999u);
  EXPECT_EQ(XxHash64("The quick brown fox jumps over the lazy dog"), 0x0B242D361FDA71BCu);
}

TEST(ResourceName, ReadsFieldOneOfAnyMessage) {
  EXPECT_EQ(ResourceName(MakeCluster("a").SerializeAsString()).value(), "a");
  EXPECT_FALSE(ResourceName("").ok());
  EXPECT_FALSE(ResourceName("\x0a\x05"
                            "ab")
                   .ok())
      << "cut short";
  EXPECT_FALSE(ResourceName("\x0a\x02\xff\xfe").ok()) << "not UTF-8";
  EXPECT_FALSE(ResourceName("\x0a\x01"
                            "a\x04")
                   .ok())
      << "a group's end without its start";
  EXPECT_FALSE(ResourceName(MakeCluster(std::string(5000, 'n')).SerializeAsString()).ok());
}

TEST(UnpackResource, WrapperGivesVersionAliasesAndTime) {
  Wrapper wrapper;
  wrapper.set_name("a");
  wrapper.set_version("a7");
  wrapper.add_aliases("other");
  wrapper.mutable_ttl()->set_nanos(500);
  wrapper.mutable_resource()->PackFrom(MakeCluster("a"));
  const auto entry = UnpackResource(wrapper, ClusterType(), "v");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->resource.name, "a");
  EXPECT_EQ(entry->resource.version, "a7");
  EXPECT_EQ(entry->resource.aliases, std::vector<std::string>{"other"});
  EXPECT_EQ(entry->ttl, 500);
  EXPECT_EQ(*entry->resource.bytes, MakeCluster("a").SerializeAsString());
}

TEST(UnpackResource, WrapperWithoutAResourceHasAName) {
  Wrapper wrapper;
  EXPECT_EQ(ErrorOf(wrapper), "has neither a name nor a resource");
  wrapper.mutable_resource_name()->set_name("a");
  const auto entry = UnpackResource(wrapper, ClusterType(), "v");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->resource.name, "a");
  EXPECT_EQ(entry->resource.bytes, nullptr);
}

TEST(UnpackResource, VirtualHostIsKnownByItsWrapper) {
  envoy::config::route::v3::VirtualHost host;
  host.set_name("inner");
  Wrapper wrapper;
  wrapper.set_name("routes/outer");
  wrapper.mutable_resource()->PackFrom(host);
  const auto entry = UnpackResource(wrapper, *FindResourceType(kVirtualHostType), "v");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->resource.name, "routes/outer");
}

TEST(UnpackResource, RefusesWhatItDoesNotUnderstand) {
  Wrapper wrapper;
  wrapper.set_name("b");
  wrapper.mutable_resource()->PackFrom(MakeCluster("a"));
  EXPECT_EQ(ErrorOf(wrapper), "the wrapper's name b is not the resource's, a");
  wrapper.set_name("a");
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    wrapper.mutable_ttl()->set_seconds(seconds);
    EXPECT_EQ(ErrorOf(wrapper), "ttl: must be positive") << seconds;
  }
  wrapper.mutable_ttl()->set_seconds(INT64_MAX);
  EXPECT_GT(UnpackResource(wrapper, ClusterType(), "v")->ttl, 0) << "it does not overflow";
  for (int i = 0; i < 1001; ++i) wrapper.add_aliases("x");
  EXPECT_EQ(ErrorOf(wrapper), "aliases: 1001 items, at most 1000 are accepted");
  wrapper.clear_aliases();
  wrapper.mutable_resource_name()->mutable_dynamic_parameter_constraints();
  EXPECT_EQ(ErrorOf(wrapper),
            "resource_name.dynamic_parameter_constraints: not implemented by proxenos");
}

TEST(CheckWantedName, PlainAndXdstpNames) {
  EXPECT_TRUE(CheckWantedName("service").ok());
  EXPECT_TRUE(CheckWantedName("a/*").ok()) << "only xdstp has globs";
  EXPECT_TRUE(CheckWantedName("xdstp://a.test/envoy.config.cluster.v3.Cluster/x?env=1").ok());
  for (const char* name : {"*", "xdstp:x", "xdstp://a/t", "xdstp://a//x", "xdstp://a/t/x?b",
                           "xdstp://a/t/x/*", "xdstp://a/t/x/*?env=1", "xdstp://a/t/x#entry=y"}) {
    EXPECT_FALSE(CheckWantedName(name).ok()) << name;
  }
  EXPECT_FALSE(CheckWantedName(std::string(5000, 'n')).ok());
}

}  // namespace
}  // namespace proxenos::xds
