// Http2ProtocolOptions to settings.
#include "source/http2/options_config.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace proxenos::http2 {
namespace {

struct Result {
  Settings settings;
  std::string errors;
};

Result Compile(const std::string& text) {
  envoy::config::core::v3::Http2ProtocolOptions proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  config::Errors errors;
  Options defaults;
  defaults.max_concurrent_streams = 55;
  Result result;
  result.settings = CompileHttp2Options(proto, defaults, errors, config::Path("h2"));
  result.errors = errors.ok() ? "" : std::string(errors.ToStatus().message());
  return result;
}

TEST(Http2OptionsConfigTest, DefaultsStay) {
  const Result result = Compile("");
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.settings.options.max_concurrent_streams, 55u);
  EXPECT_EQ(result.settings.options.budgets.max_outbound_frames, 10000u);
  EXPECT_EQ(result.settings.keepalive.interval, 0);
}

TEST(Http2OptionsConfigTest, AllFields) {
  const Result result = Compile(R"(
    hpack_table_size { value: 0 } max_concurrent_streams { value: 3 }
    initial_stream_window_size { value: 65535 } initial_connection_window_size { value: 2147483647 }
    allow_connect: true max_outbound_frames { value: 11 } max_outbound_control_frames { value: 12 }
    max_consecutive_inbound_frames_with_empty_payload { value: 0 }
    max_inbound_priority_frames_per_stream { value: 13 }
    max_inbound_window_update_frames_per_data_frame_sent { value: 14 }
    override_stream_error_on_invalid_http_message { value: true }
    stream_reset_burst { value: 15 }
    custom_settings_parameters { identifier { value: 5 } value { value: 20000 } }
    connection_keepalive {
      interval { seconds: 9 } timeout { nanos: 5000000 } interval_jitter { value: 1.5 }
      connection_idle_interval { seconds: 60 } })");
  EXPECT_EQ(result.errors, "");
  const Options& options = result.settings.options;
  EXPECT_EQ(options.header_table_size, 0u);
  EXPECT_EQ(options.max_concurrent_streams, 3u);
  EXPECT_EQ(options.initial_stream_window, 65535u);
  EXPECT_EQ(options.initial_connection_window, 2147483647u);
  EXPECT_TRUE(options.allow_connect);
  EXPECT_EQ(options.budgets.max_outbound_frames, 11u);
  EXPECT_EQ(options.budgets.max_outbound_control_frames, 12u);
  EXPECT_EQ(options.budgets.max_consecutive_empty_frames, 0u);
  EXPECT_EQ(options.budgets.max_priority_frames_per_stream, 13u);
  EXPECT_EQ(options.budgets.max_window_updates_per_data_frame, 14u);
  EXPECT_TRUE(options.stream_error_on_invalid_message);
  EXPECT_EQ(options.budgets.reset_burst, 15u);
  EXPECT_EQ(options.max_frame_size, 20000u);
  const Keepalive& keepalive = result.settings.keepalive;
  EXPECT_EQ(keepalive.interval, 9 * base::kSecond);
  EXPECT_EQ(keepalive.timeout, 5 * base::kMillisecond);
  EXPECT_EQ(keepalive.jitter_percent, 1.5);
  EXPECT_EQ(keepalive.idle_interval, 60 * base::kSecond);
}

TEST(Http2OptionsConfigTest, StreamErrorsByTheOldField) {
  EXPECT_TRUE(Compile("stream_error_on_invalid_http_messaging: true")
                  .settings.options.stream_error_on_invalid_message);
  EXPECT_FALSE(Compile("stream_error_on_invalid_http_messaging: true "
                       "override_stream_error_on_invalid_http_message { value: false }")
                   .settings.options.stream_error_on_invalid_message);
}

TEST(Http2OptionsConfigTest, ErrorsNameTheirField) {
  EXPECT_NE(Compile("max_concurrent_streams { value: 0 }").errors.find("h2.max_concurrent_streams"),
            std::string::npos);
  EXPECT_NE(Compile("initial_stream_window_size { value: 65534 }")
                .errors.find("h2.initial_stream_window_size: value 65534"),
            std::string::npos);
  EXPECT_NE(Compile("connection_keepalive { interval { seconds: 1 } }")
                .errors.find("h2.connection_keepalive.timeout: is required"),
            std::string::npos);
  const std::string twice =
      Compile(
          "max_concurrent_streams { value: 9 } "
          "custom_settings_parameters { identifier { value: 3 } value { value: 9 } }")
          .errors;
  EXPECT_NE(twice.find("h2.custom_settings_parameters[0]: is set by max_concurrent_streams"),
            std::string::npos);
  EXPECT_NE(Compile("custom_settings_parameters { identifier { value: 99 } value { value: 1 } }")
                .errors.find("custom_settings_parameters[0].identifier: value 99"),
            std::string::npos);
  EXPECT_NE(Compile("custom_settings_parameters { identifier { value: 5 } value { value: 1 } }")
                .errors.find("custom_settings_parameters[0].value: value 1"),
            std::string::npos);
}

}  // namespace
}  // namespace proxenos::http2
