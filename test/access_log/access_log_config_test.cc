// Access logs from their protos: targets, formats, filters, and what is refused.
#include "source/access_log/access_log_config.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/filters/cel/v3/cel.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "test/access_log/stream_fixture.h"

namespace proxenos::access_log {
namespace {

using ::testing::HasSubstr;
using FilterConfig = envoy::config::accesslog::v3::AccessLogFilter;
using envoy::extensions::access_loggers::file::v3::FileAccessLog;

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::string FirstError(const config::Errors& errors) {
  return errors.list().empty() ? "" : errors.list()[0].ToString();
}

class AccessLogConfigTest : public testing::Test {
 protected:
  AccessLogConfigTest()
      : path_(absl::StrCat(testing::TempDir(), "/access.", getpid(), ".",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {}

  // What a file log with this configuration (less its path) writes for the fixture's request.
  std::string Logged(const std::string& file_text) {
    FileAccessLog file = FromText<FileAccessLog>(file_text);
    file.set_path(path_);
    google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog> configs;
    configs.Add()->mutable_typed_config()->PackFrom(file);
    const AccessLogs logs = CompileAccessLogs(configs, &writer_, config::Path("log"), errors_);
    for (const AccessLog& log : logs) log.Log(fixture_.Input());
    writer_.Flush();
    std::stringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }

  // An extension_filter with that expression, in which quotes are single.
  static std::string ByExpression(const std::string& expression) {
    FilterConfig filter;
    envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter proto;
    proto.set_expression(expression);
    filter.mutable_extension_filter()->mutable_typed_config()->PackFrom(proto);
    return filter.DebugString();
  }

  bool Passes(const std::string& filter_text) {
    config::Errors errors;
    std::optional<LogFilter> filter =
        CompileLogFilter(FromText<FilterConfig>(filter_text), config::Path("filter"), errors);
    EXPECT_TRUE(errors.ok()) << FirstError(errors);
    return filter && filter->Passes(fixture_.Input());
  }

  std::string FilterError(const std::string& filter_text) {
    config::Errors errors;
    EXPECT_FALSE(
        CompileLogFilter(FromText<FilterConfig>(filter_text), config::Path("filter"), errors));
    return FirstError(errors);
  }

  const std::string path_;
  StreamFixture fixture_;
  LogWriter writer_;
  config::Errors errors_;
};

TEST_F(AccessLogConfigTest, DefaultFormat) {
  EXPECT_THAT(Logged(""), HasSubstr("\"POST /a/b?x=1%202&y=abc&x=3 HTTP/1.1\" 200 - 5 1024 15"));
}

TEST_F(AccessLogConfigTest, TextFormats) {
  EXPECT_EQ(Logged("format: '%PROTOCOL%\\n'"), "HTTP/1.1\n");
  EXPECT_EQ(Logged("log_format { text_format: 'x\\n' }"), "HTTP/1.1\nx\n");
}

TEST_F(AccessLogConfigTest, InlineFormatWithoutEmptyValues) {
  EXPECT_EQ(Logged("log_format { text_format_source { inline_string: '[%REQ(a)%]' } "
                   "omit_empty_values: true }"),
            "[]");
}

TEST_F(AccessLogConfigTest, FormatFromFileAndEnvironment) {
  const std::string source = path_ + ".format";
  std::ofstream(source) << "%ROUTE_NAME%\n";
  setenv("PROXENOS_LOG_FORMAT", "%PROTOCOL%\n", 1);
  Logged("log_format { text_format_source { filename: '" + source + "' } }");
  EXPECT_EQ(Logged("log_format { text_format_source { environment_variable: "
                   "'PROXENOS_LOG_FORMAT' } }"),
            "main\nHTTP/1.1\n");
}

TEST_F(AccessLogConfigTest, JsonFormats) {
  const std::string json = "{ fields { key: 'code' value { string_value: '%RESPONSE_CODE%' } } }";
  EXPECT_EQ(Logged("log_format { json_format " + json + " }"), "{\"code\":200}\n");
}

TEST_F(AccessLogConfigTest, AllErrorsAtOnce) {
  google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog> configs;
  auto* first = configs.Add();
  first->mutable_typed_config()->PackFrom(FromText<FileAccessLog>(
      "path: '/dev/null' log_format { text_format_source { inline_string: '%NOPE%' } }"));
  *first->mutable_filter() = FromText<FilterConfig>("extension_filter {}");
  configs.Add()->mutable_typed_config()->set_type_url(
      "type.googleapis.com/envoy.extensions.access_loggers.wasm.v3.WasmAccessLog");
  configs.Add()->mutable_typed_config()->PackFrom(FromText<FileAccessLog>("path: '/no/dir/x'"));
  EXPECT_TRUE(CompileAccessLogs(configs, &writer_, config::Path("log"), errors_).empty());
  ASSERT_EQ(errors_.count(), 4u);
  EXPECT_EQ(errors_.list()[0].path, "log[0].typed_config.log_format.text_format_source");
  EXPECT_EQ(errors_.list()[1].path, "log[0].filter.extension_filter.typed_config");
  EXPECT_THAT(errors_.list()[2].ToString(), HasSubstr("WasmAccessLog"));
  EXPECT_EQ(errors_.list()[3].path, "log[2].typed_config.path");
}

TEST_F(AccessLogConfigTest, WithoutAWriterNothingIsOpened) {
  google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog> configs;
  configs.Add()->mutable_typed_config()->PackFrom(FromText<FileAccessLog>("path: '/no/dir/x'"));
  EXPECT_TRUE(CompileAccessLogs(configs, nullptr, config::Path("log"), errors_).empty());
  EXPECT_TRUE(errors_.ok());
}

TEST_F(AccessLogConfigTest, UnknownFormatterIsRefused) {
  Logged(
      "log_format { text_format: 'x' formatters { name: 'f' typed_config { type_url: "
      "'type.googleapis.com/envoy.extensions.formatter.file_content.v3.FileContent' } } }");
  EXPECT_THAT(FirstError(errors_), HasSubstr("formatter.file_content.v3.FileContent"));
}

TEST_F(AccessLogConfigTest, TheFormatterOfMetadataMayBeNamed) {
  EXPECT_EQ(Logged("log_format { text_format: '%METADATA(DYNAMIC:none:a)%' formatters { name: 'm' "
                   "typed_config { type_url: "
                   "'type.googleapis.com/envoy.extensions.formatter.metadata.v3.Metadata' } } }"),
            "-");
  EXPECT_TRUE(errors_.ok());
}

TEST_F(AccessLogConfigTest, TheFormatterOfExpressionsNeedNotBeNamed) {
  const std::string text = "text_format_source { inline_string: '%CEL(request.method)%' } ";
  EXPECT_EQ(Logged("log_format { " + text + "}"), "POST");
  EXPECT_EQ(Logged("log_format { " + text +
                   "formatters { name: 'cel' typed_config { type_url: "
                   "'type.googleapis.com/envoy.extensions.formatter.cel.v3.Cel' } } }"),
            "POSTPOST");
  EXPECT_TRUE(errors_.ok());
}

TEST_F(AccessLogConfigTest, ComparisonFilters) {
  const auto status = [](const char* op, int value) {
    return absl::StrCat("status_code_filter { comparison { op: ", op,
                        " value { default_value: ", value, " runtime_key: 'k' } } }");
  };
  EXPECT_TRUE(Passes(status("EQ", 200)));
  EXPECT_FALSE(Passes(status("EQ", 201)));
  EXPECT_TRUE(Passes(status("GE", 200)));
  EXPECT_FALSE(Passes(status("GE", 201)));
  EXPECT_TRUE(Passes(status("LE", 200)));
  EXPECT_FALSE(Passes(status("LE", 199)));
  EXPECT_TRUE(Passes(status("NE", 404)));
  EXPECT_FALSE(Passes(status("NE", 200)));
  EXPECT_TRUE(Passes("duration_filter { comparison { op: GE value { default_value: 15 } } }"));
  EXPECT_FALSE(Passes("duration_filter { comparison { op: GE value { default_value: 16 } } }"));
}

TEST_F(AccessLogConfigTest, FiltersAskTheRuntime) {
  auto layer = std::make_shared<runtime::Layer>();
  layer->values["status"].integer = 200;
  layer->values["share"].integer = 93;  // Of the request's 92.
  const runtime::Snapshot snapshot({layer});
  fixture_.runtime = &snapshot;
  EXPECT_TRUE(
      Passes("status_code_filter { comparison { value { default_value: 500 runtime_key: 'status' } "
             "} }"));
  EXPECT_FALSE(Passes(
      "status_code_filter { comparison { value { default_value: 500 runtime_key: 'k' } } }"));
  EXPECT_TRUE(Passes("runtime_filter { runtime_key: 'share' }"));
  EXPECT_FALSE(Passes("runtime_filter { runtime_key: 'k' }"));
  // The denominator stays the filter's.
  EXPECT_FALSE(
      Passes("runtime_filter { runtime_key: 'share' percent_sampled { denominator: MILLION } }"));
}

TEST_F(AccessLogConfigTest, FlagFilter) {
  EXPECT_FALSE(Passes("response_flag_filter {}"));
  fixture_.stream.flags = filter::kNoRouteFound;
  EXPECT_TRUE(Passes("response_flag_filter {}"));
  EXPECT_TRUE(Passes("response_flag_filter { flags: 'UH' flags: 'NR' }"));
  EXPECT_FALSE(Passes("response_flag_filter { flags: 'UH' }"));
  config::Errors errors;
  CompileLogFilter(FromText<FilterConfig>("response_flag_filter { flags: 'XX' }"),
                   config::Path("filter"), errors);
  EXPECT_THAT(FirstError(errors), HasSubstr("filter.response_flag_filter.flags[0]"));
}

TEST_F(AccessLogConfigTest, HeaderFilter) {
  EXPECT_TRUE(
      Passes("header_filter { header { name: 'user-agent' string_match { prefix: 'curl' } } }"));
  EXPECT_FALSE(
      Passes("header_filter { header { name: 'user-agent' string_match { exact: 'x' } } }"));
}

TEST_F(AccessLogConfigTest, AndOr) {
  const std::string yes = "filters { not_health_check_filter {} }";
  const std::string no = "filters { response_flag_filter {} }";
  EXPECT_TRUE(Passes("and_filter { " + yes + yes + " }"));
  EXPECT_FALSE(Passes("and_filter { " + yes + no + " }"));
  EXPECT_TRUE(Passes("or_filter { " + no + yes + " }"));
  EXPECT_FALSE(Passes("or_filter { " + no + no + " }"));
}

TEST_F(AccessLogConfigTest, RuntimeFilterSamplesByRequestId) {
  const auto sample = [](int percent) {
    return absl::StrCat("runtime_filter { runtime_key: 'k' percent_sampled { numerator: ", percent,
                        " } }");
  };
  EXPECT_FALSE(Passes(sample(0)));
  EXPECT_TRUE(Passes(sample(100)));
  // 0x98b6f364 % 100 = 92: the same request is chosen every time.
  EXPECT_FALSE(Passes(sample(92)));
  EXPECT_TRUE(Passes(sample(93)));
  EXPECT_TRUE(
      Passes("runtime_filter { runtime_key: 'k' percent_sampled { numerator: 1000000 "
             "denominator: MILLION } use_independent_randomness: true }"));
}

TEST_F(AccessLogConfigTest, GrpcAndLogTypeFilters) {
  fixture_.request.headers.Add("content-type", "application/grpc");
  fixture_.trailers.Add("grpc-status", "5");
  EXPECT_TRUE(Passes("grpc_status_filter { statuses: NOT_FOUND }"));
  EXPECT_FALSE(Passes("grpc_status_filter { statuses: NOT_FOUND exclude: true }"));
  EXPECT_FALSE(Passes("grpc_status_filter { statuses: OK }"));
  EXPECT_TRUE(Passes("log_type_filter { types: DownstreamEnd }"));
  EXPECT_FALSE(Passes("log_type_filter { types: DownstreamStart }"));
  EXPECT_TRUE(Passes("log_type_filter { types: [DownstreamStart, DownstreamEnd] }"));
  EXPECT_FALSE(Passes("log_type_filter { types: DownstreamEnd exclude: true }"));
  EXPECT_TRUE(Passes("log_type_filter { types: DownstreamStart exclude: true }"));
}

TEST_F(AccessLogConfigTest, TraceableFilter) { EXPECT_FALSE(Passes("traceable_filter {}")); }

TEST_F(AccessLogConfigTest, RefusedFilters) {
  EXPECT_THAT(FilterError("extension_filter { name: 'cel' }"),
              HasSubstr("filter.extension_filter.typed_config"));
  EXPECT_THAT(FilterError("or_filter { filters { extension_filter {} } filters { "
                          "not_health_check_filter {} } }"),
              HasSubstr("filter.or_filter.filters[0].extension_filter"));
  EXPECT_THAT(FilterError(ByExpression("request.path ==")),
              HasSubstr("typed_config.expression: expression: at byte 15: expected a value"));
  EXPECT_THAT(FilterError(""), HasSubstr("no filter is given"));
}

TEST_F(AccessLogConfigTest, MetadataFilter) {
  const std::string matcher =
      "matcher { filter: 'jwt' path { key: 'user' } value { string_match { exact: 'ann' } } }";
  // Nobody has written it.
  EXPECT_TRUE(Passes("metadata_filter { " + matcher + " }"));
  EXPECT_FALSE(
      Passes("metadata_filter { " + matcher + " match_if_key_not_found { value: false } }"));
  fixture_.stream.metadata.Set("jwt", "user", json::Value(std::string("ann")));
  EXPECT_TRUE(
      Passes("metadata_filter { " + matcher + " match_if_key_not_found { value: false } }"));
  fixture_.stream.metadata.Set("jwt", "user", json::Value(std::string("bob")));
  EXPECT_FALSE(Passes("metadata_filter { " + matcher + " }"));
  // Without a matcher there is no value to look for.
  EXPECT_TRUE(Passes("metadata_filter {}"));
  EXPECT_FALSE(Passes("metadata_filter { match_if_key_not_found { value: false } }"));
}

TEST_F(AccessLogConfigTest, ExpressionFilter) {
  EXPECT_FALSE(Passes(ByExpression("response.code >= 400")));
  EXPECT_TRUE(Passes(ByExpression("response.code < 400 && request.url_path.contains('b')")));
  // Errors and other values than true are false.
  EXPECT_FALSE(Passes(ByExpression("request.headers['nope'] == 'x'")));
  EXPECT_FALSE(Passes(ByExpression("response.code")));
  fixture_.stream.metadata.Set("jwt", "user", json::Value(std::string("ann")));
  EXPECT_TRUE(Passes(ByExpression("metadata.filter_metadata['jwt'].user == 'ann'")));
  fixture_.stream.state.Set("k", "v");
  EXPECT_TRUE(Passes(ByExpression("filter_state['k'] == b'v' && !('x' in filter_state)")));
  EXPECT_TRUE(Passes(ByExpression("size(request.headers) == 8 && 'X-Empty' in request.headers")));
}

TEST_F(AccessLogConfigTest, ExpressionsInJsonKeepTheirKind) {
  const std::string field = "fields { key: 'a' value { string_value: '%TYPED_CEL(";
  const auto logged = [&](const std::string& expression) {
    const std::string log =
        Logged("log_format { json_format { " + field + expression + ")%' } } } }");
    return log.substr(log.rfind('\n', log.size() - 2) + 1);
  };
  EXPECT_EQ(logged("response.code"), "{\"a\":200}\n");
  EXPECT_EQ(logged("response.code > 5"), "{\"a\":true}\n");
  EXPECT_EQ(logged("request.method"), "{\"a\":\"POST\"}\n");
  EXPECT_EQ(logged("[1, 2.5, {\\'k\\': null}]"), "{\"a\":[1,2.5,{\"k\":null}]}\n");
  EXPECT_EQ(logged("b\\'ab\\'"), "{\"a\":\"YWI=\"}\n");
  EXPECT_EQ(logged("request.duration"), "{\"a\":\"0.015s\"}\n");
  EXPECT_EQ(logged("null"), "{\"a\":null}\n");
}

TEST_F(AccessLogConfigTest, NestingLimit) {
  FilterConfig config;
  FilterConfig* inner = &config;
  for (int i = 0; i < 20; ++i) inner = inner->mutable_and_filter()->add_filters();
  inner->mutable_not_health_check_filter();
  config::Errors errors;
  EXPECT_FALSE(CompileLogFilter(config, config::Path("filter"), errors));
  EXPECT_THAT(FirstError(errors), HasSubstr("nested too deep"));
}

}  // namespace
}  // namespace proxenos::access_log
