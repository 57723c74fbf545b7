// The line of an audit event, and that nothing secret is in it.
#include "source/waf/audit_event.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/json/parse.h"

namespace proxenos::waf {
namespace {

AuditEvent Event() {
  AuditEvent event;
  event.time = int64_t{1'700'000'000} * base::kSecond;
  event.transaction = "0123456789abcdef";
  event.outcome = "blocked";
  event.client = {"192.0.2.7", 4711};
  event.server = {"192.0.2.1", 443};
  event.method = "GET";
  event.uri = "/a?b=c";
  event.version = "1.1";
  event.route = "r";
  event.status = 403;
  event.rule = 949110;
  event.inbound_score = 5;
  RuleMatch match;
  match.rule = 942100;
  match.phase = 2;
  match.severity = 2;
  match.message = "SQL";
  match.data = "Matched Data: x found within ARGS:id: x";
  match.tags = {"attack-sqli"};
  match.file = "f.conf";
  match.line = 7;
  event.matches.push_back(std::move(match));
  return event;
}

TEST(AuditEventTest, OneLineOfJson) {
  AuditEvent event = Event();
  event.request_fields = {{"host", "h"}, {"x-a", "1"}, {"x-a", "2"}};
  EXPECT_EQ(
      ToJsonLine(event, Redaction()),
      R"({"client":{"address":"192.0.2.7","port":4711},"inbound_score":5,"matches":[)"
      R"({"data":"Matched Data: x found within ARGS:id: x","file":"f.conf","id":942100,"line":7,)"
      R"("message":"SQL","phase":2,"severity":2,"tags":["attack-sqli"]}],"mode":"block",)"
      R"("outcome":"blocked","request":{"headers":{"host":"h","x-a":["1","2"]},"method":"GET",)"
      R"("uri":"/a?b=c","version":"1.1"},"route":"r","rule":949110,)"
      R"("server":{"address":"192.0.2.1","port":443},"status":403,)"
      R"("time":"2023-11-14T22:13:20+00:00","transaction":"0123456789abcdef"})"
      "\n");
}

TEST(AuditEventTest, SecretsStayOut) {
  Redaction redaction;
  redaction.headers.insert("x-key");
  redaction.arguments.insert("password");
  AuditEvent event = Event();
  event.uri = "/a?user=u&pass%77ord=secret1&password=secret1&x";
  event.request_fields = {
      {"authorization", "secret1"}, {"cookie", "secret1"}, {"x-key", "secret1"}};
  for (const char* data : {"secret1 found within REQUEST_COOKIES:session: secret1",
                           "secret1 found within REQUEST_HEADERS:Authorization: secret1",
                           "secret1 found within ARGS:password: secret1",
                           "secret1 found within ARGS:json.user.password: secret1",
                           "secret1 found within REQUEST_HEADERS:X-Key: secret1",
                           "secret1 found within QUERY_STRING: password=secret1"}) {
    event.matches[0].data = data;
    event.matches[0].message = data;
    const std::string line = ToJsonLine(event, redaction);
    EXPECT_FALSE(absl::StrContains(line, "secret1")) << line;
    EXPECT_TRUE(absl::StrContains(line, "user=u&")) << line;
  }
  event.matches[0].data = "harmless";
  redaction.omit_matched_data = true;
  EXPECT_FALSE(absl::StrContains(ToJsonLine(event, redaction), "harmless"));
}

TEST(AuditEventTest, StrangersTextsAreBoundedAndEscaped) {
  AuditEvent event = Event();
  event.uri = absl::StrCat("/\"\n\xff", std::string(100'000, 'a'));
  event.request_fields = {{"x", std::string(100'000, 'b')}};
  const std::string line = ToJsonLine(event, Redaction());
  EXPECT_LT(line.size(), 10'000u);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(json::Parse(line.substr(0, line.size() - 1)).has_value());
}

}  // namespace
}  // namespace proxenos::waf
