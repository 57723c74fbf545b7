// Http2ConnectionFixture: a proxy with one HTTP/2 client and origins of HTTP/1.1 that the test
// plays.
#pragma once

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/support/http2_client.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {

class Http2ConnectionFixture : public ::testing::Test {
 protected:
  void Begin(const http2::Options& options = http2::Options()) {
    proxy_.Start();
    client_ = std::make_unique<testing::Http2Client>(proxy_.Connect(), options);
  }
  // Waits for the next connection to the origin and the request on it.
  testing::Peer OriginGets(const std::string& text) {
    testing::Peer origin;
    EXPECT_TRUE(client_->Until(proxy_, [&] { return proxy_.OriginAsked(); }));
    origin = proxy_.Accept();
    EXPECT_TRUE(client_->Until(proxy_, [&] { return origin.Got(text); })) << origin.Received();
    return origin;
  }
  bool Completes(http2::StreamId id) { return client_->Completes(proxy_, id); }
  bool Until(absl::FunctionRef<bool()> holds) { return client_->Until(proxy_, holds); }
  bool Ends() {
    return Until([&] { return client_->peer().Ended(); });
  }
  void Settle() {
    for (int i = 0; i < 100; ++i) {
      client_->Pump();
      proxy_.Turn();
    }
  }
  const stats::HttpStats& stats() { return proxy_.http_stats(); }
  const stats::Http2Stats& http2_stats() { return proxy_.http_service().http2_stats(); }

  testing::ProxyLoop proxy_;
  std::unique_ptr<testing::Http2Client> client_;
};

}  // namespace proxenos::downstream
