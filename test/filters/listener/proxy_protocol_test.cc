// The PROXY protocol filter: what of a header's TLVs is kept, and where it is counted.
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::filters::proxy_protocol {
namespace {

using Verdict = filter::ListenerFilter::Verdict;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kAddresses("\xc0\0\2\1\xcb\0\x71\1\xc3\x50\1\xbb", 12);

std::string Tlv(char type, const std::string& value) {
  return std::string(1, type) + '\0' + static_cast<char>(value.size()) + value;
}
std::string HeaderWith(const std::string& tlvs) {
  return kSignature + "\x21\x11" + '\0' + static_cast<char>(kAddresses.size() + tlvs.size()) +
         kAddresses + tlvs;
}

class ProxyProtocolTest : public ::testing::Test {
 protected:
  filter::ListenerFilter::Result Inspect(const std::string& bytes) {
    ProxyProtocol filter(config_, registry_);
    facts_ = filter::ConnectionFacts();
    const auto result = filter.Inspect(bytes, facts_);
    for (const stats::ScopeReading& reading : registry_.Read()) {
      for (size_t i = 0; i < reading.schema->stats.size(); ++i) {
        if (reading.total.values[i] != 1) continue;
        counted_ += reading.name.prefix() + std::string(reading.schema->stats[i].name) + " ";
      }
    }
    return result;
  }
  std::string Metadata(absl::string_view space) const {
    const json::Object* found =
        facts_.proxy_notes == nullptr ? nullptr : facts_.proxy_notes->metadata.Find(space);
    return found == nullptr ? "" : json::ToJson(json::Value(*found));
  }

  ProxyProtocolConfig config_;
  stats::Registry registry_;
  filter::ConnectionFacts facts_;
  std::string counted_;
};

TEST_F(ProxyProtocolTest, KeepsNothingThatNobodyWants) {
  const std::string header = HeaderWith(Tlv(2, "a.example"));
  EXPECT_EQ(Inspect(header).taken, header.size());
  EXPECT_EQ(facts_.remote.ToString(), "192.0.2.1:50000");
  EXPECT_EQ(facts_.proxy_notes, nullptr);
  EXPECT_EQ(counted_, "proxy_proto.versions.v2.found ");
}

TEST_F(ProxyProtocolTest, RulesFillMetadata) {
  config_.rules = {{2, "space", "name", false}, {0xea, "other", "raw", true}};
  Inspect(HeaderWith(Tlv(2, "a\xff\xc3\xa9") + Tlv('\xea', "\1\2") + Tlv(5, "x")));
  EXPECT_EQ(Metadata("space"), "{\"name\":\"a!\xc3\xa9\"}");
  EXPECT_EQ(Metadata("other"), "{\"raw\":\"AQI=\"}");
  ASSERT_NE(facts_.proxy_notes, nullptr);
  EXPECT_TRUE(facts_.proxy_notes->passed.empty());
}

TEST_F(ProxyProtocolTest, PassesWhatItIsTold) {
  config_.passes.set(5);
  Inspect(HeaderWith(Tlv(2, "a") + Tlv(5, "x") + Tlv(5, "y")));
  ASSERT_NE(facts_.proxy_notes, nullptr);
  EXPECT_EQ(facts_.proxy_notes->passed, (net::ProxyTlvs{{5, "x"}, {5, "y"}}));
}

TEST_F(ProxyProtocolTest, PrefixOfItsStats) {
  config_.stat_prefix = "edge";
  EXPECT_EQ(Inspect("GET / HTTP/1.1\r\n").verdict, Verdict::kReject);
  EXPECT_EQ(counted_, "downstream_cx_proxy_proto_error proxy_proto.edge.not_found_disallowed ");
}

TEST_F(ProxyProtocolTest, BrokenTlvsEndTheConnection) {
  EXPECT_EQ(Inspect(HeaderWith("\2")).verdict, Verdict::kReject);
  EXPECT_EQ(counted_, "downstream_cx_proxy_proto_error proxy_proto.versions.v2.error ");
  EXPECT_EQ(facts_.proxy_notes, nullptr);
}

}  // namespace
}  // namespace proxenos::filters::proxy_protocol
