// Rules from their configuration, compiled and asked: the Core Rule Set by its typed fields,
// SecLang of one's own, exclusions, what is shared, and what is refused.
#include "source/waf/rules_config.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace proxenos::waf {
namespace {

using v3Rules = ::proxenos::filters::http::waf::v3::Rules;
using Action = Intervention::Action;

v3Rules Parse(const std::string& text) {
  v3Rules proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

std::shared_ptr<const RuleSet> Compile(const std::string& text) {
  config::Errors errors;
  auto rules = CompileRules(Parse(text), config::Path("rules"), errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return rules;
}

std::string Refused(const std::string& text) {
  config::Errors errors;
  EXPECT_EQ(CompileRules(Parse(text), config::Path("rules"), errors), nullptr) << text;
  return std::string(errors.ToStatus().message());
}

RequestFacts Get(const std::string& uri, FieldTexts more = {}) {
  RequestFacts request;
  request.client = {"192.0.2.7", 4711};
  request.server = {"192.0.2.1", 443};
  request.method = "GET";
  request.uri = uri;
  request.version = "1.1";
  request.fields = {{"host", "example.com"}, {"user-agent", "Mozilla/5.0"}, {"accept", "*/*"}};
  for (auto& field : more) request.fields.push_back(std::move(field));
  return request;
}

RequestFacts Post(const std::string& type, const std::string& body) {
  RequestFacts request = Get("/form", {{"content-type", type}});
  request.method = "POST";
  request.fields.emplace_back("content-length", absl::StrCat(body.size()));
  request.body = body;
  return request;
}

Finding Ask(const RuleSet& rules, const RequestFacts& request, Mode mode = Mode::kBlock) {
  auto inspection = rules.Begin(mode, "1");
  Finding finding = inspection->InspectRequest(request);
  inspection->Finish();
  EXPECT_FALSE(finding.failed);
  return finding;
}

std::vector<int64_t> Ids(const Finding& finding) {
  std::vector<int64_t> ids;
  for (const RuleMatch& match : finding.matches) ids.push_back(match.rule);
  return ids;
}

std::string Rule(const std::string& text) { return absl::StrCat("after { text: '", text, "' } "); }

constexpr char kCore[] = "core_rule_set {} ";
constexpr char kInjection[] = "/?id=1'%20or%20'1'='1";

TEST(CoreRuleSetTest, BlocksByScore) {
  const auto rules = Compile(kCore);
  EXPECT_FALSE(rules->runs_inline());
  const Finding bad = Ask(*rules, Get(kInjection));
  EXPECT_EQ(bad.intervention.action, Action::kDeny);
  EXPECT_EQ(bad.intervention.status, 403);
  EXPECT_EQ(bad.intervention.rule, 949110);
  EXPECT_EQ(bad.inbound_score, 5);
  EXPECT_EQ(Ids(bad), (std::vector<int64_t>{942100, 949110}));
  EXPECT_EQ(bad.matches[0].phase, 2);
  EXPECT_EQ(bad.matches[0].severity, 2);
  EXPECT_TRUE(absl::StrContains(bad.matches[0].message, "SQL Injection"));
  EXPECT_TRUE(absl::StrContains(bad.matches[0].data, "ARGS:id"));
  EXPECT_TRUE(absl::StrContains(bad.matches[0].file, "REQUEST-942"));
  EXPECT_TRUE(bad.matches[1].disruptive);
  for (const RuleMatch& match : bad.matches) EXPECT_FALSE(match.tags.empty()) << match.rule;
  const Finding good = Ask(*rules, Get("/index.html?q=union+station"));
  EXPECT_EQ(good.intervention.action, Action::kNone);
  EXPECT_TRUE(good.matches.empty());
  EXPECT_EQ(good.inbound_score, 0);
}

TEST(CoreRuleSetTest, DetectionTellsTheSame) {
  const Finding bad = Ask(*Compile(kCore), Get(kInjection), Mode::kDetect);
  EXPECT_EQ(bad.intervention.action, Action::kNone);
  EXPECT_EQ(bad.inbound_score, 5);
  EXPECT_EQ(Ids(bad), (std::vector<int64_t>{942100, 949110}));
}

TEST(CoreRuleSetTest, BodiesOfEachKind) {
  const auto rules = Compile(kCore);
  const std::pair<std::string, std::string> bodies[] = {
      {"application/x-www-form-urlencoded", "a=1&b=1%27+or+%271%27%3D%271"},
      {"application/json", R"({"a":{"b":["x","1' or '1'='1"]}})"},
      {"application/vnd.api+json", R"({"a":"1' or '1'='1"})"},
      {"multipart/form-data; boundary=x",
       "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1' or '1'='1\r\n--x--\r\n"},
      {"text/xml", "<a><b>1' or '1'='1</b></a>"},
      {"text/xml", "<a><b c=\"1' or '1'='1\"/></a>"},
  };
  for (const auto& [type, body] : bodies) {
    const Finding finding = Ask(*rules, Post(type, body));
    EXPECT_EQ(finding.intervention.action, Action::kDeny) << type;
    EXPECT_FALSE(finding.matches.empty()) << type;
  }
  EXPECT_EQ(Ask(*rules, Post("application/json", R"({"a":"hello"})")).intervention.action,
            Action::kNone);
}

// Some origins take it for a form.
TEST(CoreRuleSetTest, ABodyWithoutATypeIsReadAsAForm) {
  const auto rules = Compile(kCore);
  const auto untyped = [](const std::string& body) {
    RequestFacts request = Get("/form");
    request.method = "POST";
    request.fields.emplace_back("content-length", absl::StrCat(body.size()));
    request.body = body;
    return request;
  };
  EXPECT_EQ(Ask(*rules, untyped("a=1&b=1%27+or+%271%27%3D%271")).intervention.action,
            Action::kDeny);
  EXPECT_EQ(Ask(*rules, untyped("a=1&b=2")).intervention.action, Action::kNone);
}

// What an entity stands for is the attack, or a file of the origin's.
TEST(CoreRuleSetTest, XmlHasNoDocumentType) {
  const auto rules = Compile(kCore);
  const auto ask = [&rules](const std::string& body) {
    const Finding finding = Ask(*rules, Post("application/xml", body));
    return finding.intervention.action == Action::kNone ? 200 : int{finding.intervention.status};
  };
  const std::string doctype = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
  const std::string utf16("\xff\xfe<\0a\0/\0>\0", 10);
  for (const std::string& body :
       {doctype, absl::StrCat("<?xml version='1.0'?>\n<!-- a-b -->\n", doctype),
        absl::StrCat("\xef\xbb\xbf", doctype),
        absl::StrCat("<!--", std::string(50'000, 'x'), "-->", doctype), utf16,
        std::string("<?xml version='1.0' encoding='utf-7'?><a/>")}) {
    EXPECT_EQ(ask(body), 400) << body.substr(0, 60);
  }
  for (const std::string body :
       {"", "<a>hello</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>",
        "<!-- <!DOCTYPE a> --><a/>", "<a>DOCTYPE a</a>",
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body id=\"x-1\"/>"
        "</s:Envelope>"}) {
    EXPECT_EQ(ask(body), 200) << body;
  }
  RequestFacts bodiless = Get("/", {{"content-type", "text/xml"}});
  EXPECT_EQ(Ask(*rules, bodiless).intervention.action, Action::kNone);
}

TEST(CoreRuleSetTest, BodiesMustBeWhatTheySay) {
  const auto rules = Compile(kCore);
  const std::pair<std::string, std::string> bodies[] = {
      {"application/json", "{\"a\":"},
      {"text/xml", "<a><b>"},
      {"multipart/form-data; boundary=x", "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n"},
  };
  for (const auto& [type, body] : bodies) {
    RequestFacts request = Post(type, body);
    const Finding finding = Ask(*rules, request);
    EXPECT_EQ(finding.intervention.action, Action::kDeny) << type;
    EXPECT_EQ(finding.intervention.status, 400) << type;
    request.partial = true;
    EXPECT_EQ(Ask(*rules, request).intervention.action, Action::kNone) << type;
  }
  RequestFacts cut = Post("application/json", R"({"a":"1' or '1'='1","b":")");
  cut.partial = true;
  EXPECT_EQ(Ask(*rules, cut).intervention.rule, 949110);
}

TEST(CoreRuleSetTest, TypedFields) {
  const auto lax = Compile("core_rule_set { inbound_anomaly_score_threshold { value: 100 } }");
  const Finding passed = Ask(*lax, Get(kInjection));
  EXPECT_EQ(passed.intervention.action, Action::kNone);
  EXPECT_EQ(passed.inbound_score, 5);
  const auto put = [](const RuleSet& rules) {
    RequestFacts request = Get("/");
    request.method = "PUT";
    request.fields.emplace_back("content-length", "0");
    return Ask(rules, request).intervention.action;
  };
  EXPECT_EQ(put(*Compile(kCore)), Action::kDeny);
  EXPECT_EQ(put(*Compile("core_rule_set { allowed_methods: 'GET' allowed_methods: 'PUT' }")),
            Action::kNone);
  const auto few = Compile("core_rule_set { max_num_args { value: 2 } }");
  EXPECT_EQ(Ask(*few, Get("/?a=1&b=2&c=3")).intervention.action, Action::kDeny);
  const auto header = Compile("core_rule_set { restricted_headers: 'x-secret' }");
  EXPECT_EQ(Ask(*header, Get("/", {{"x-secret", "1"}})).intervention.action, Action::kDeny);
  const auto file = Compile("core_rule_set { restricted_extensions: '.txt' }");
  EXPECT_EQ(Ask(*file, Get("/a.txt")).intervention.action, Action::kDeny);
  EXPECT_EQ(Ask(*file, Get("/a.bak")).intervention.action, Action::kNone);
}

TEST(CoreRuleSetTest, ParanoiaLevels) {
  // A query of digits and signs: only higher levels mind.
  const std::string odd = "/?a=%7B%22x%22%3A%5B%28%29%5D%7D%7E%7E%24%24%7B%7B";
  const Finding at1 = Ask(*Compile(kCore), Get(odd));
  const Finding at4 = Ask(*Compile("core_rule_set { paranoia_level { value: 4 } }"), Get(odd));
  EXPECT_EQ(at1.intervention.action, Action::kNone);
  EXPECT_EQ(at4.intervention.action, Action::kDeny);
  const Finding looks =
      Ask(*Compile("core_rule_set { detection_paranoia_level { value: 4 } }"), Get(odd));
  EXPECT_EQ(looks.intervention.action, Action::kNone);
  EXPECT_FALSE(looks.matches.empty());
}

TEST(CoreRuleSetTest, Responses) {
  const auto rules = Compile(kCore);
  auto inspection = rules->Begin(Mode::kBlock, "1");
  EXPECT_EQ(inspection->InspectRequest(Get("/")).intervention.action, Action::kNone);
  ResponseFacts response{200,
                         "HTTP/1.1",
                         {{"content-type", "text/html"}},
                         "You have an error in your SQL syntax; check the manual that corresponds "
                         "to your MySQL server version for the right syntax"};
  const Finding finding = inspection->InspectResponse(response);
  EXPECT_EQ(finding.intervention.action, Action::kDeny);
  EXPECT_GE(finding.outbound_score.value_or(0), 4);
  EXPECT_EQ(finding.matches.back().rule, 959100);
}

TEST(RulesTest, WhatRulesMayWant) {
  const auto rules = Compile(
      Rule("SecRule ARGS:a \"@streq deny\" \"id:1,phase:1,deny,status:429\"") +
      Rule("SecRule ARGS:a \"@streq go\" \"id:2,phase:1,redirect:https://x.example/%{ARGS.b}\"") +
      Rule("SecRule ARGS:a \"@streq drop\" \"id:3,phase:1,drop\"") +
      Rule("SecRule ARGS:a \"@streq pass\" \"id:4,phase:1,pass,log,msg:told\"") +
      Rule("SecRule ARGS:a \"@streq quiet\" \"id:5,phase:1,deny,nolog\""));
  const Finding deny = Ask(*rules, Get("/?a=deny"));
  EXPECT_EQ(deny.intervention.action, Action::kDeny);
  EXPECT_EQ(deny.intervention.status, 429);
  EXPECT_EQ(deny.intervention.rule, 1);
  const Finding go = Ask(*rules, Get("/?a=go&b=c"));
  EXPECT_EQ(go.intervention.action, Action::kRedirect);
  EXPECT_EQ(go.intervention.status, 302);
  EXPECT_EQ(go.intervention.location, "https://x.example/c");
  EXPECT_EQ(Ask(*rules, Get("/?a=drop")).intervention.action, Action::kDrop);
  const Finding pass = Ask(*rules, Get("/?a=pass"));
  EXPECT_EQ(pass.intervention.action, Action::kNone);
  EXPECT_EQ(Ids(pass), (std::vector<int64_t>{4}));
  EXPECT_EQ(pass.matches[0].message, "told");
  EXPECT_EQ(Ask(*rules, Get("/?a=quiet")).intervention.action, Action::kDeny);
}

TEST(RulesTest, FactsReachTheirVariables) {
  const auto holds = [](const std::string& variable, const std::string& value) {
    const auto rules =
        Compile(Rule(absl::StrCat("SecRule ", variable, " \"@streq ", value, "\" \"id:1,deny\"")));
    RequestFacts request = Get("/a%20b/../c?x=%31", {{"cookie", "k=v"}});
    request.method = "QUERY";
    request.version = "2.0";
    return Ask(*rules, request).intervention.action == Action::kDeny;
  };
  EXPECT_TRUE(holds("REMOTE_ADDR", "192.0.2.7"));
  EXPECT_TRUE(holds("REMOTE_PORT", "4711"));
  EXPECT_TRUE(holds("SERVER_ADDR", "192.0.2.1"));
  EXPECT_TRUE(holds("SERVER_PORT", "443"));
  EXPECT_TRUE(holds("REQUEST_METHOD", "QUERY"));
  EXPECT_TRUE(holds("REQUEST_PROTOCOL", "HTTP/2.0"));
  EXPECT_TRUE(holds("REQUEST_URI_RAW", "/a%20b/../c?x=%31"));
  EXPECT_TRUE(holds("ARGS:x", "1"));
  EXPECT_TRUE(holds("REQUEST_HEADERS:Host", "example.com"));
  EXPECT_TRUE(holds("REQUEST_COOKIES:k", "v"));
}

TEST(RulesTest, ArgumentsBeyondThoseInspectedAreRefused) {
  const auto rules = Compile(Rule("SecRule ARGS \"@streq bad\" \"id:1,deny\""));
  std::string uri = "/?a=1";
  for (int i = 0; i < 1000; ++i) uri += "&a=1";
  const Finding finding = Ask(*rules, Get(uri + "&b=bad"));
  EXPECT_EQ(finding.intervention.action, Action::kDeny);
  EXPECT_EQ(finding.intervention.status, 400);
}

TEST(ExclusionTest, ByIdTagTargetAndPath) {
  const auto passes = [](const std::string& exclusions, const std::string& uri) {
    return Ask(*Compile(kCore + exclusions), Get(uri)).intervention.action == Action::kNone;
  };
  const std::string other = "/other?id=1'%20or%20'1'='1";
  const std::string name = "/other?name=1'%20or%20'1'='1";
  EXPECT_TRUE(passes("exclusions { rule_ids: 942100 }", other));
  EXPECT_TRUE(passes("exclusions { rule_tags: 'attack-sqli' }", other));
  EXPECT_FALSE(passes("exclusions { rule_ids: 941100 }", other));
  const std::string target = "exclusions { rule_tags: 'OWASP_CRS' targets: 'ARGS:id' }";
  EXPECT_TRUE(passes(target, other));
  EXPECT_FALSE(passes(target, name));
  EXPECT_TRUE(passes("exclusions { rule_ids: 942100 targets: 'ARGS:id' }", other));
  EXPECT_FALSE(passes("exclusions { rule_ids: 942100 targets: 'ARGS:id' }", name));
  const std::string by_path = "exclusions { rule_ids: 942100 path { prefix: '/upload/' } }";
  const std::string injection = "?id=1'%20or%20'1'='1";
  EXPECT_TRUE(passes(by_path, "/upload/x" + injection));
  EXPECT_TRUE(passes(by_path, "/%75pload/x" + injection));
  EXPECT_FALSE(passes(by_path, "/other" + injection));
  const std::string exact =
      "exclusions { rule_tags: 'OWASP_CRS' targets: 'ARGS:id' path { exact: '/form' } }";
  EXPECT_TRUE(passes(exact, "/form" + injection));
  EXPECT_FALSE(passes(exact, "/form/x" + injection));
  EXPECT_FALSE(passes(exact, "/form?name=1'%20or%20'1'='1"));
}

TEST(ExclusionTest, DotSegmentsEarnNone) {
  // Its own rule tells whether 942100 was looked at.
  const auto rules =
      Compile(std::string(kCore) + "exclusions { rule_ids: 942100 path { prefix: '/upload/' } }");
  for (const char* path : {"/upload/../admin", "/upload/%2e%2e/admin", "/upload/..%2fadmin",
                           "/upload/%252e%252e/admin", "/upload/..%5cadmin"}) {
    const Finding finding = Ask(*rules, Get(absl::StrCat(path, "?id=1'%20or%20'1'='1")));
    const std::vector<int64_t> ids = Ids(finding);
    EXPECT_NE(std::find(ids.begin(), ids.end(), 942100), ids.end()) << path;
  }
}

TEST(SharingTest, EqualRulesAreCompiledOnce) {
  const auto one = Compile(kCore);
  EXPECT_EQ(one, Compile(kCore));
  EXPECT_NE(one, Compile("core_rule_set { paranoia_level { value: 2 } }"));
}

TEST(RefusalTest, NamesTheRule) {
  EXPECT_EQ(Refused(""), "rules: expected rules: core_rule_set, before or after");
  EXPECT_EQ(Refused("before {}"), "rules.before[0]: expected text or file");
  EXPECT_EQ(Refused(Rule("\\nSecRule ARGS \"@rx (\" \"id:1\"")),
            "rules: rules.after[0].text: line 2: regular expression: missing closing parenthesis "
            "at character 1");
  EXPECT_EQ(Refused(Rule("\\nSecRule ARGS \"@rx a\" \"id:1,foo:bar\"")),
            "rules: rules.after[0].text: line 2: Expecting an action, got:  foo:bar\"");
  EXPECT_EQ(Refused("after { file: '/nowhere/x.conf' }"),
            "rules.after[0].file: '/nowhere/x.conf' cannot be read: No such file or directory");
  EXPECT_TRUE(absl::StrContains(Refused("core_rule_set { folder: '/nowhere' }"),
                                "rules.core_rule_set.folder: no rules in '/nowhere': install"));
  EXPECT_TRUE(absl::StrContains(Refused("core_rule_set { paranoia_level { value: 5 } }"),
                                "rules.core_rule_set.paranoia_level: value 5: expected 1 to 4"));
  EXPECT_TRUE(absl::StrContains(Refused(Rule("SecRule ARGS \"@pmFromFile x.data\" \"id:1\"")),
                                "line 1: 'x.data': expected a file's absolute name"));
  for (const char* bad :
       {"exclusions { targets: 'ARGS' }", "exclusions { rule_tags: 'a\"b' }",
        "exclusions { rule_ids: 1 targets: 'ARGS:a,b' }", "exclusions { rule_ids: 1 path {} }",
        "exclusions { rule_ids: 1 path { prefix: '/a\"' } }",
        "exclusions { rule_ids: 1 path { prefix: 'a' } }"}) {
    EXPECT_TRUE(absl::StrContains(Refused(std::string(kCore) + bad), "rules.exclusions[0]")) << bad;
  }
  EXPECT_TRUE(absl::StrContains(Refused("core_rule_set { allowed_methods: \"GET'\" }"),
                                "rules.core_rule_set.allowed_methods: value"));
}

}  // namespace
}  // namespace proxenos::waf
