// Command operators that a stream's notes answer, and which formats ask for those.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/access_log/formatter.h"
#include "source/access_log/notes_wanted.h"
#include "source/filter/log_notes.h"
#include "test/access_log/stream_fixture.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::access_log {
namespace {

constexpr base::Nanos kMs = base::kMillisecond;

class NotesOperatorsTest : public ::testing::Test {
 protected:
  NotesOperatorsTest() { fixture_.stream.notes = &notes_; }

  std::string Line(const std::string& format) {
    absl::StatusOr<Formatter> compiled = Formatter::Compile(format);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    std::string out;
    if (compiled.ok()) compiled->Format(fixture_.Input(), out);
    return out;
  }

  StreamFixture fixture_;
  filter::LogNotes notes_;
};

TEST_F(NotesOperatorsTest, Attempts) {
  const std::string lists =
      "%UPSTREAM_HOSTS_ATTEMPTED%|%UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%|"
      "%UPSTREAM_HOST_NAMES_ATTEMPTED%|%UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%|"
      "%UPSTREAM_CONNECTION_IDS_ATTEMPTED%";
  EXPECT_EQ(Line(lists), "-|-|-|-|-");
  notes_.AddAttempt(StreamFixture::Ip("10.1.0.2", 80), "one.example:80", 0);
  notes_.AddAttempt(StreamFixture::Ip("2001:db8::1", 81), "", 12);
  notes_.AddAttempt(StreamFixture::Ip("10.1.0.2", 80), "two.example", 15);
  EXPECT_EQ(Line(lists),
            "10.1.0.2:80,[2001:db8::1]:81,10.1.0.2:80|10.1.0.2,2001:db8::1,10.1.0.2|"
            "one.example:80,[2001:db8::1]:81,two.example|one.example,2001:db8::1,two.example|"
            "12,15");
  fixture_.stream.notes = nullptr;
  EXPECT_EQ(Line(lists), "-|-|-|-|-");
}

// Whole ones, as many as there is room for; and no more are kept than anybody would read.
TEST_F(NotesOperatorsTest, AttemptsAreLimited) {
  for (int i = 0; i < 200; ++i) notes_.AddAttempt(StreamFixture::Ip("10.1.0.2", 80), "", 1);
  EXPECT_EQ(notes_.attempts.size(), filter::LogNotes::kMaxAttempts);
  const std::string list = Line("%UPSTREAM_HOSTS_ATTEMPTED%");
  EXPECT_LE(list.size(), sizeof(Scratch::bytes));
  EXPECT_EQ(list.size() % 12, 11u);  // "10.1.0.2:80" with commas between.
  notes_.attempts.clear();
  notes_.AddAttempt(StreamFixture::Ip("10.1.0.2", 80), std::string(600, 'a'), 1);
  EXPECT_EQ(Line("%UPSTREAM_HOST_NAMES_ATTEMPTED%"), "-");
}

TEST_F(NotesOperatorsTest, Closing) {
  const std::string types = "%DOWNSTREAM_DETECTED_CLOSE_TYPE% %UPSTREAM_DETECTED_CLOSE_TYPE%";
  const std::string reasons = "%DOWNSTREAM_LOCAL_CLOSE_REASON% %UPSTREAM_LOCAL_CLOSE_REASON%";
  EXPECT_EQ(Line(types), "Normal -");
  EXPECT_EQ(Line(reasons), "- -");
  notes_.AddAttempt(StreamFixture::Ip("10.1.0.2", 80), "", 1);
  EXPECT_EQ(Line(types), "Normal Normal");
  notes_.downstream_close = net::CloseType::kLocalReset;
  notes_.upstream.close_type = net::CloseType::kRemoteReset;
  notes_.downstream_close_reason = notes_.upstream_close_reason = "tcp_session_idle_timeout";
  EXPECT_EQ(Line(types), "LocalReset RemoteReset");
  EXPECT_EQ(Line(reasons), "tcp_session_idle_timeout tcp_session_idle_timeout");
}

TEST_F(NotesOperatorsTest, SizesOfHeads) {
  const std::string upstream =
      "%UPSTREAM_HEADER_BYTES_SENT% %UPSTREAM_HEADER_BYTES_RECEIVED% "
      "%UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT% %UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED%";
  EXPECT_EQ(Line(upstream), "0 0 0 0");
  notes_.upstream.CountSent(40, 100);
  notes_.upstream.CountSent(2, 3);
  notes_.upstream.CountReceived(5, 6);
  EXPECT_EQ(Line(upstream), "42 5 103 6");
  const std::string downstream =
      "%DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED% %DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT%";
  EXPECT_EQ(Line(downstream), "106 186");  // Of HTTP/1: as on the wire.
  notes_.request_fields = 77;
  notes_.response_fields = 88;
  EXPECT_EQ(Line(downstream), "77 88");
}

TEST_F(NotesOperatorsTest, Instants) {
  const base::MonoTime start = fixture_.stream.start;
  notes_.request_head = start + kMs;
  notes_.attempt_begin = start + 2 * kMs;
  notes_.pool_ready = start + 5 * kMs;
  notes_.upstream.connect_begin = start + 2 * kMs;
  notes_.upstream.connect_end = start + 3 * kMs;
  notes_.first_upstream_body = start + 11 * kMs;
  const base::Rc<tls::SessionInfo> tls(std::make_unique<testing::FakeTlsSession>());
  tls->SetHandshake(start + 3 * kMs, start + 7 * kMs);
  fixture_.stream.upstream_tls = tls;
  EXPECT_EQ(
      Line("%COMMON_DURATION(DS_RX_BEG:DS_RX_HDR_END)% %COMMON_DURATION(US_CX_BEG:US_CX_END)% "
           "%COMMON_DURATION(US_CX_END:US_HS_END)% %COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG)% "
           "%UPSTREAM_CONNECTION_POOL_READY_DURATION%"),
      "1 1 4 1 3");
  fixture_.stream.notes = nullptr;
  EXPECT_EQ(Line("%COMMON_DURATION(DS_RX_BEG:US_CX_BEG)% %COMMON_DURATION(DS_RX_BEG:US_CX_END)% "
                 "%UPSTREAM_CONNECTION_POOL_READY_DURATION%"),
            "- 3 -");
}

TEST_F(NotesOperatorsTest, Routes) {
  EXPECT_EQ(Line("%ROUTE_RESOLUTION_COUNT% %ROUTE_RESOLUTION_TIME_US% %METADATA(ROUTE:a:b)%"),
            "0 0 -");
  json::Object space;
  space.emplace("b", json::Value("c"));
  json::Object metadata;
  metadata.emplace("a", json::Value(std::move(space)));
  notes_.route_metadata = &metadata;
  notes_.route_resolutions = 2;
  notes_.route_resolution_time = 3 * base::kMicrosecond;
  EXPECT_EQ(Line("%ROUTE_RESOLUTION_COUNT% %ROUTE_RESOLUTION_TIME_US% %METADATA(ROUTE:a:b)%"),
            "2 3 c");
  EXPECT_EQ(Line("%METADATA(ROUTE:a)% %METADATA(ROUTE:a:x)% %METADATA(ROUTE:x)%"),
            "{\"b\":\"c\"} - -");
  EXPECT_EQ(Line("%UPSTREAM_FILTER_STATE(a:PLAIN)%"), "-");
}

TEST(NotesWantedTest, OfWhatOnlyNotesAnswer) {
  for (const char* text :
       {"%UPSTREAM_HOSTS_ATTEMPTED%", "%UPSTREAM_CONNECTION_IDS_ATTEMPTED%",
        "%DOWNSTREAM_LOCAL_CLOSE_REASON%", "%UPSTREAM_DETECTED_CLOSE_TYPE%",
        "%UPSTREAM_HEADER_BYTES_SENT%", "%DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT%",
        "%COMMON_DURATION(US_CX_BEG:US_CX_END)%", "%COMMON_DURATION(DS_RX_BEG:DS_RX_HDR_END)%",
        "%COMMON_DURATION(US_RX_BODY_BEG:DS_TX_END)%", "%UPSTREAM_CONNECTION_POOL_READY_DURATION%",
        "%ROUTE_RESOLUTION_COUNT%", "%METADATA(ROUTE:a:b)%"}) {
    EXPECT_TRUE(AsksForNotes(text)) << text;
  }
  EXPECT_FALSE(AsksForNotes(kDefaultFormat));
  EXPECT_FALSE(AsksForNotes("%METADATA(DYNAMIC:a:b)% %COMMON_DURATION(DS_RX_BEG:US_TX_BEG)%"));
}

}  // namespace
}  // namespace proxenos::access_log
