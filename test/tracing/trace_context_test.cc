// Fields of B3, Datadog and W3C Trace Context, read and written.
#include "source/tracing/trace_context.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/tracing/datadog.h"

namespace proxenos::tracing {
namespace {

using Kind = Extracted::Kind;

class TraceContextTest : public ::testing::Test {
 protected:
  void Fill(const std::vector<std::pair<std::string, std::string>>& fields) {
    headers_.Clear();
    for (const auto& [name, value] : fields) headers_.Add(name, value);
  }
  Extracted B3(const std::string& single) {
    Fill({{"b3", single}});
    return ExtractB3(headers_);
  }
  Extracted W3c(const std::string& traceparent, const std::string& state = "") {
    Fill({{"traceparent", traceparent}});
    if (!state.empty()) headers_.Add("tracestate", state);
    return ExtractW3c(headers_);
  }
  std::string Get(absl::string_view name) {
    const http::Header* header = headers_.Find(name);
    return header == nullptr ? "none" : std::string(header->value());
  }

  buffer::Arena arena_;
  http::HeaderMap headers_{arena_};
};

constexpr char kTrace[] = "463ac35c9f6413ad48485a3953bb6124";
constexpr char kSpan[] = "a2fb4a1d1a96d312";
constexpr char kParent[] = "05e3ac9a4f6e3b90";

TEST_F(TraceContextTest, SingleB3) {
  const std::string ids = std::string(kTrace) + "-" + kSpan;
  const Extracted all = B3(ids + "-1-" + kParent);
  ASSERT_EQ(all.kind, Kind::kContext);
  EXPECT_EQ(TraceIdText(all.context, false), kTrace);
  EXPECT_EQ(SpanIdText(all.context.span), kSpan);
  EXPECT_EQ(SpanIdText(all.context.parent), kParent);
  EXPECT_EQ(all.sampled, true);
  EXPECT_EQ(B3(ids).sampled, std::nullopt);
  EXPECT_EQ(B3(ids + "-0").sampled, false);
  EXPECT_EQ(B3(ids + "-d").sampled, true);
  const Extracted narrow = B3(std::string("48485a3953bb6124-") + kSpan);
  EXPECT_EQ(TraceIdText(narrow.context, false), "48485a3953bb6124");
  EXPECT_EQ(TraceIdText(narrow.context, true), "000000000000000048485a3953bb6124");
}

TEST_F(TraceContextTest, SingleB3MayTellOfSamplingAlone) {
  const Extracted denied = B3("0");
  EXPECT_EQ(denied.kind, Kind::kNothing);
  EXPECT_EQ(denied.sampled, false);
  EXPECT_EQ(B3("d").sampled, true);
}

TEST_F(TraceContextTest, BrokenSingleB3) {
  const std::string ids = std::string(kTrace) + "-" + kSpan;
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(kTrace), ids + "-", ids + "-2", ids + "-11",
        ids + "-1-", ids + "-1-05e3", ids + "-1-" + kParent + "-1", "g" + ids.substr(1),
        ids.substr(1), std::string("1-2"), std::string("--"), ids + "-1-" + kParent + "0"}) {
    EXPECT_EQ(B3(text).kind, Kind::kBroken) << text;
  }
}

TEST_F(TraceContextTest, SeveralFieldsOfB3) {
  Fill({{"x-b3-traceid", "1f"}, {"x-b3-spanid", "2"}, {"x-b3-sampled", "true"}});
  Extracted told = ExtractB3(headers_);
  EXPECT_EQ(told.kind, Kind::kContext);
  EXPECT_EQ(told.context.trace_low, 0x1fu);
  EXPECT_EQ(told.sampled, true);
  Fill({{"x-b3-traceid", kTrace}, {"x-b3-spanid", kSpan}, {"x-b3-flags", "1"}});
  EXPECT_EQ(ExtractB3(headers_).sampled, true);
  Fill({{"x-b3-traceid", kTrace}, {"x-b3-sampled", "0"}});
  told = ExtractB3(headers_);
  EXPECT_EQ(told.kind, Kind::kNothing);
  EXPECT_EQ(told.sampled, false);
  Fill({{"x-b3-traceid", kTrace}, {"x-b3-spanid", "0123456789abcdef0"}});
  EXPECT_EQ(ExtractB3(headers_).kind, Kind::kBroken);
  Fill({{"x-b3-traceid", "463ac35c9f6413ad4"}, {"x-b3-spanid", kSpan}});
  EXPECT_EQ(ExtractB3(headers_).kind, Kind::kBroken);
}

TEST_F(TraceContextTest, WritesTheFormThatCame) {
  TraceContext context;
  context.trace_low = 1;
  context.span = 2;
  context.sampled = true;
  Fill({{"x-b3-parentspanid", "9"}});
  InjectB3(context, headers_);
  EXPECT_EQ(Get("x-b3-traceid"), "0000000000000001");
  EXPECT_EQ(Get("x-b3-spanid"), "0000000000000002");
  EXPECT_EQ(Get("x-b3-parentspanid"), "none");
  EXPECT_EQ(Get("x-b3-sampled"), "1");
  Fill({{"b3", "0"}});
  context.parent = 3;
  InjectB3(context, headers_);
  EXPECT_EQ(Get("b3"), "0000000000000001-0000000000000002-1-0000000000000003");
  EXPECT_EQ(headers_.size(), 1u);
}

TEST_F(TraceContextTest, TraceParent) {
  const std::string good = std::string("00-") + kTrace + "-" + kSpan + "-01";
  const Extracted told = W3c(good, "a=b");
  ASSERT_EQ(told.kind, Kind::kContext);
  EXPECT_EQ(TraceIdText(told.context, true), kTrace);
  EXPECT_EQ(SpanIdText(told.context.span), kSpan);
  EXPECT_EQ(told.sampled, true);
  EXPECT_EQ(told.context.state, "a=b");
  EXPECT_EQ(W3c(std::string("00-") + kTrace + "-" + kSpan + "-02").sampled, false);
  EXPECT_EQ(W3c(std::string("01-") + kTrace + "-" + kSpan + "-01-more").kind, Kind::kContext);
  EXPECT_EQ(W3c(good, std::string(513, 's')).context.state, "");
  EXPECT_EQ(W3c(good, "a=\xff").context.state, "");
  Fill({});
  EXPECT_EQ(ExtractW3c(headers_).kind, Kind::kNothing);
}

TEST_F(TraceContextTest, BrokenTraceParent) {
  const std::string ids = std::string(kTrace) + "-" + kSpan;
  for (const std::string& text :
       {std::string(), std::string("00"), "00-" + ids, "00-" + ids + "-0", "00-" + ids + "-011",
        "00-" + ids + "-01-more", "ff-" + ids + "-01", "0g-" + ids + "-01",
        "00-" + std::string(32, '0') + "-" + kSpan + "-01",
        std::string("00-") + kTrace + "-0000000000000000-01", "00_" + ids + "-01"}) {
    EXPECT_EQ(W3c(text).kind, Kind::kBroken) << text;
  }
}

TEST_F(TraceContextTest, WritesTraceParent) {
  Extracted told = W3c(std::string("00-") + kTrace + "-" + kSpan + "-01", "a=b");
  told.context.span = 2;
  told.context.sampled = false;
  InjectW3c(told.context, headers_);
  EXPECT_EQ(Get("traceparent"), std::string("00-") + kTrace + "-0000000000000002-00");
  EXPECT_EQ(Get("tracestate"), "a=b");
  told.context.state = "";
  InjectW3c(told.context, headers_);
  EXPECT_EQ(Get("tracestate"), "none");
}

TEST_F(TraceContextTest, DatadogsFields) {
  Fill({{"x-datadog-trace-id", "9532127138774266268"},
        {"x-datadog-parent-id", "12"},
        {"x-datadog-sampling-priority", "2"},
        {"x-datadog-tags", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000"}});
  const Extracted told = ExtractDatadog(headers_);
  ASSERT_EQ(told.kind, Kind::kContext);
  EXPECT_EQ(told.context.trace_low, 9532127138774266268u);
  EXPECT_EQ(told.context.trace_high, 0x640cfd8d00000000u);
  EXPECT_EQ(told.context.span, 12u);
  EXPECT_EQ(told.sampled, true);
  TraceContext context = told.context;
  context.span = 13;
  context.trace_high = 1;
  InjectDatadog(context, headers_);
  EXPECT_EQ(Get("x-datadog-trace-id"), "9532127138774266268");
  EXPECT_EQ(Get("x-datadog-parent-id"), "13");
  EXPECT_EQ(Get("x-datadog-sampling-priority"), "0");
  EXPECT_EQ(Get("x-datadog-tags"), "_dd.p.dm=-4,_dd.p.tid=0000000000000001");
  context.trace_high = 0;
  headers_.Set("x-datadog-tags", std::string(600, 'x'));
  InjectDatadog(context, headers_);
  EXPECT_EQ(Get("x-datadog-tags"), "none");
}

TEST_F(TraceContextTest, WhatDatadogsFieldsMayLackAndWhatNot) {
  Fill({{"x-datadog-trace-id", "7"}, {"x-datadog-tags", "_dd.p.tid=xyz"}});
  Extracted told = ExtractDatadog(headers_);
  EXPECT_EQ(told.kind, Kind::kContext);
  EXPECT_EQ(told.context.trace_high, 0u);
  EXPECT_FALSE(told.sampled.has_value());
  Fill({{"x-datadog-sampling-priority", "-1"}});
  told = ExtractDatadog(headers_);
  EXPECT_EQ(told.kind, Kind::kNothing);
  EXPECT_EQ(told.sampled, false);
  for (const char* broken : {"", "0", "x", "-1", "99999999999999999999"}) {
    Fill({{"x-datadog-trace-id", broken}});
    EXPECT_EQ(ExtractDatadog(headers_).kind, Kind::kBroken) << broken;
  }
  Fill({{"x-datadog-trace-id", "7"}, {"x-datadog-parent-id", "x"}});
  EXPECT_EQ(ExtractDatadog(headers_).kind, Kind::kBroken);
}

}  // namespace
}  // namespace proxenos::tracing
