// Spans as collectors read them.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/rpc/wire.h"
#include "source/tracing/datadog.h"
#include "source/tracing/otlp.h"
#include "source/tracing/zipkin.h"

namespace proxenos::tracing {
namespace {

Span Example() {
  Span span;
  span.context.trace_low = 0x1234;
  span.context.span = 0xab;
  span.context.parent = 0xcd;
  span.name = "na\"me";
  span.start = 1'000'000;
  span.end = 1'000'500;
  span.SetTag("a", "b");
  span.SetTag("a", "c");
  span.SetTag("", "no name");
  return span;
}

// The bytes of the first field of that number.
std::string Field(absl::string_view message, uint32_t number) {
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) return std::string(reader.bytes());
  }
  return "";
}

uint64_t Number(absl::string_view message, uint32_t number) {
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == number) return reader.number();
  }
  return 0;
}

TEST(SpanTest, TagsAreUtf8AndBounded) {
  Span span;
  span.SetTag("t", "\xff\xc3\xa4");
  EXPECT_EQ(span.tags[0].second, "?\xc3\xa4");
  span.SetTag("t", std::string(Span::kMaxValueBytes - 1, 'x') + "\xc3\xa4");
  EXPECT_EQ(span.tags[0].second, std::string(Span::kMaxValueBytes - 1, 'x') + "?");
}

// "<kind of number><its 8 bytes>" of MessagePack.
std::string Wide(uint64_t value) {
  std::string bytes = "\xcf";
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
std::string Short(absl::string_view text) {
  return absl::StrCat("\xd9", std::string(1, static_cast<char>(text.size())), text);
}
std::string Sized(char kind, int size) {
  return std::string{kind, 0, 0, 0, static_cast<char>(size)};
}

TEST(DatadogTest, Msgpack) {
  Span span = Example();
  std::string trace;
  AppendDatadogTrace(span, "edge", trace);
  const std::string start = absl::StrCat(
      Sized('\xdd', 1), Sized('\xdf', 12), Short("service"), Short("edge"), Short("name"),
      Short("envoy.proxy"), Short("resource"), Short("na\"me"), Short("type"), Short("web"),
      Short("trace_id"), Wide(0x1234), Short("span_id"), Wide(0xab), Short("parent_id"), Wide(0xcd),
      Short("start"), Wide(1'000'000'000), Short("duration"), Wide(500'000));
  const std::string end =
      absl::StrCat(Short("metrics"), Sized('\xdf', 1), Short("_sampling_priority_v1"), Wide(1));
  EXPECT_EQ(trace, absl::StrCat(start, Short("error"), Wide(0), Short("meta"), Sized('\xdf', 2),
                                Short("a"), Short("c"), Short("span.kind"), Short("server"), end));
  span.context.trace_high = 0x10;
  span.SetTag("error", "true");
  span.SetTag("a", std::string(300, 'x'));
  trace.clear();
  AppendDatadogTrace(span, "edge", trace);
  EXPECT_EQ(trace,
            absl::StrCat(start, Short("error"), Wide(1), Short("meta"), Sized('\xdf', 4),
                         Short("a"), std::string("\xdb\0\0\x01\x2c", 5), std::string(300, 'x'),
                         Short("error"), Short("true"), Short("span.kind"), Short("server"),
                         Short("_dd.p.tid"), Short("0000000000000010"), end));
  EXPECT_EQ(WrapDatadogTraces(2, "ab"), absl::StrCat(Sized('\xdd', 2), "ab"));
}

TEST(ZipkinTest, Json) {
  Span span = Example();
  std::string json;
  AppendZipkinJson(span, "edge", json);
  EXPECT_EQ(json, R"({"traceId":"0000000000001234","id":"00000000000000ab",)"
                  R"("parentId":"00000000000000cd","kind":"SERVER","name":"na\"me",)"
                  R"("timestamp":1000000,"duration":500,"localEndpoint":{"serviceName":"edge"},)"
                  R"("tags":{"a":"c"}})");
  span.context.trace_high = 1;
  span.context.parent = 0;
  span.shared = true;
  span.kind = Span::Kind::kClient;
  span.end = span.start;
  span.tags.clear();
  span.events.push_back({1'000'100, "event"});
  json.clear();
  AppendZipkinJson(span, "", json);
  EXPECT_EQ(json,
            R"({"traceId":"00000000000000010000000000001234","id":"00000000000000ab",)"
            R"("kind":"CLIENT","name":"na\"me","timestamp":1000000,"duration":1,"shared":true,)"
            R"("annotations":[{"timestamp":1000100,"value":"event"}]})");
}

TEST(ZipkinTest, Proto) {
  std::string list;
  AppendZipkinProto(Example(), "edge", list);
  const std::string span = Field(list, 1);
  EXPECT_EQ(Field(span, 1), std::string("\0\0\0\0\0\0\x12\x34", 8));
  EXPECT_EQ(Field(span, 2), std::string("\0\0\0\0\0\0\0\xcd", 8));
  EXPECT_EQ(Field(span, 3), std::string("\0\0\0\0\0\0\0\xab", 8));
  EXPECT_EQ(Number(span, 4), 2u);
  EXPECT_EQ(Number(span, 6), 1'000'000u);
  EXPECT_EQ(Number(span, 7), 500u);
  EXPECT_EQ(Field(Field(span, 8), 1), "edge");
  EXPECT_EQ(Field(Field(span, 11), 2), "c");
}

TEST(OtlpTest, Message) {
  Span span = Example();
  span.context.state = "s=1";
  span.SetTag("http.status_code", "404");
  span.kind = Span::Kind::kClient;
  std::string spans;
  AppendOtlpSpan(span, spans);
  const std::string message =
      WrapOtlpSpans({{{"service.name", "edge"}}, "scope", "1"}, absl::StrCat(spans, spans));
  const std::string resource_spans = Field(message, 1);
  EXPECT_EQ(Field(Field(Field(resource_spans, 1), 1), 1), "service.name");
  const std::string scope_spans = Field(resource_spans, 2);
  EXPECT_EQ(Field(Field(scope_spans, 1), 1), "scope");
  const std::string read = Field(scope_spans, 2);
  EXPECT_EQ(Field(read, 1).size(), 16u);
  EXPECT_EQ(Field(read, 2), std::string("\0\0\0\0\0\0\0\xab", 8));
  EXPECT_EQ(Field(read, 3), "s=1");
  EXPECT_EQ(Number(read, 6), 3u);
  EXPECT_EQ(Number(read, 7), 1'000'000'000u);
  EXPECT_EQ(Number(Field(read, 15), 3), 2u);  // To a client 404 is an error, to a server not.
  span.kind = Span::Kind::kServer;
  spans.clear();
  AppendOtlpSpan(span, spans);
  EXPECT_EQ(Field(Field(spans, 2), 15), "");
}

}  // namespace
}  // namespace proxenos::tracing
