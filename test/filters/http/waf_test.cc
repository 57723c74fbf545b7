// The WAF on a real chain with libmodsecurity: what requests and responses meet.
#include "test/filters/http/waf_stream.h"

// Behind it, because its messages make a namespace proxenos::filters::http.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "envoy/extensions/compression/gzip/decompressor/v3/gzip.pb.h"
#include "envoy/extensions/filters/http/decompressor/v3/decompressor.pb.h"
#include "proxenos/filters/http/waf/v3/waf.pb.h"
#include "source/compression/encoder.h"

namespace proxenos::filters {
namespace {

namespace v3 = ::proxenos::filters::http::waf::v3;

constexpr char kBlock[] = "mode: BLOCK rules { core_rule_set {} } ";
constexpr char kInjection[] = "/?id=1'%20or%20'1'='1";
const Fields kOrdinary = {{"user-agent", "Mozilla/5.0"}, {"accept", "*/*"}};

std::shared_ptr<const route::RouteTable> Routes(const std::string& per_route) {
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  (*route->mutable_typed_per_filter_config())["f"] = Pack<v3::WafPerRoute>(per_route);
  return MakeRoutes(config);
}

class WafTest : public WafStreamTest {
 protected:
  FilterHarness& Begin(const std::string& config, const RequestLine& line,
                       const std::string& per_route = "") {
    routes_ = per_route.empty() ? nullptr : Routes(per_route);
    stream_ = MakeStream(Pack<v3::Waf>(config), line, routes_);
    return *stream_;
  }
  std::string Get(const std::string& config, const std::string& path,
                  const std::string& per_route = "") {
    FilterHarness& stream = Begin(config, {"GET", path, kOrdinary}, per_route);
    stream.request.framing = {};
    stream.SendRequest(true);
    return Ask(stream);
  }
  FilterHarness& Post(const std::string& config, const std::string& body,
                      const std::string& type = "application/x-www-form-urlencoded") {
    Fields fields = kOrdinary;
    fields.emplace_back("content-type", type);
    FilterHarness& stream = Begin(config, {"POST", "/form", fields});
    stream.SendRequest(false);
    stream.SendRequestBody(body.substr(0, body.size() / 2), false);
    stream.SendRequestBody(body.substr(body.size() / 2), true);
    return stream;
  }
  std::shared_ptr<const route::RouteTable> routes_;
};

TEST_F(WafTest, Blocks) {
  EXPECT_EQ(Get(kBlock, kInjection), "403 Forbidden");
  EXPECT_EQ(stream_->info.details, "waf_blocked_by_rule_949110");
  EXPECT_EQ(Told("outcome"), "\"blocked\"");
  EXPECT_EQ(Told("rules"), "[942100,949110]");
  EXPECT_EQ(Told("rule"), "949110");
  EXPECT_EQ(Told("inbound_score"), "5");
  EXPECT_EQ(Stat("inspected"), 1u);
  EXPECT_EQ(Stat("blocked"), 1u);
  EXPECT_EQ(Stat("detected"), 0u);
  EXPECT_EQ(Stat("active"), 0u);
  EXPECT_EQ(Stat("rule.942100.matched"), 1u);
}

TEST_F(WafTest, Detects) {
  EXPECT_EQ(Get("mode: DETECT rules { core_rule_set {} } stat_prefix: 'mine'", kInjection),
            "passed");
  EXPECT_EQ(Told("outcome"), "\"detected\"");
  EXPECT_EQ(Told("mode"), "\"detect\"");
  EXPECT_EQ(Stat("mine.detected"), 1u);
  EXPECT_EQ(Stat("mine.blocked"), 0u);
}

TEST_F(WafTest, OrdinaryRequestsPass) {
  EXPECT_EQ(Get(kBlock, "/index.html?q=union+station"), "passed");
  EXPECT_EQ(Told("outcome"), "\"passed\"");
  EXPECT_EQ(Told("rules"), "[]");
  EXPECT_EQ(Ask(Post(kBlock, "a=hello&b=world")), "passed");
  EXPECT_EQ(stream_->request_out.body.ToString(), "a=hello&b=world");
  EXPECT_TRUE(stream_->request_out.end);
}

TEST_F(WafTest, BodiesAreInspected) {
  EXPECT_EQ(Ask(Post(kBlock, "a=1&b=1%27+or+%271%27%3D%271")), "403 Forbidden");
  EXPECT_EQ(Ask(Post(kBlock, R"({"a":"1' or '1'='1"})", "application/json")), "403 Forbidden");
  EXPECT_EQ(Ask(Post(std::string(kBlock) + "request { ignore_body: true }",
                     "a=1&b=1%27+or+%271%27%3D%271")),
            "passed");
}

TEST_F(WafTest, BodiesBeyondTheLimit) {
  const std::string limit = "request { body_limit_bytes { value: 20 } ";
  const std::string late = "a=" + std::string(30, 'x') + "&b=1%27+or+%271%27%3D%271";
  EXPECT_EQ(Ask(Post(kBlock + limit + "}", late)), "413 ");
  EXPECT_EQ(Stat("over_limit"), 1u);
  EXPECT_EQ(Told("outcome"), "\"too_large\"");
  EXPECT_EQ(Ask(Post(kBlock + limit + "over_limit: PROCESS_PARTIAL }", late)), "passed");
  EXPECT_TRUE(stream_->Until([this] { return stream_->request_out.end; }));
  EXPECT_EQ(stream_->request_out.body.ToString(), late);
  EXPECT_EQ(Ask(Post(kBlock + limit + "}", "a=" + std::string(18, 'x'))), "passed");
}

TEST_F(WafTest, CallsDoNotWaitForTheirEnd) {
  const RequestLine call{"POST", "/s/M", {{"content-type", "application/grpc"}}};
  const std::string own = "mode: BLOCK rules { after { text: 'SecAction \"id:1,pass,nolog\"' } } ";
  FilterHarness& stream = Begin(own, call);
  stream.SendRequest(false);
  EXPECT_EQ(Ask(stream), "passed");
  FilterHarness& whole = Begin(own + "request { inspect_grpc_bodies: true }", call);
  whole.SendRequest(false);
  for (int i = 0; i < 5; ++i) whole.TurnIn(base::kMillisecond);
  EXPECT_FALSE(whole.request_out.head);
  whole.SendRequestBody("x", true);
  EXPECT_EQ(Ask(whole), "passed");
}

TEST_F(WafTest, WhatRulesWant) {
  const auto config = [](const std::string& action) {
    return "mode: BLOCK rules { after { text: 'SecRule ARGS:a \"@streq 1\" \"id:1,phase:1," +
           action + "\"' } }";
  };
  EXPECT_EQ(Get(config("deny,status:429"), "/?a=1"), "429 Too Many Requests");
  EXPECT_EQ(stream_->info.details, "waf_blocked_by_rule_1");
  EXPECT_EQ(Get(config("redirect:https://x.example/%{ARGS.b}"), "/?a=1&b=c"), "302 ");
  EXPECT_EQ(Value(stream_->response.headers, "location"), "https://x.example/c");
  // What a stranger sent makes no head.
  EXPECT_EQ(Get(config("redirect:https://x.example/%{ARGS.b}"), "/?a=1&b=c%0d%0ax:%20y"),
            "403 Forbidden");
  EXPECT_EQ(Get(config("drop"), "/?a=1"), "aborted");
  EXPECT_EQ(Get(config("pass,nolog"), "/?a=1"), "passed");
  EXPECT_EQ(Told("outcome"), "\"passed\"");
  EXPECT_EQ(Get(config("pass"), "/?a=1"), "passed");
  EXPECT_EQ(Told("outcome"), "\"detected\"");
}

TEST_F(WafTest, ResponsesAreInspected) {
  const std::string leak =
      "You have an error in your SQL syntax; check the manual that corresponds to your MySQL";
  const auto respond = [&](const std::string& more, const Fields& fields) {
    FilterHarness& stream = Begin(kBlock + more, {"GET", "/", kOrdinary});
    stream.request.framing = {};
    stream.SendRequest(true);
    EXPECT_EQ(Ask(stream), "passed");
    for (const auto& [name, value] : fields) stream.response.headers.Add(name, value);
    stream.response.framing = {proxenos::http::Framing::kChunked, 0};
    stream.SendResponse(200, leak, true);
    stream.Until([&stream] { return stream.response_out.end; });
    return ResponseText(stream);
  };
  const std::string passed = "200 " + leak;
  const Fields html = {{"content-type", "text/HTML; charset=utf-8"}};
  EXPECT_EQ(respond("response {}", html), "403 Forbidden");
  EXPECT_EQ(Stat("blocked"), 1u);
  EXPECT_EQ(Told("rule"), "959100");
  EXPECT_EQ(respond("", html), passed);
  EXPECT_EQ(respond("response { ignore_body: true }", html), passed);
  EXPECT_EQ(respond("response {}", {{"content-type", "image/png"}}), passed);
  EXPECT_EQ(
      respond("response { body_content_types: 'image/png' }", {{"content-type", "image/png"}}),
      "403 Forbidden");
  EXPECT_EQ(respond("response {}", {{"content-type", "text/html"}, {"content-encoding", "gzip"}}),
            passed);
  EXPECT_EQ(respond("response { body_limit_bytes { value: 10 } }", html), "500 ");
  EXPECT_EQ(
      respond("response { body_limit_bytes { value: 10 } over_limit: PROCESS_PARTIAL }", html),
      passed);
}

// Who asks for a coding would else get what the rules keep in.
TEST_F(WafTest, OriginsAreNotAskedToHideBodies) {
  const auto origin_sees = [&](const std::string& more) {
    Fields fields = kOrdinary;
    fields.emplace_back("accept-encoding", "gzip");
    FilterHarness& stream = Begin(kBlock + more, {"GET", "/", fields});
    stream.request.framing = {};
    stream.SendRequest(true);
    EXPECT_EQ(Ask(stream), "passed");
    return Value(stream.request.headers, "accept-encoding");
  };
  EXPECT_EQ(origin_sees("response {}"), "-");
  EXPECT_EQ(origin_sees("response { ignore_body: true }"), "gzip");
  EXPECT_EQ(origin_sees(""), "gzip");
}

std::string Gzip(const std::string& text) {
  buffer::Buffer in, out;
  in.Append(text);
  EXPECT_TRUE(compression::MakeEncoder(compression::GzipSettings())
                  ->Encode(in, compression::Flush::kEnd, out));
  return out.ToString();
}

// A decompressor nearer to who sends a message shows what the other end will see.
TEST_F(WafTest, CodedBodiesAreInspectedBehindADecompressor) {
  using Reverse = envoy::extensions::filters::http::decompressor::v3::Decompressor;
  const auto decompressor = Pack<Reverse>(
      "decompressor_library { name: 'g' typed_config { "
      "[type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip] {} } }");
  const auto make = [&](std::vector<google::protobuf::Any> filters, const Fields& more) {
    filter::FilterFactories factories;
    for (const auto& config : filters) {
      auto factory = MakeFactory(config);
      const_cast<filter::FilterFactory&>(*factory).index = static_cast<uint32_t>(factories.size());
      factories.push_back(std::move(factory));
    }
    stream_ = std::make_unique<FilterHarness>(factories, [&](filter::StreamContext& stream) {
      Fields fields = kOrdinary;
      fields.insert(fields.end(), more.begin(), more.end());
      FillRequest({"POST", "/form", fields}, stream.request, stream.arena);
    });
  };
  const auto post = [&](const std::string& config, const std::string& body) {
    make({decompressor, Pack<v3::Waf>(config)},
         {{"content-type", "application/x-www-form-urlencoded"}, {"content-encoding", "gzip"}});
    stream_->SendRequest(false);
    stream_->SendRequestBody(body.substr(0, 12), false);
    stream_->SendRequestBody(body.substr(12), true);
    return Ask(*stream_);
  };
  const std::string attack = "a=1&b=1%27+or+%271%27%3D%271";
  EXPECT_EQ(post(kBlock, Gzip(attack)), "403 Forbidden");
  EXPECT_EQ(Told("rules"), "[942100,949110]");
  EXPECT_EQ(post(kBlock, Gzip("a=hello")), "passed");
  EXPECT_EQ(stream_->request_out.body.ToString(), "a=hello");
  EXPECT_EQ(post(kBlock, "no gzip at all"), "400 Bad Request");
  // The limit is for what is inspected; what passes on behind it is decoded all the same.
  const std::string limit = "request { body_limit_bytes { value: 60 } ";
  const std::string late = absl::StrCat("a=", std::string(500, 'x'), "&b=2");
  EXPECT_EQ(post(kBlock + limit + "}", Gzip(late)), "413 ");
  EXPECT_EQ(post(kBlock + limit + "over_limit: PROCESS_PARTIAL }", Gzip(late)), "passed");
  EXPECT_TRUE(stream_->Until([this] { return stream_->request_out.end; }));
  EXPECT_EQ(stream_->request_out.body.ToString(), late);

  make({Pack<v3::Waf>(kBlock + std::string("response {}")), decompressor}, {});
  stream_->SendRequest(true);
  EXPECT_EQ(Ask(*stream_), "passed");
  stream_->response.headers.Add("content-type", "text/html");
  stream_->response.headers.Add("content-encoding", "gzip");
  stream_->response.framing = {proxenos::http::Framing::kChunked, 0};
  stream_->SendResponse(
      200,
      Gzip("You have an error in your SQL syntax; check the manual that corresponds to your MySQL"),
      true);
  stream_->Until([this] { return stream_->response_out.end; });
  EXPECT_EQ(ResponseText(*stream_), "403 Forbidden");
}

TEST_F(WafTest, RoutesDecide) {
  EXPECT_EQ(Get(kBlock, kInjection, "disabled: true"), "passed");
  EXPECT_EQ(stream_->Stat("http.test.waf.inspected"), 0u);
  EXPECT_EQ(Get(kBlock, kInjection, "overrides { mode: DETECT }"), "passed");
  EXPECT_EQ(Get("mode: DETECT rules { core_rule_set {} }", kInjection, "overrides { mode: BLOCK }"),
            "403 Forbidden");
  EXPECT_EQ(Get(kBlock, kInjection,
                "overrides { rules { core_rule_set {} exclusions { rule_ids: 942100 } } }"),
            "passed");
  EXPECT_EQ(Get(kBlock, kInjection, "overrides { skip_response: true }"), "403 Forbidden");
}

TEST_F(WafTest, WrongConfigurationIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"rules { core_rule_set {} }", "f.mode: expected DETECT or BLOCK"},
      {"mode: BLOCK", "f.rules: expected rules"},
      {"mode: BLOCK rules { after { text: 'SecRule ARGS \"@rx (\" \"id:1\"' } }",
       "f.rules: f.rules.after[0].text: line 1: regular expression"},
      {"mode: BLOCK rules { core_rule_set {} } pool { threads { value: 65 } }",
       "f.pool.threads: value 65: expected 1 to 64"},
      {"mode: BLOCK rules { core_rule_set {} } pool { deadline {} }",
       "f.pool.deadline: expected a millisecond or more"},
      {"mode: BLOCK rules { core_rule_set {} } failure_policy { status { value: 200 } }",
       "f.failure_policy.status: value 200: expected 400 to 599"},
      {"mode: BLOCK rules { core_rule_set {} } request { body_limit_bytes { value: 99999999 } }",
       "f.request.body_limit_bytes: value 99999999: expected 1 to 16777216"},
      {"mode: BLOCK rules { core_rule_set {} } response { body_content_types: 'html' }",
       "f.response.body_content_types[0]"},
      {"mode: BLOCK rules { core_rule_set {} } audit_log {}", "f.audit_log.path: expected a file"},
  };
  for (const auto& [text, wrong] : cases) {
    config::Errors errors;
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != "proxenos.filters.http.waf.v3.Waf") continue;
      EXPECT_EQ(kind.create(Pack<v3::Waf>(text), config::Path("f"), errors), nullptr) << text;
    }
    EXPECT_TRUE(absl::StrContains(errors.ToStatus().message(), wrong))
        << errors.ToStatus() << " instead of " << wrong;
  }
}

}  // namespace
}  // namespace proxenos::filters
