// Lines of event logs, what answers must hold, and the message of gRPC's health service.
#include "source/health/event_line.h"

#include "gtest/gtest.h"
#include "source/health/grpc_probe.h"
#include "source/health/payload.h"

namespace proxenos::health {
namespace {

TEST(EventLineTest, FieldsInTheirOrder) {
  EventLine line;
  line.Text("a", "x\"\\\n").Number("b", 7).Flag("c", true);
  line.Open("d").Close().Open("e").Number("f", 1).Number("g", 2).Close();
  EXPECT_EQ(line.Finish(),
            "{\"a\":\"x\\\"\\\\\\u000a\",\"b\":7,\"c\":true,\"d\":{},\"e\":{\"f\":1,\"g\":2}}\n");
}

TEST(EventLineTest, TimesAndAddresses) {
  EventLine line;
  line.Time("t", 1795320701173646);
  line.Address("v4", *net::Address::FromIp("10.0.0.1", 80));
  line.Address("file", *net::Address::FromPath("/a"));
  EXPECT_EQ(line.Finish(),
            "{\"t\":\"2026-11-22T04:11:41.173Z\",\"v4\":{\"socket_address\":{\"protocol\":\"TCP\","
            "\"address\":\"10.0.0.1\",\"port_value\":80}},\"file\":{\"pipe\":{\"path\":\"/a\","
            "\"mode\":0}}}\n");
}

TEST(PayloadTest, AllInOrderWithAnythingBetween) {
  EXPECT_TRUE(ContainsInOrder("xAyBz", {"A", "B"}));
  EXPECT_TRUE(ContainsInOrder("AB", {"A", "B"}));
  EXPECT_TRUE(ContainsInOrder("", {}));
  EXPECT_FALSE(ContainsInOrder("BA", {"A", "B"}));
  EXPECT_FALSE(ContainsInOrder("A", {"A", "A"}));
}

TEST(HealthMessageTest, OnlyServingServes) {
  using namespace std::string_literals;
  EXPECT_TRUE(SaysServing("\x08\x01"s));
  EXPECT_TRUE(SaysServing("\x12\x02zz\x08\x01"s));  // Behind a field that is not known.
  EXPECT_FALSE(SaysServing("\x08\x02"s));           // NOT_SERVING
  EXPECT_FALSE(SaysServing("\x08\x01\x08\x02"s));   // The last one counts.
  EXPECT_FALSE(SaysServing(""s));
  for (const std::string& broken : {"\x08"s, "\x12\x7fz"s, "\x0d\x01"s, "\xff\xff"s}) {
    EXPECT_FALSE(SaysServing(broken));
  }
}

}  // namespace
}  // namespace proxenos::health
