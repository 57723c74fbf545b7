// The header sw8, and segments as collectors read them.
#include "source/tracing/skywalking.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/rpc/wire.h"

namespace proxenos::tracing {
namespace {

constexpr SegmentNames kNames{"edge", "node-1"};
// "trace", "segment", 3, "service", "instance", "/endpoint", "1.2.3.4:5".
constexpr char kHeader[] =
    "1-dHJhY2U=-c2VnbWVudA==-3-c2VydmljZQ==-aW5zdGFuY2U=-L2VuZHBvaW50-MS4yLjMuNDo1";

std::optional<SegmentParent> Extract(const std::string& value) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  headers.Set("sw8", value);
  return ExtractSw8(headers);
}

// What a message has in fields of that number.
std::vector<std::string> Fields(absl::string_view message, uint32_t number) {
  std::vector<std::string> found;
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) found.emplace_back(reader.bytes());
  }
  EXPECT_TRUE(reader.ok());
  return found;
}

std::string Field(absl::string_view message, uint32_t number) {
  const std::vector<std::string> found = Fields(message, number);
  return found.empty() ? "" : found.back();
}

uint64_t Number(absl::string_view message, uint32_t number) {
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) return reader.number();
  }
  return 0;
}

TEST(SkyWalkingTest, ReadsTheHeader) {
  const auto parent = Extract(kHeader);
  ASSERT_TRUE(parent.has_value());
  EXPECT_EQ(parent->trace_id, "trace");
  EXPECT_EQ(parent->segment_id, "segment");
  EXPECT_EQ(parent->span, 3u);
  EXPECT_EQ(parent->service, "service");
  EXPECT_EQ(parent->instance, "instance");
  EXPECT_EQ(parent->endpoint, "/endpoint");
  EXPECT_EQ(parent->address, "1.2.3.4:5");
  std::string other = kHeader;
  other[0] = '0';
  EXPECT_TRUE(Extract(other).has_value());
}

TEST(SkyWalkingTest, HeadersThatCannotBeRead) {
  const std::string head = "1-dHJhY2U=-c2VnbWVudA==-";
  const std::string tail = "-cw==-aQ==-ZQ==-YQ==";
  EXPECT_TRUE(Extract(head + "0" + tail).has_value());
  for (const std::string& value :
       {std::string(), std::string("1"), head + "0" + tail + "-", head + "x" + tail,
        head + "-1" + tail, head + "4294967296" + tail, "2" + head.substr(1) + "0" + tail,
        "1--c2VnbWVudA==-0" + tail, "1-dHJhY2U=--0" + tail, "1-!!!!-c2VnbWVudA==-0" + tail,
        "1-/w==-c2VnbWVudA==-0" + tail, head + "0" + tail + std::string(kMaxSw8Bytes, '=')}) {
    EXPECT_FALSE(Extract(value).has_value()) << value;
  }
  buffer::Arena arena;
  EXPECT_FALSE(ExtractSw8(http::HeaderMap(arena)).has_value());
}

TEST(SkyWalkingTest, WhatIsWrittenIsReadAgain) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  headers.Set("sw8", "of the client");
  Segment segment;
  segment.trace_id = "t";
  segment.id = "s";
  InjectSw8(segment, {2, "/a-b", "[::1]:80"}, kNames, headers);
  const auto parent = ExtractSw8(headers);
  ASSERT_TRUE(parent.has_value());
  EXPECT_EQ(parent->trace_id, "t");
  EXPECT_EQ(parent->segment_id, "s");
  EXPECT_EQ(parent->span, 2u);
  EXPECT_EQ(parent->service, "edge");
  EXPECT_EQ(parent->instance, "node-1");
  EXPECT_EQ(parent->endpoint, "/a-b");
  EXPECT_EQ(parent->address, "[::1]:80");
}

TEST(SkyWalkingTest, ASegmentHasAllSpans) {
  Segment segment;
  segment.trace_id = "t";
  segment.id = "s";
  segment.parent = Extract(kHeader);
  Span entry;
  entry.name = "/a";
  entry.start = 1'000'000;
  entry.end = 1'002'500;
  entry.SetTag("http.url", "u");
  entry.SetTag("http.status_code", "503");
  entry.SetTag("error", "true");
  entry.SetTag("peer.address", "10.0.0.1");
  entry.events.push_back({1'001'000, "happened"});
  Span exit = entry;
  exit.context.span = 2;
  exit.tags.clear();
  segment.attempts.push_back(exit);
  const std::string message = SegmentMessage(segment, entry, kNames);
  EXPECT_EQ(Field(message, 1), "t");
  EXPECT_EQ(Field(message, 2), "s");
  EXPECT_EQ(Field(message, 4), "edge");
  EXPECT_EQ(Field(message, 5), "node-1");
  const std::vector<std::string> spans = Fields(message, 3);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(static_cast<int32_t>(Number(spans[0], 2)), -1);  // Nobody's child here.
  EXPECT_EQ(Number(spans[0], 3), 1000u);
  EXPECT_EQ(Number(spans[0], 4), 1002u);
  EXPECT_EQ(Field(spans[0], 6), "/a");
  EXPECT_EQ(Field(spans[0], 7), "10.0.0.1");
  EXPECT_EQ(Number(spans[0], 8), 0u);
  EXPECT_EQ(Number(spans[0], 9), 3u);
  EXPECT_EQ(Number(spans[0], 10), 9000u);
  EXPECT_EQ(Number(spans[0], 11), 1u);
  const std::vector<std::string> tags = Fields(spans[0], 12);
  ASSERT_EQ(tags.size(), 3u);
  EXPECT_EQ(Field(tags[0], 1), "url");
  EXPECT_EQ(Field(tags[1], 1), "status_code");
  EXPECT_EQ(Field(tags[1], 2), "503");
  const std::string log = Field(spans[0], 13);
  EXPECT_EQ(Number(log, 1), 1001u);
  EXPECT_EQ(Field(Field(log, 2), 2), "happened");
  const std::string ref = Field(spans[0], 5);
  EXPECT_EQ(Field(ref, 2), "trace");
  EXPECT_EQ(Field(ref, 3), "segment");
  EXPECT_EQ(Number(ref, 4), 3u);
  EXPECT_EQ(Field(ref, 8), "1.2.3.4:5");
  EXPECT_EQ(Number(spans[1], 1), 2u);
  EXPECT_EQ(Number(spans[1], 2), 0u);
  EXPECT_EQ(Number(spans[1], 8), 1u);
  EXPECT_TRUE(Fields(spans[1], 5).empty());
  EXPECT_EQ(Number(spans[1], 11), 0u);
}

}  // namespace
}  // namespace proxenos::tracing
