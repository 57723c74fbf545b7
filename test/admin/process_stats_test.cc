// The stats under `server.`: set when they are read, from what is true then.
#include "source/admin/process_stats.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/admin/fake_server.h"

namespace proxenos::admin {
namespace {

TEST(ProcessStatsTest, AreBroughtUpToDateByReading) {
  testing::FakeServer server;
  server.command_line.set_restart_epoch(3);
  const ProcessStats stats(server.source);
  const auto has = [&server](absl::string_view line) {
    return absl::StrContains(server.Get("/stats"), absl::StrCat(line, "\n"));
  };
  EXPECT_TRUE(has("server.uptime: 0"));
  EXPECT_TRUE(has("server.live: 1"));
  EXPECT_TRUE(has("server.state: 0"));
  EXPECT_TRUE(has("server.concurrency: 2"));
  EXPECT_TRUE(has("server.total_connections: 7"));
  EXPECT_TRUE(has("server.hot_restart_epoch: 3"));
  EXPECT_TRUE(has(absl::StrCat("server.version: ", 0xabcdef)));
  EXPECT_FALSE(has("server.memory_allocated: 0"));
  EXPECT_FALSE(has("server.memory_heap_size: 0"));
  EXPECT_FALSE(has("server.memory_physical_size: 0"));
  server.clock.Advance(90 * base::kSecond);
  server.state = envoy::admin::v3::ServerInfo::DRAINING;
  EXPECT_TRUE(has("server.uptime: 90"));
  EXPECT_TRUE(has("server.live: 0"));
  EXPECT_TRUE(has("server.state: 1"));
}

TEST(ProcessStatsTest, AVersionWithoutCommitIsZero) {
  testing::FakeServer server;
  server.source.version = "unknown/1.2.3";
  const ProcessStats stats(server.source);
  EXPECT_TRUE(absl::StrContains(server.Get("/stats"), "server.version: 0\n"));
}

TEST(ProcessStatsTest, TheBootstrapMayGiveTheVersion) {
  testing::FakeServer server;
  server.bootstrap.mutable_stats_server_version_override()->set_value(321);
  const ProcessStats stats(server.source);
  EXPECT_TRUE(absl::StrContains(server.Get("/stats"), "server.version: 321\n"));
}

TEST(ProcessStatsTest, DaysUntilTheFirstCertificateExpires) {
  testing::FakeServer server;
  const ProcessStats stats(server.source);
  const auto days = [&server](const std::string& number) {
    return absl::StrContains(server.Get("/stats"),
                             absl::StrCat("server.days_until_first_cert_expiring: ", number, "\n"));
  };
  EXPECT_TRUE(days("4294967295"));  // No certificate at all.
  const int64_t now_s = server.clock.Wall() / 1'000'000;
  constexpr int64_t kDay = 24 * 60 * 60;
  auto& context = server.contexts.emplace_back();
  context.chain.emplace_back().expires_s = now_s + 30 * kDay;
  context.roots.emplace_back().expires_s = now_s + 7 * kDay + 100;
  EXPECT_TRUE(days("7"));
  server.contexts.emplace_back().chain.emplace_back().expires_s = now_s - kDay;
  EXPECT_TRUE(days("0"));
}

}  // namespace
}  // namespace proxenos::admin
