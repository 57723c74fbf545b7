// Text formats: testdata/operators.txt holds formats and the lines they make of StreamFixture's
// request; below are the cases that need another request, and all errors.
#include "source/access_log/formatter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "source/filter/tls_fingerprints.h"
#include "test/access_log/stream_fixture.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::access_log {
namespace {

using ::testing::HasSubstr;

std::string Line(absl::string_view format, const FormatInput& input, bool omit_empty = false) {
  absl::StatusOr<Formatter> formatter = Formatter::Compile(format, {omit_empty, {}});
  if (!formatter.ok()) return "ERROR " + std::string(formatter.status().message());
  std::string line;
  formatter->Format(input, line);
  return line;
}

TEST(FormatterTest, GoldenLines) {
  std::ifstream file("test/access_log/testdata/operators.txt");
  ASSERT_TRUE(file);
  const StreamFixture fixture;
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    const size_t arrow = line.find(" => ");
    ASSERT_NE(arrow, std::string::npos) << line;
    EXPECT_EQ(Line(line.substr(0, arrow), fixture.Input()), line.substr(arrow + 4)) << line;
    ++cases;
  }
  EXPECT_GT(cases, 80);
}

TEST(FormatterTest, DefaultFormat) {
  const StreamFixture fixture;
  EXPECT_EQ(Line(kDefaultFormat, fixture.Input()),
            "[2026-11-22T04:11:41.173Z] \"POST /a/b?x=1%202&y=abc&x=3 HTTP/1.1\" 200 - 5 1024 15 7 "
            "\"192.0.2.7\" \"curl/8\" \"98b6f364-97f1-46bc-9596-df080124d1ad\" \"h.example\" "
            "\"10.1.0.2:80\"\n");
}

// Of a request that failed before anything was known about it.
TEST(FormatterTest, AbsentValues) {
  filter::StreamInfo stream;
  const FormatInput input{&stream, nullptr, nullptr, nullptr, ""};
  EXPECT_EQ(Line("%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESP(X)% %TRAILER(X)% %DURATION% "
                 "%UPSTREAM_HOST% %UPSTREAM_LOCAL_PORT% %DOWNSTREAM_REMOTE_ADDRESS% %ROUTE_NAME% "
                 "%RESPONSE_FLAGS% %CONNECTION_ID% %PATH% %QUERY_PARAM(a)% %GRPC_STATUS% "
                 "%REQUESTED_SERVER_NAME%",
                 input),
            "- - 0 - - - - - - - - 0 - - - -");
  EXPECT_EQ(Line("[%REQ(X)%][%RESPONSE_FLAGS%][%UPSTREAM_HOST%]", input, true), "[][-][]");
}

TEST(FormatterTest, Flags) {
  StreamFixture fixture;
  fixture.stream.flags = filter::kUpstreamConnectionFailure | filter::kUpstreamRetryLimitExceeded;
  EXPECT_EQ(Line("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", fixture.Input()),
            "URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure");
}

TEST(FormatterTest, OriginalPathComesFromHeaderOrStream) {
  StreamFixture fixture;
  fixture.stream.original_path = "/before?q";
  EXPECT_EQ(Line("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PATH(NQ)% %PATH(WQ:PATH)%", fixture.Input()),
            "/before?q /before /a/b?x=1%202&y=abc&x=3");
  fixture.request.headers.Add("x-envoy-original-path", "/header");
  EXPECT_EQ(Line("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PATH(NQ:ORIG)%", fixture.Input()),
            "/header /header");
}

// A peer can put no line of its own into a log.
TEST(FormatterTest, ControlCharactersAreEscaped) {
  StreamFixture fixture;
  fixture.request.path = "/?q=a%0a%00b%7f%c3%a9%";
  fixture.stream.details = "two words\r\n";
  EXPECT_EQ(Line("%QUERY_PARAM(q)%|%RESPONSE_CODE_DETAILS%|%UPSTREAM_TRANSPORT_FAILURE_REASON%",
                 fixture.Input()),
            "a\\x0a\\x00b\\x7f\xc3\xa9%|two_words\\x0d\\x0a|-");
  EXPECT_EQ(Line("%QUERY_PARAM(q):1%", fixture.Input()), "a");
  // Told to those alone who write an answer of it: no log line has it.
  EXPECT_EQ(Line("%LOCAL_REPLY_BODY%", fixture.Input()), "body\n");
}

TEST(FormatterTest, DownstreamFailureIsOneWord) {
  StreamFixture fixture;
  fixture.connection.transport_failure = std::make_unique<const std::string>("no shared cipher\n");
  EXPECT_EQ(Line("%DOWNSTREAM_TRANSPORT_FAILURE_REASON%", fixture.Input()),
            "no_shared_cipher\\x0a");
}

TEST(FormatterTest, Environment) {
  const StreamFixture fixture;
  setenv("PROXENOS_FORMATTER_TEST", "value", 1);
  EXPECT_EQ(Line("%ENVIRONMENT(PROXENOS_FORMATTER_TEST)% %ENVIRONMENT(PROXENOS_FORMATTER_TEST):2% "
                 "%ENVIRONMENT(PROXENOS_NOT_SET)%",
                 fixture.Input()),
            "value va -");
}

TEST(FormatterTest, UnixAddresses) {
  StreamFixture fixture;
  fixture.connection.direct_remote = *net::Address::FromPath("@name");
  EXPECT_EQ(
      Line("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_PORT%", fixture.Input()),
      "@name -");
}

TEST(FormatterTest, GrpcStatus) {
  StreamFixture fixture;
  const char format[] = "%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%";
  EXPECT_EQ(Line(format, fixture.Input()), "- - -");  // Not a gRPC call.
  fixture.request.headers.Add("content-type", "application/grpc+proto");
  EXPECT_EQ(Line(format, fixture.Input()), "Unknown UNKNOWN 2");  // No grpc-status came.
  fixture.trailers.Add("grpc-status", "5");
  EXPECT_EQ(Line(format, fixture.Input()), "NotFound NOT_FOUND 5");
  fixture.trailers.Set("grpc-status", "77");
  EXPECT_EQ(Line(format, fixture.Input()), "77 77 77");
}

TEST(FormatterTest, ReqWithoutQueryIsAnExtension) {
  const StreamFixture fixture;
  EXPECT_THAT(Line("%REQ_WITHOUT_QUERY(:PATH)%", fixture.Input()), HasSubstr("no such"));
  Formatter::Options options;
  options.extensions.req_without_query = true;
  absl::StatusOr<Formatter> formatter = Formatter::Compile("%REQ_WITHOUT_QUERY(:PATH):3%", options);
  ASSERT_TRUE(formatter.ok());
  std::string line;
  formatter->Format(fixture.Input(), line);
  EXPECT_EQ(line, "/a/");
}

TEST(FormatterTest, UniqueIdsDiffer) {
  const StreamFixture fixture;
  const std::string ids = Line("%UNIQUE_ID%%UNIQUE_ID%", fixture.Input());
  ASSERT_EQ(ids.size(), 72u);
  EXPECT_NE(ids.substr(0, 36), ids.substr(36));
  for (const size_t hyphen : {8, 13, 18, 23}) EXPECT_EQ(ids[hyphen], '-');
  EXPECT_EQ(ids[14], '4');
}

TEST(FormatterTest, ServerNameFallsBack) {
  StreamFixture fixture;
  fixture.connection.requested_server_name = "";
  EXPECT_EQ(Line("%REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(SNI_FIRST)%", fixture.Input()),
            "- h.example");
  fixture.request.headers.Add("x-envoy-original-host", "before.example");
  EXPECT_EQ(Line("%REQUESTED_SERVER_NAME(SNI_FIRST)% %REQUESTED_SERVER_NAME(SNI_FIRST:HOST)% "
                 "%REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)%",
                 fixture.Input()),
            "before.example h.example before.example");
}

TEST(FormatterTest, HostNamesWithoutPort) {
  StreamFixture fixture;
  const std::pair<const char*, const char*> kCases[] = {
      {"a.example:80", "a.example"},
      {"a.example", "a.example"},
      {"[::1]:80", "[::1]"},
      {"::1", "::1"},
      {"", "10.1.0.2"},
  };
  for (const auto& [name, bare] : kCases) {
    fixture.stream.upstream_host_name = name;
    EXPECT_EQ(Line("%UPSTREAM_HOST_NAME_WITHOUT_PORT%", fixture.Input()), bare) << name;
  }
}

TEST(FormatterTest, EndpointsOfInternalAddresses) {
  StreamFixture fixture;
  fixture.connection.local = net::Address::Internal("inner", "e/1");
  fixture.stream.upstream_remote = net::Address::Internal("inner", "");
  EXPECT_EQ(Line("%DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID%|%UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID%",
                 fixture.Input()),
            "e/1|");
}

// What listener filters and the handshake leave with the connection.
TEST(FormatterTest, PartsOfTheConnection) {
  StreamFixture fixture;
  auto fingerprints = std::make_unique<filter::TlsFingerprints>();
  fingerprints->ja4 = "t13d";
  fixture.connection.parts.emplace_back(&filter::TlsFingerprints::kKeeper, std::move(fingerprints));
  const base::MonoTime begin = fixture.stream.start - 9 * base::kMillisecond;
  testing::FakeTlsSession tls;
  tls.SetHandshake(begin + 2 * base::kMillisecond, begin + 7 * base::kMillisecond);
  fixture.connection.begin = begin;
  fixture.connection.tls = &tls;
  EXPECT_EQ(Line("%TLS_JA3_FINGERPRINT% %TLS_JA4_FINGERPRINT% %DOWNSTREAM_HANDSHAKE_DURATION%",
                 fixture.Input()),
            "- t13d 7");
  EXPECT_EQ(Line("%COMMON_DURATION(DS_HS_BEG:DS_HS_END:us)% "
                 "%COMMON_DURATION(DS_CX_BEG:DS_RX_BEG)% %COMMON_DURATION(DS_HS_END:DS_TX_END)%",
                 fixture.Input()),
            "5000 9 15");
}

// A connection without HTTP begins and ends with its one stream.
TEST(FormatterTest, TimesOfConnectionsWithoutHttp) {
  StreamFixture fixture;
  FormatInput input = fixture.Input();
  input.request = nullptr;
  fixture.connection.begin = fixture.stream.start;
  EXPECT_EQ(Line("%COMMON_DURATION(DS_CX_BEG:DS_CX_END)% %DOWNSTREAM_HANDSHAKE_DURATION%", input),
            "15 -");
}

TEST(FormatterTest, FieldsOfFilterState) {
  StreamFixture fixture;
  fixture.stream.state.Set("auth",
                           R"({"latency_us":1200,"who":"me","deep":{"a":[1]},"none":null})");
  fixture.stream.state.Set("text", "no object");
  EXPECT_EQ(Line("%FILTER_STATE(auth:FIELD:latency_us)% %FILTER_STATE(auth:FIELD:who)% "
                 "%FILTER_STATE(auth:FIELD:deep)% %FILTER_STATE(auth:FIELD:who):1%",
                 fixture.Input()),
            R"(1200 me {"a":[1]} m)");
  EXPECT_EQ(Line("%FILTER_STATE(auth:FIELD:none)% %FILTER_STATE(auth:FIELD:other)% "
                 "%FILTER_STATE(text:FIELD:who)% %FILTER_STATE(other:FIELD:who)% "
                 "%UPSTREAM_FILTER_STATE(auth:FIELD:who)%",
                 fixture.Input()),
            "- - - - -");
}

TEST(FormatterTest, ErrorsNameOperatorAndPosition) {
  const std::pair<const char*, const char*> kCases[] = {
      {"a %FOO% b", "%FOO%: no such command operator (position 2)"},
      {"%UPSTREAM_METADATA(a:b)%", "%UPSTREAM_METADATA%: not implemented by proxenos (position 0)"},
      {"%CLUSTER_METADATA(a:b)%", "not implemented"},
      {"%METADATA(CLUSTER:a:b)%", "only DYNAMIC and ROUTE are implemented"},
      {"%UPSTREAM_FILTER_STATE(a)%", "takes KEY:PLAIN or KEY:FIELD:NAME"},
      {"%FILTER_STATE(a:FIELD:)%", "takes KEY:PLAIN or KEY:FIELD:NAME"},
      {"%UPSTREAM_HOSTS_ATTEMPTED(8)%", "takes no argument"},
      {"%REQ%", "%REQ%: needs an argument"},
      {"%REQ()%", "%REQ%: needs an argument"},
      {"%REQ(a?b?c)%", "more than one alternative"},
      {"%REQ(a b)%", "'a b' is not a header name"},
      {"%REQ(a):x%", "no command operator at position 0"},
      {"%REQ(a%", "no command operator at position 0"},
      {"100% sure", "no command operator at position 3"},
      {"%", "no command operator at position 0"},
      {"%PROTOCOL(x)%", "takes no argument"},
      {"%PROTOCOL:3%", "takes no length"},
      {"%START_TIME:3%", "takes no length"},
      {"%START_TIME(%n)%", "time pattern with %n"},
      {"%START_TIME(%)%", "lone '%'"},
      {"%START_TIME(%!)%", "unknown conversion"},
      {"%COMMON_DURATION(DS_RX_BEG)%", "takes START:END"},
      {"%COMMON_DURATION(DS_RX_BEG:NEVER)%", "no time point 'NEVER' is recorded"},
      {"%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%", "unit 's' is not ms, us or ns"},
      {"%PATH(X)%", "'X' is not WQ or NQ"},
      {"%PATH(WQ:X)%", "'X' is not ORIG, PATH or ORIG_OR_PATH"},
      {"%QUERY_PARAMS(RAW)%", "'RAW' is not ORIG or DECODED"},
      {"%GRPC_STATUS(X)%", "'X' is not CAMEL_STRING"},
      {"%RESPONSE_CODE_DETAILS(X)%", "ALLOW_WHITESPACES"},
      {"%UNIQUE_ID:3%", "takes no length"},
      {"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(129)%", "'129' is not a number of bits up to 128"},
      {"%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(a)%", "'a' is not a number of bits"},
      {"%DOWNSTREAM_LOCAL_PORT(3)%", "takes no argument"},
      {"%REQUESTED_SERVER_NAME(X)%", "'X' is not SNI_ONLY, SNI_FIRST or HOST_FIRST"},
      {"%REQUESTED_SERVER_NAME(SNI_FIRST:X)%", "'X' is not ORIG, HOST or ORIG_OR_HOST"},
      {"%COALESCE%", "%COALESCE%: needs an argument"},
      {"%COALESCE(x)%", "takes an object in JSON"},
      {"%COALESCE({})%", "a list of 'operators'"},
      {"%COALESCE({\"operators\": []})%", "takes 1 to 32 operators"},
      {"%COALESCE({\"operators\": [\"PROTOCOL\"], \"z\": 1})%", "whose one member"},
      {"%COALESCE({\"operators\": [\"NOPE\"]})%", "%NOPE%: no such command operator"},
      {"%COALESCE({\"operators\": [\"REQ\"]})%", "%REQ%: needs an argument"},
      {"%COALESCE({\"operators\": [3]})%", "is a name or an object"},
      {"%COALESCE({\"operators\": [{\"param\": \"a\"}]})%", "needs a command"},
      {"%COALESCE({\"operators\": [{\"command\": \"PROTOCOL\", \"max_length\": 0}]})%",
       "'max_length' is not"},
      {"%COALESCE({\"operators\": [{\"command\": \"COALESCE\", \"param\": \"x\"}]})%",
       "not taken inside of another"},
  };
  for (const auto& [format, message] : kCases) {
    const absl::StatusOr<Formatter> formatter = Formatter::Compile(format);
    EXPECT_FALSE(formatter.ok()) << format;
    EXPECT_THAT(std::string(formatter.status().message()), HasSubstr(message)) << format;
  }
}

TEST(FormatterTest, Limits) {
  EXPECT_FALSE(Formatter::Compile(std::string(Formatter::kMaxFormatBytes + 1, 'x')).ok());
  std::string many;
  for (size_t i = 0; i < Formatter::kMaxSegments; ++i) many += "%PROTOCOL%";
  EXPECT_TRUE(Formatter::Compile(many).ok());
  EXPECT_FALSE(Formatter::Compile(many + "%PROTOCOL%").ok());
}

TEST(FormatterTest, Constant) {
  absl::StatusOr<Formatter> formatter = Formatter::Compile("100%% plain");
  ASSERT_TRUE(formatter.ok());
  EXPECT_TRUE(formatter->is_constant());
  EXPECT_EQ(formatter->prefix(), "100% plain");
}

}  // namespace
}  // namespace proxenos::access_log
