// The TLS inspector: what it tells of a connection, and that fingerprints are made only on demand.
#include "source/filters/listener/tls_inspector/tls_inspector.h"

#include <string>

#include "gtest/gtest.h"
#include "source/filter/tls_fingerprints.h"

namespace proxenos::filters::tls_inspector {
namespace {

using Verdict = filter::ListenerFilter::Verdict;

std::string Counted(const std::string& part, int size) {
  std::string out;
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(part.size() >> (8 * i)));
  return out + part;
}

// TLS 1.2 by its version, with one cipher suite and no extensions.
std::string HelloBytes() {
  const std::string body =
      "\3\3" + std::string(32, 'r') + Counted("", 1) + Counted("\x13\x01", 2) + Counted("\1", 1);
  return "\x16\3\1" + Counted("\1" + Counted(body, 3), 2);
}

class TlsInspectorTest : public ::testing::Test {
 protected:
  Verdict Inspect(const std::string& bytes) {
    TlsInspector filter(config_, registry_);
    limit_ = filter.limit();
    facts_ = filter::ConnectionFacts();
    const Verdict verdict = filter.Inspect(bytes, facts_).verdict;
    connection_.parts = std::move(facts_.parts);
    return verdict;
  }

  TlsInspectorConfig config_;
  stats::Registry registry_;
  filter::ConnectionFacts facts_;
  filter::ConnectionInfo connection_;
  uint32_t limit_ = 0;
};

TEST_F(TlsInspectorTest, WithoutFingerprintsNothingIsKept) {
  EXPECT_EQ(Inspect(HelloBytes()), Verdict::kDone);
  EXPECT_EQ(facts_.transport_protocol, "tls");
  EXPECT_TRUE(connection_.parts.empty());
  EXPECT_EQ(filter::TlsFingerprints::Of(connection_), nullptr);
}

TEST_F(TlsInspectorTest, EachFingerprintIsWantedForItself) {
  config_.ja3 = true;
  Inspect(HelloBytes());
  const auto* found = filter::TlsFingerprints::Of(connection_);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->ja3, "ea1e247991e541e39bf918cb7cfa5139");
  EXPECT_EQ(found->ja4, "");
  config_.ja3 = false;
  config_.ja4 = true;
  Inspect(HelloBytes());
  found = filter::TlsFingerprints::Of(connection_);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->ja3, "");
  EXPECT_EQ(found->ja4.substr(0, 11), "t12i010000_");
}

TEST_F(TlsInspectorTest, WhatIsNoTlsHasNone) {
  config_.ja3 = config_.ja4 = true;
  EXPECT_EQ(Inspect("GET / HTTP/1.1\r\n"), Verdict::kDone);
  EXPECT_EQ(Inspect(HelloBytes().substr(0, 20)), Verdict::kMore);
  EXPECT_TRUE(connection_.parts.empty());
}

TEST_F(TlsInspectorTest, LargerHellosThanAllowedAreRefused) {
  config_.limits.most_bytes = 40;
  EXPECT_EQ(Inspect(HelloBytes()), Verdict::kReject);
  EXPECT_EQ(limit_, 40u + 1024u);
}

}  // namespace
}  // namespace proxenos::filters::tls_inspector
