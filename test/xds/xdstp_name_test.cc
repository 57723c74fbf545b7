// Names of the form xdstp://, and what stands for many of them.
#include "source/xds/xdstp_name.h"

#include <string>

#include "gtest/gtest.h"
#include "source/xds/node_context.h"
#include "source/xds/wanted_collections.h"

namespace proxenos::xds {
namespace {

constexpr char kPrefix[] = "xdstp://mesh.test/envoy.config.cluster.v3.Cluster/";

std::string Named(const std::string& id) { return kPrefix + id; }

TEST(XdstpName, Parts) {
  const auto name = ParseXdstpName(Named("a/b%20c?z=1&a=x%26y"));
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->authority, "mesh.test");
  EXPECT_EQ(name->type, "envoy.config.cluster.v3.Cluster");
  EXPECT_EQ(name->id, "a/b c");
  EXPECT_EQ(name->context.at("a"), "x&y");
  EXPECT_EQ(name->ToString(), Named("a/b%20c?a=x%26y&z=1"));
  EXPECT_FALSE(name->glob());
  EXPECT_EQ(name->Collection().ToString(), Named("a/*?a=x%26y&z=1"));
  EXPECT_TRUE(name->Collection().glob());
  EXPECT_TRUE(ParseXdstpName(Named("*"))->glob());
  EXPECT_EQ(ParseXdstpName(Named("x"))->Collection().id, "*");
  EXPECT_TRUE(ParseXdstpName("xdstp:///t/x").ok()) << "the authority may be empty";
}

TEST(XdstpName, OneFormOfEach) {
  EXPECT_EQ(NormalName(Named("x?b=2&a=1")), Named("x?a=1&b=2"));
  EXPECT_EQ(NormalName(Named("%78?")), Named("x"));
  EXPECT_EQ(NormalName("plain?b=2&a=1"), "plain?b=2&a=1");
  EXPECT_EQ(NormalName("xdstp://bad"), "xdstp://bad");
  EXPECT_EQ(NormalName(Named("%zz%2")), Named("%25zz%252"));
}

TEST(XdstpName, OthersAreRefused) {
  for (const std::string name :
       {"xdstp:x", "xdstp://a", "xdstp://a/t", "xdstp://a/t/", "xdstp://a//x", "xdstp://a/t/x#d",
        "xdstp://a/t/x?novalue", "xdstp://a/t/x?=v", "xdstp://a/t/x?a=1&a=2",
        "xdstp://a/t/x?a=1&"}) {
    EXPECT_FALSE(ParseXdstpName(name).ok()) << name;
  }
  std::string many = "xdstp://a/t/x?k=v";
  for (int i = 0; i < 64; ++i) many += "&k" + std::to_string(i) + "=v";
  EXPECT_FALSE(ParseXdstpName(many).ok());
}

TEST(WantedCollections, MembersAndWaysOfWriting) {
  WantedCollections wanted;
  EXPECT_FALSE(wanted.Has(Named("a/b")));
  wanted.Add(Named("a/*?b=2&a=1"));
  wanted.Add(Named("single?y=1&x=2"));
  EXPECT_TRUE(wanted.any());
  EXPECT_TRUE(wanted.Has(Named("a/b?a=1&b=2")));
  EXPECT_TRUE(wanted.Has(Named("a/c?b=2&a=1")));
  EXPECT_FALSE(wanted.Has(Named("a/b/c?a=1&b=2"))) << "of another collection";
  EXPECT_FALSE(wanted.Has(Named("a/b?a=1"))) << "other parameters";
  EXPECT_FALSE(wanted.Has(Named("a/*?a=1&b=2"))) << "a collection is no resource";
  EXPECT_TRUE(wanted.Has(Named("single?x=2&y=1")));
  using Names = std::vector<std::string>;
  EXPECT_EQ(wanted.Spellings(Named("single?x=2&y=1")), Names{Named("single?y=1&x=2")});
  EXPECT_EQ(wanted.Spellings(Named("other")), Names());
  EXPECT_FALSE(wanted.ambiguous());
  EXPECT_FALSE(wanted.Add(Named("single?x=2&y=1"))) << "it is wanted already";
  EXPECT_TRUE(wanted.ambiguous());
  EXPECT_EQ(wanted.Spellings(Named("single?x=2&y=%31")),
            (Names{Named("single?y=1&x=2"), Named("single?x=2&y=1")}));
  EXPECT_FALSE(wanted.Remove(Named("single?y=1&x=2"))) << "the other one stays";
  EXPECT_FALSE(wanted.ambiguous());
  EXPECT_TRUE(wanted.Has(Named("single?y=1&x=2")));
  EXPECT_EQ(wanted.Spellings(Named("single?y=1&x=2")), Names{Named("single?x=2&y=1")});
  EXPECT_TRUE(wanted.Remove(Named("single?x=2&y=1")));
  EXPECT_FALSE(wanted.Has(Named("single?y=1&x=2")));
  wanted.Remove(Named("a/*?a=1&b=2"));  // Written otherwise: somebody else's.
  EXPECT_TRUE(wanted.any());
  wanted.Remove(Named("a/*?b=2&a=1"));
  EXPECT_FALSE(wanted.any());
  EXPECT_FALSE(wanted.Has(Named("a/b?a=1&b=2")));
  wanted.Add("xdstp://bad");
  EXPECT_TRUE(wanted.Has("xdstp://bad"));
}

TEST(NodeContext, WhatThereIs) {
  envoy::config::core::v3::Node node;
  node.set_id("proxy");
  node.mutable_locality()->set_zone("z1");
  (*node.mutable_metadata()->mutable_fields())["env"].set_string_value("test");
  (*node.mutable_metadata()->mutable_fields())["n"].set_number_value(3);
  google::protobuf::RepeatedPtrField<std::string> params;
  for (const char* param : {"id", "locality.zone", "metadata"}) params.Add(param);
  config::Errors errors;
  const auto context = NodeContext(node, params, config::Path("node_context_params"), errors);
  EXPECT_TRUE(errors.ok());
  const std::map<std::string, std::string> expected = {{"xds.node.id", "proxy"},
                                                       {"xds.node.locality.zone", "z1"},
                                                       {"xds.node.metadata.env", "\"test\""},
                                                       {"xds.node.metadata.n", "3"}};
  EXPECT_EQ(context, expected);
  params.Add("locality");
  NodeContext(node, params, config::Path("node_context_params"), errors);
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path, "node_context_params[3]");
}

}  // namespace
}  // namespace proxenos::xds
