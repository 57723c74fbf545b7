// Load reports of hosts in all their forms, and what is none.
#include "source/rpc/orca_headers.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/rpc/wire.h"

namespace proxenos::rpc {
namespace {

using upstream::OrcaReport;

struct Field {
  absl::string_view name, value;
};

std::optional<OrcaReport> Read(const std::vector<Field>& fields) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  for (const Field& field : fields) headers.Add(field.name, field.value);
  return ReadOrcaReport(headers);
}

double ValueOf(const OrcaReport& report, OrcaReport::Map map, absl::string_view key) {
  for (const OrcaReport::Entry& entry : report.entries) {
    if (entry.map == map && entry.key == key) return entry.value;
  }
  return -1;
}

void ExpectAll(const std::optional<OrcaReport>& report) {
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu_utilization, 0.7);
  EXPECT_EQ(report->application_utilization, 0.8);
  EXPECT_EQ(report->mem_utilization, 0.9);
  EXPECT_EQ(report->rps_fractional, 1000);
  EXPECT_EQ(report->eps, 2);
  ASSERT_EQ(report->entries.size(), 3u);
  EXPECT_EQ(ValueOf(*report, OrcaReport::Map::kNamedMetrics, "queue"), 123);
  EXPECT_EQ(ValueOf(*report, OrcaReport::Map::kUtilization, "disk"), 0.5);
  EXPECT_EQ(ValueOf(*report, OrcaReport::Map::kRequestCost, "tokens"), 17);
}

void AddEntry(WireWriter& out, uint32_t field, absl::string_view key, double value) {
  out.Message(field, [&](WireWriter& entry) {
    entry.Text(1, key);
    entry.Double(2, value);
  });
}

std::string Binary() {
  std::string bytes;
  WireWriter out(bytes);
  out.Double(1, 0.7);
  out.Double(2, 0.9);
  out.Number(3, 44);      // rps, of old.
  out.Text(77, "later");  // A field that is not known yet.
  AddEntry(out, 4, "tokens", 17);
  AddEntry(out, 5, "disk", 0.5);
  out.Double(6, 1000);
  out.Double(7, 2);
  AddEntry(out, 8, "queue", 1);
  AddEntry(out, 8, "queue", 123);  // As in protobuf's maps the last one counts.
  out.Double(9, 0.8);
  return absl::Base64Escape(bytes);
}

TEST(OrcaHeadersTest, AllFormsSayTheSame) {
  ExpectAll(Read({{"endpoint-load-metrics-bin", Binary()}}));
  ExpectAll(Read({{"endpoint-load-metrics", absl::StrCat("BIN ", Binary())}}));
  ExpectAll(Read({{"endpoint-load-metrics",
                   "TEXT cpu_utilization=0.7, application_utilization:0.8,mem_utilization=0.9 ,"
                   "rps_fractional=1000,eps=2,,named_metrics.queue=123,utilization.disk=.5,"
                   "request_cost.tokens=17"}}));
  ExpectAll(Read({{"endpoint-load-metrics",
                   R"(JSON {"cpu_utilization": 0.7, "applicationUtilization": "0.8", "rps": 4,)"
                   R"("mem_utilization": 0.9, "rps_fractional": 1000, "eps": 2,)"
                   R"("named_metrics": {"queue": 123}, "utilization": {"disk": 0.5},)"
                   R"("requestCost": {"tokens": 17}})"}}));
}

TEST(OrcaHeadersTest, WithoutPadding) {
  // As one of gRPC's servers sends it.
  const std::optional<OrcaReport> report =
      Read({{"endpoint-load-metrics-bin",
             "CQAAAAAAAOA/MQAAAAAAAFlAOQAAAAAAAABAQg4KA3JpZhEAAAAAAAAQQA"}});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu_utilization, 0.5);
  EXPECT_EQ(report->rps_fractional, 100);
  EXPECT_EQ(report->eps, 2);
  EXPECT_EQ(ValueOf(*report, OrcaReport::Map::kNamedMetrics, "rif"), 4);
}

TEST(OrcaHeadersTest, BinaryComesFirst) {
  const auto report =
      Read({{"endpoint-load-metrics", "TEXT eps=1"}, {"endpoint-load-metrics-bin", Binary()}});
  ExpectAll(report);
  EXPECT_FALSE(Read({{"endpoint-load-metrics", "TEXT eps=1"}, {"endpoint-load-metrics-bin", "!"}})
                   .has_value());
}

TEST(OrcaHeadersTest, NothingMeansZero) {
  const auto report = Read({{"endpoint-load-metrics", "TEXT "}});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->cpu_utilization, 0);
  EXPECT_TRUE(report->entries.empty());
  EXPECT_TRUE(ReadOrcaJson(R"({"eps": null})").has_value());
}

TEST(OrcaHeadersTest, OthersAreNone) {
  EXPECT_FALSE(Read({}).has_value());
  EXPECT_FALSE(Read({{"endpoint-load-metrics-json", "{}"}}).has_value());
  for (const absl::string_view value : {"", "TEXT", "text eps=1", "BADBAD x", "BIN", "BIN ",
                                        "JSON ", "JSON []", "JSON {", "BIN %%%"}) {
    EXPECT_FALSE(Read({{"endpoint-load-metrics", value}}).has_value()) << value;
  }
  for (const absl::string_view text :
       {"eps", "eps=", "=1", "eps=\"1\"", "eps=-1", "eps=nan", "eps=inf", "eps=1,eps=2", "other=1",
        "named_metrics.=1", "named_metrics=1", "utilization.=0.9", "rps=4",
        "named_metrics.a=1,named_metrics.a=1"}) {
    EXPECT_FALSE(ReadOrcaText(text).has_value()) << text;
  }
  for (const absl::string_view json :
       {R"({"other": 1})", R"({"eps": "a"})", R"({"eps": -1})", R"({"eps": "inf"})",
        R"({"eps": {}})", R"({"named_metrics": 1})", R"({"named_metrics": {"a": true}})",
        R"({"eps": 1, "eps": 2})"}) {
    EXPECT_FALSE(ReadOrcaJson(json).has_value()) << json;
  }
}

TEST(OrcaHeadersTest, BrokenBinary) {
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(Binary(), &bytes));
  bytes.resize(bytes.size() / 2);
  EXPECT_FALSE(ReadOrcaBinary(absl::Base64Escape(bytes)).has_value());
  for (const double bad : {-1.0, std::nan(""), HUGE_VAL}) {
    std::string number, entry;
    WireWriter(number).Double(9, bad);
    WireWriter out(entry);
    AddEntry(out, 8, "a", bad);
    EXPECT_FALSE(ReadOrcaBinary(absl::Base64Escape(number)).has_value()) << bad;
    EXPECT_FALSE(ReadOrcaBinary(absl::Base64Escape(entry)).has_value()) << bad;
  }
}

TEST(OrcaHeadersTest, HasALimit) {
  std::string text = "eps=1", json, binary;
  WireWriter out(binary);
  for (size_t i = 1; i < kMaxOrcaEntries; ++i) {
    absl::StrAppend(&text, ",named_metrics.n", i, "=1");
    absl::StrAppend(&json, ",\"n", i, "\":1");
    AddEntry(out, 8, absl::StrCat("n", i), 1);
  }
  EXPECT_TRUE(ReadOrcaText(text).has_value());
  EXPECT_FALSE(ReadOrcaText(text + ",named_metrics.a=1").has_value());
  EXPECT_TRUE(ReadOrcaJson(absl::StrCat("{\"named_metrics\":{\"n\":1", json, "}}")).has_value());
  EXPECT_FALSE(
      ReadOrcaJson(absl::StrCat("{\"named_metrics\":{\"n\":1,\"m\":1", json, "}}")).has_value());
  AddEntry(out, 8, "n", 1);
  EXPECT_TRUE(ReadOrcaBinary(absl::Base64Escape(binary)).has_value());
  AddEntry(out, 8, "m", 1);
  EXPECT_FALSE(ReadOrcaBinary(absl::Base64Escape(binary)).has_value());
  const std::string padded = absl::StrCat("TEXT ", std::string(kMaxOrcaBytes, ' '), "eps=1");
  EXPECT_FALSE(Read({{"endpoint-load-metrics", padded}}).has_value());
}

}  // namespace
}  // namespace proxenos::rpc
