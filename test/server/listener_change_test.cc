// Which chains of a listener an update leaves as they are.
#include "source/server/listener_change.h"

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using Kept = std::vector<int32_t>;

constexpr char kListener[] = R"(
  name: "l"
  address { socket_address { address: "127.0.0.1" port_value: 80 } }
  listener_filters { name: "one" } listener_filters { name: "two" }
  filter_chains { name: "a" filter_chain_match { server_names: "a.test" } filters { name: "fa" } }
  filter_chains { name: "b" filter_chain_match { server_names: "b.test" } filters { name: "fb" } }
  default_filter_chain { filters { name: "rest" } })";

Listener Parse(const std::string& text = kListener) {
  Listener listener;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &listener)) << text;
  return listener;
}

// Two ways of writing a map of the same entries.
std::string InOrder(const std::vector<std::string>& keys) {
  std::string bytes;
  for (const std::string& key : keys) {
    std::string entry = "\x0a";
    entry += std::string(1, static_cast<char>(key.size())) + key + "\x12\x02\x0a";
    entry += std::string(1, '\0');
    bytes += "\x0a" + std::string(1, static_cast<char>(entry.size())) + entry;
  }
  return bytes;
}

TEST(ListenerChangeTest, NothingChanges) {
  EXPECT_TRUE(SameButForChains(Parse(), Parse()));
  EXPECT_EQ(KeptChains(Parse(), Parse()), (Kept{0, 1, 2}));
}

TEST(ListenerChangeTest, ChainsComeGoAndMove) {
  Listener after = Parse();
  after.mutable_filter_chains()->SwapElements(0, 1);
  FilterChain& added = *after.add_filter_chains();
  added.set_name("c");
  added.mutable_filter_chain_match()->add_server_names("c.test");
  EXPECT_TRUE(SameButForChains(Parse(), after));
  EXPECT_EQ(KeptChains(Parse(), after), (Kept{1, 0, -1, 2}));
  after.mutable_filter_chains()->DeleteSubrange(0, 1);
  after.clear_default_filter_chain();
  EXPECT_TRUE(SameButForChains(Parse(), after));
  EXPECT_EQ(KeptChains(Parse(), after), (Kept{0, -1}));
  after.clear_filter_chains();
  EXPECT_EQ(KeptChains(Parse(), after), Kept());
}

TEST(ListenerChangeTest, AnyFieldOfAChainMakesItAnother) {
  Listener after = Parse();
  after.mutable_filter_chains(0)->mutable_filters(0)->set_name("other");
  after.mutable_default_filter_chain()->set_name("other");
  EXPECT_EQ(KeptChains(Parse(), after), (Kept{-1, 1, -1}));
  after = Parse();
  after.mutable_filter_chains(0)->mutable_filter_chain_match()->add_server_names("c.test");
  EXPECT_EQ(KeptChains(Parse(), after), (Kept{-1, 1, 2}));
  after = Parse();
  after.mutable_filter_chains(1)->set_name("another");
  EXPECT_EQ(KeptChains(Parse(), after), (Kept{0, -1, 2}));
}

// What a chain is like does not make it the default one.
TEST(ListenerChangeTest, DefaultChainIsAnother) {
  Listener before = Parse();
  *before.mutable_default_filter_chain() = before.filter_chains(0);
  Listener after = before;
  after.clear_default_filter_chain();
  after.mutable_filter_chains()->DeleteSubrange(0, 1);
  *after.add_filter_chains() = before.default_filter_chain();
  EXPECT_EQ(KeptChains(before, after), (Kept{1, 0}));
  after.clear_filter_chains();
  *after.mutable_default_filter_chain() = before.filter_chains(1);
  EXPECT_EQ(KeptChains(before, after), (Kept{-1}));
}

TEST(ListenerChangeTest, OtherFieldsAreTheListeners) {
  Listener after = Parse();
  after.set_stat_prefix("s");
  EXPECT_FALSE(SameButForChains(Parse(), after));
  after = Parse();
  after.mutable_address()->mutable_socket_address()->set_port_value(81);
  EXPECT_FALSE(SameButForChains(Parse(), after));
  after = Parse();
  after.mutable_metadata()->mutable_filter_metadata();
  EXPECT_FALSE(SameButForChains(Parse(), after));
  after = Parse();
  after.mutable_listener_filters()->SwapElements(0, 1);
  EXPECT_FALSE(SameButForChains(Parse(), after)) << "they run in another order";
  after = Parse();
  after.mutable_filter_chain_matcher();
  EXPECT_TRUE(SameButForChains(Parse(), after));
}

// The first chain's use_proxy_proto puts a filter before the listener's.
TEST(ListenerChangeTest, ProxyProtocolIsTheListeners) {
  Listener after = Parse();
  after.mutable_filter_chains(1)->mutable_use_proxy_proto()->set_value(true);
  EXPECT_TRUE(SameButForChains(Parse(), after));
  after.mutable_filter_chains()->SwapElements(0, 1);
  EXPECT_FALSE(SameButForChains(Parse(), after));
  after.clear_filter_chains();
  EXPECT_TRUE(SameButForChains(Parse(), after)) << "the default one is the first then";
  after.mutable_default_filter_chain()->mutable_use_proxy_proto()->set_value(true);
  EXPECT_FALSE(SameButForChains(Parse(), after));
}

// Control planes write maps in any order, and Any holds the bytes as they were written.
TEST(ListenerChangeTest, OrderOfMapsMeansNothing) {
  Listener before = Parse();
  auto* config = before.mutable_filter_chains(0)->mutable_filters(0)->mutable_typed_config();
  config->set_type_url("type.googleapis.com/envoy.config.core.v3.Metadata");
  Listener after = before;
  config->set_value(InOrder({"x", "y"}));
  auto* other = after.mutable_filter_chains(0)->mutable_filters(0)->mutable_typed_config();
  other->set_value(InOrder({"y", "x"}));
  ASSERT_NE(config->value(), other->value());
  EXPECT_EQ(KeptChains(before, after), (Kept{0, 1, 2}));
  other->set_value(InOrder({"y", "z"}));
  EXPECT_EQ(KeptChains(before, after), (Kept{-1, 1, 2}));
}

}  // namespace
}  // namespace proxenos::server
