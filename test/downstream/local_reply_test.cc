// Local replies as local_reply_config words them: in which order, with which fields, to whom; and
// what of its configuration is wrong.
#include "source/downstream/local_reply.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/local_reply_config.h"
#include "source/downstream/origin_rules.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using testing::Peer;
using testing::ProxyLoop;

constexpr char kAll[] = "filter: {not_health_check_filter: {}}";

std::shared_ptr<const LocalReplies> Compile(const std::string& yaml, std::string* error = nullptr) {
  envoy::extensions::filters::network::http_connection_manager::v3::LocalReplyConfig proto;
  config::Errors errors;
  config::ParseYaml(yaml, proto, errors, config::Path());
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  auto rules = CompileLocalReplies(proto, config::Path().Field("local_reply_config"), errors);
  if (error != nullptr) {
    *error = std::string(errors.ToStatus().message());
  } else {
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  }
  return rules;
}

std::string Mapper(const std::string& fields) {
  return absl::StrCat("{mappers: [{", kAll, ", ", fields, "}]}");
}

class LocalReplyTest : public ::testing::Test {
 protected:
  // The whole answer, once it has ended with the connection.
  std::string Answer(const std::string& request) {
    Peer client = proxy_.Connect();
    client.Send(request);
    EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
    return client.Received();
  }
  // Of a request that /direct ("direct", 200) answers, or nothing (404, empty).
  std::string Get(const std::string& path, const std::string& fields = "",
                  const std::string& method = "GET") {
    return Answer(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
                               fields, "\r\n"));
  }
  void Start(const std::string& yaml) {
    OriginRules rules;
    rules.local_replies = Compile(yaml);
    proxy_.http.origin = std::make_shared<const OriginRules>(std::move(rules));
    proxy_.routes =
        "virtual_hosts { name: 'v' domains: '*'"
        "  routes { match { path: '/direct' }"
        "           direct_response { status: 200 body { inline_string: 'direct' } } }"
        "  routes { match { path: '/typed' }"
        "           response_headers_to_add { header { key: 'content-type' value: 'x/y' } }"
        "           direct_response { status: 200 body { inline_string: 'direct' } } }"
        "  routes { match { path: '/origin' } route { cluster: 'origin' } } }";
    proxy_.Start();
  }
  static std::string Body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }
  static bool Has(const std::string& answer, const std::string& line) {
    return answer.find("\r\n" + line + "\r\n") != std::string::npos;
  }

  ProxyLoop proxy_;
};

TEST_F(LocalReplyTest, StatusBodyAndFields) {
  Start(
      Mapper("status_code: 418, body: {inline_string: tea}, headers_to_add: ["
             "{header: {key: x-was, value: '%RESPONSE_CODE%/%RESPONSE_CODE_DETAILS%'}}, "
             "{header: {key: x-body, value: '%LOCAL_REPLY_BODY%'}}]"));
  const std::string answer = Get("/none");
  EXPECT_EQ(answer.substr(0, 13), "HTTP/1.1 418 ");
  EXPECT_EQ(Body(answer), "tea");
  EXPECT_TRUE(Has(answer, "content-length: 3")) << answer;
  EXPECT_TRUE(Has(answer, "content-type: text/plain")) << answer;
  EXPECT_TRUE(Has(answer, "x-was: 404/route_not_found")) << answer;
  EXPECT_EQ(answer.find("x-body"), std::string::npos);
  EXPECT_EQ(proxy_.http_stats().downstream_rq_4xx.value(), 1u);
}

TEST_F(LocalReplyTest, TheFirstMapperThatTakesItIsTheOnlyOne) {
  Start(
      "{mappers: [{filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 404, "
      "runtime_key: x}}}}, body: {inline_string: none}}, "
      "{filter: {not_health_check_filter: {}}, body: {inline_string: some}}], "
      "body_format: {text_format_source: {inline_string: '<%LOCAL_REPLY_BODY%>'}}}");
  EXPECT_EQ(Body(Get("/none")), "<none>");
  EXPECT_EQ(Body(Get("/direct")), "<some>");
}

// A page has more than one line; what clients send stays on one.
TEST_F(LocalReplyTest, AFormatLeavesTheLinesOfABody) {
  Start(
      "{mappers: [{filter: {not_health_check_filter: {}}, body: {inline_string: \"a\\nb\\t\"}}], "
      "body_format: {text_format_source: {inline_string: \"<%LOCAL_REPLY_BODY%>\\n%REQ(X-A)%\"}}}");
  EXPECT_EQ(Body(Get("/none", "X-A: 1\t2\r\n")), "<a\nb\t>\n1\t2");
}

TEST_F(LocalReplyTest, FormatOfAllAndOfAMapper) {
  Start(
      "{mappers: [{filter: {header_filter: {header: {name: x-a, present_match: true}}}, "
      "body_format_override: {text_format: 'own %RESPONSE_CODE%', content_type: a/b}}], "
      "body_format: {json_format: {code: '%RESPONSE_CODE%', said: '%LOCAL_REPLY_BODY%'}}}");
  std::string answer = Get("/direct");
  EXPECT_EQ(Body(answer), "{\"code\":200,\"said\":\"direct\"}\n");
  EXPECT_TRUE(Has(answer, "content-type: application/json")) << answer;
  answer = Get("/direct", "X-A: 1\r\n");
  EXPECT_EQ(Body(answer), "own 200");
  EXPECT_TRUE(Has(answer, "content-type: a/b")) << answer;
  EXPECT_TRUE(Has(answer, "content-length: 7")) << answer;
}

TEST_F(LocalReplyTest, ContentTypeStaysWithItsText) {
  Start(
      "{mappers: [{filter: {header_filter: {header: {name: x-a, present_match: true}}}, "
      "body: {inline_string: other}}, "
      "{filter: {header_filter: {header: {name: x-b, present_match: true}}}, headers_to_add: ["
      "{header: {key: content-type, value: text/html}, append_action: "
      "OVERWRITE_IF_EXISTS_OR_ADD}]}, "
      "{filter: {header_filter: {header: {name: x-c, present_match: true}}}, headers_to_add: ["
      "{header: {key: content-type, value: text/html}}]}]}");
  EXPECT_TRUE(Has(Get("/typed"), "content-type: x/y"));
  EXPECT_TRUE(Has(Get("/typed", "X-A: 1\r\n"), "content-type: text/plain"));
  EXPECT_TRUE(Has(Get("/typed", "X-B: 1\r\n"), "content-type: text/html"));
  EXPECT_TRUE(Has(Get("/typed", "X-C: 1\r\n"), "content-type: x/y,text/html"));
  EXPECT_TRUE(Has(Get("/direct", "X-C: 1\r\n"), "content-type: text/html"));
  EXPECT_EQ(Get("/none", "X-C: 1\r\n").find("content-type"), std::string::npos);
}

TEST_F(LocalReplyTest, NoBody) {
  Start(Mapper("body: {inline_string: ''}"));
  const std::string answer = Get("/direct");
  EXPECT_TRUE(Has(answer, "content-length: 0")) << answer;
  EXPECT_EQ(answer.find("content-type"), std::string::npos);
  EXPECT_EQ(Body(answer), "");
}

TEST_F(LocalReplyTest, AStatusThatHasNoContent) {
  Start(Mapper("status_code: 204"));
  const std::string answer = Get("/direct");
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 204");
  EXPECT_EQ(answer.find("content-length"), std::string::npos);
  EXPECT_EQ(Body(answer), "");
}

TEST_F(LocalReplyTest, ToHead) {
  Start(Mapper("body: {inline_string: four}"));
  const std::string answer = Get("/direct", "", "HEAD");
  EXPECT_TRUE(Has(answer, "content-length: 4")) << answer;
  EXPECT_EQ(Body(answer), "");
}

TEST_F(LocalReplyTest, ToGrpc) {
  Start(
      "{mappers: [{filter: {header_filter: {header: {name: x-a, present_match: true}}}, "
      "status_code: 503, body: {inline_string: 'no %'}, headers_to_add: ["
      "{header: {key: content-type, value: text/html}}, "
      "{header: {key: x-was, value: '%RESPONSE_CODE%'}}]}, "
      "{filter: {header_filter: {header: {name: x-b, present_match: true}}}, "
      "body_format_override: {json_format: {c: '%RESPONSE_CODE%'}}}]}");
  const std::string kGrpc = "Content-Type: application/grpc\r\n";
  std::string answer = Get("/none", kGrpc);
  EXPECT_TRUE(Has(answer, "grpc-status: 12")) << answer;
  EXPECT_EQ(answer.find("grpc-message"), std::string::npos);
  answer = Get("/none", kGrpc + "X-A: 1\r\n");
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 200");
  EXPECT_TRUE(Has(answer, "grpc-status: 14")) << answer;
  EXPECT_TRUE(Has(answer, "grpc-message: no %25")) << answer;
  EXPECT_TRUE(Has(answer, "content-type: application/grpc")) << answer;
  EXPECT_TRUE(Has(answer, "x-was: 404")) << answer;
  answer = Get("/none", kGrpc + "X-B: 1\r\n");
  EXPECT_TRUE(Has(answer, "grpc-message: {\"c\":404}")) << answer;
}

TEST_F(LocalReplyTest, ToWhatIsNoRequest) {
  Start(Mapper("body_format_override: {text_format: '[%LOCAL_REPLY_BODY%] %REQ(:path)%'}"));
  const std::string answer = Answer("GET / HTTP/1.1\r\nHo st: a\r\n\r\n");
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(Body(answer), "[Bad Request] -");
}

TEST_F(LocalReplyTest, OfTheRouterAndNotOfTheOrigin) {
  Start(Mapper("body: {inline_string: ours}"));
  Peer client = proxy_.Connect();
  client.Send("GET /origin HTTP/1.1\r\nHost: a\r\n\r\n");
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
  origin.Send("HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\ntheirs");
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("theirs"); }));
  client.Forget();
  proxy_.StopOrigin();
  origin.Close();
  proxy_.Settle();
  client.Send("GET /origin HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(proxy_.Until([&] { return client.Got("ours"); })) << client.Received();
  EXPECT_TRUE(client.Got("HTTP/1.1 503")) << client.Received();
}

TEST(LocalReplyConfigTest, WhatIsWrongIsNamed) {
  const struct {
    std::string yaml, error;
  } kCases[] = {
      {Mapper("body: {filename: /no/such}"), "local_reply_config.mappers[0].body"},
      {Mapper("body_format_override: {text_format: '%NOPE%'}"),
       "local_reply_config.mappers[0].body_format_override.text_format"},
      {Mapper("headers_to_add: [{header: {key: a, value: '%NOPE%'}}]"),
       "local_reply_config.mappers[0].headers_to_add[0].header.value"},
      {Mapper("headers_to_add: [{header: {key: ':status', value: '200'}}]"),
       "local_reply_config.mappers[0].headers_to_add[0].header"},
      {"{body_format: {json_format: {a: '%NOPE%'}}}", "local_reply_config.body_format.json_format"},
      {"{mappers: [{filter: {header_filter: {header: {name: a, string_match: {safe_regex: {regex: "
       "'(('}}}}}}]}",
       "local_reply_config.mappers[0].filter"},
  };
  for (const auto& each : kCases) {
    std::string error;
    Compile(each.yaml, &error);
    EXPECT_NE(error.find(each.error), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace proxenos::downstream
