// Entries for services: when they go, and what is done with those that find no room.
#include "source/access_log/remote_logs.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "source/access_log/otlp_log.h"
#include "source/event/event_loop.h"
#include "source/rpc/wire.h"
#include "source/upstream/cluster_map.h"
#include "test/support/side_service.h"
#include "test/support/sim_clock.h"

namespace proxenos::access_log {
namespace {

constexpr size_t kCalls = rpc::Courier::kMaxCalls;

class RemoteLogsTest : public ::testing::Test {
 protected:
  RemoteLogsTest() { logs_.emplace(environment_, registry_); }
  ~RemoteLogsTest() override {
    logs_.reset();
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  std::shared_ptr<const RemoteLog> Log(uint32_t buffer_bytes, const std::string& cluster = "peer") {
    auto log = std::make_unique<OtlpLog>();
    log->route.http = rpc::HttpService{cluster, "authority", "/logs", 3600 * base::kSecond};
    log->route.content_type = "application/x-protobuf";
    log->buffer_bytes = buffer_bytes;
    log->flush_interval = 50 * base::kMillisecond;
    return log;
  }
  void Add(const std::shared_ptr<const RemoteLog>& log, size_t count) {
    FormatInput input;
    input.stream = &info_;
    for (size_t i = 0; i < count; ++i) logs_->Add(log, input);
  }
  // Whether so many messages come whole.
  bool Comes(size_t messages) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (service_.origin.stream_count() >= messages &&
          service_.origin.stream(messages - 1).complete()) {
        return true;
      }
      clock_.Advance(base::kMillisecond);
      loop_.RunOnce(base::kMillisecond);
    }
    return false;
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  testing::SideService service_{loop_, clusters_, "peer"};
  filter::Environment environment_{loop_, clusters_};
  filter::StreamInfo info_;
  std::optional<RemoteLogs> logs_;
};

TEST_F(RemoteLogsTest, FullBuffersGoAtOnce) {
  const auto log = Log(/*buffer_bytes=*/1);
  Add(log, 1);
  for (int i = 0; i < 20 && service_.origin.stream_count() == 0; ++i) loop_.RunOnce(0);
  ASSERT_TRUE(Comes(1));
  EXPECT_EQ(service_.origin.stream(0).head().path, "/logs");
}

TEST_F(RemoteLogsTest, OthersGoWhenTheTimeIsOver) {
  const auto log = Log(/*buffer_bytes=*/1 << 20);
  Add(log, 2);
  for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
  EXPECT_EQ(service_.origin.stream_count(), 0u);
  ASSERT_TRUE(Comes(1));
}

TEST_F(RemoteLogsTest, WhatFindsNoRoomIsDropped) {
  const auto log = Log(/*buffer_bytes=*/1);
  Add(log, kCalls);
  ASSERT_TRUE(Comes(kCalls));
  // Nobody answers: what comes now waits, up to the bound.
  Add(log, 2 * RemoteLogs::kMaxBytes / 20);
  service_.origin.stream(0).Reply(200);
  ASSERT_TRUE(Comes(kCalls + 1));
  const size_t size = service_.origin.stream(kCalls).body().size();
  EXPECT_GE(size, RemoteLogs::kMaxBytes);
  EXPECT_LT(size, RemoteLogs::kMaxBytes + 1000);
}

// The field of the LogRecord that an entry is; nothing where it is not there.
std::string FieldOfRecord(absl::string_view entry, uint32_t field) {
  rpc::WireReader outer(entry);
  EXPECT_TRUE(outer.Next());
  rpc::WireReader record(outer.bytes());
  while (record.Next()) {
    if (record.field() == field) return std::string(record.bytes());
  }
  EXPECT_TRUE(record.ok());
  return std::string();
}

// Tracers have ids of their own kinds, and clients of SkyWalking's say what they are.
TEST_F(RemoteLogsTest, TraceIdsAreThoseOfOpenTelemetryOrNone) {
  const std::string id = "0123456789abcdef";
  const OtlpLog log;
  FormatInput input;
  input.stream = &info_;
  const auto ids = [&log, &input, this](absl::string_view trace, absl::string_view span) {
    const filter::TraceIds told{trace, span, true};
    info_.trace = &told;
    std::string entry;
    log.AppendEntry(input, 0, entry);
    info_.trace = nullptr;
    return absl::BytesToHexString(FieldOfRecord(entry, 9)) + "/" +
           absl::BytesToHexString(FieldOfRecord(entry, 10));
  };
  EXPECT_EQ(ids(id + id, id), id + id + "/" + id);
  EXPECT_EQ(ids(id, id), std::string(16, '0') + id + "/" + id);
  EXPECT_EQ(ids("01234567-89ab-4def-0123-456789abcdef", ""), "/");
  EXPECT_EQ(ids(std::string(4000, '0'), ""), "/");
  EXPECT_EQ(ids(std::string(32, '-'), std::string(16, '-')), "/");
  EXPECT_EQ(ids("", ""), "/");
}

// A log that tells when it dies.
class MortalLog final : public RemoteLog {
 public:
  explicit MortalLog(bool& dead) : dead_(dead) {}
  ~MortalLog() override { dead_ = true; }
  void AppendEntry(const FormatInput&, base::WallTime, std::string& out) const override {
    out += 'x';
  }
  std::string Wrap(absl::string_view entries, const filter::LocalNode*) const override {
    return std::string(entries);
  }
  stats::ScopeName StatScope() const override {
    return stats::ScopeName(stats::kGrpcAccessLogScope, {});
  }

 private:
  bool& dead_;
};

TEST_F(RemoteLogsTest, ALogThatNobodyNamesIsForgotten) {
  bool dead = false;
  auto mortal = std::make_unique<MortalLog>(dead);
  mortal->route.http = rpc::HttpService{"nobody", "a", "/", base::kSecond};
  mortal->buffer_bytes = 1;
  std::shared_ptr<const RemoteLog> old = std::move(mortal);
  Add(old, 1);
  Add(Log(1), 1);
  EXPECT_FALSE(dead);  // It is still named.
  old.reset();
  Add(Log(1), 1);
  EXPECT_TRUE(dead);
}

}  // namespace
}  // namespace proxenos::access_log
