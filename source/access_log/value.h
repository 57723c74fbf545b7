// What one command operator of a format found in a stream, and how it is written: as text, or as
// JSON. The only place that knows about escaping: whatever a peer sent, a log line stays one line.
//
// Nothing here allocates but what is appended to `out`. Views live as long as the FormatInput.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/json/value.h"
#include "source/runtime/snapshot.h"

namespace proxenos::access_log {

class RemoteLogs;

// When an entry is written: envoy.data.accesslog.v3.AccessLogType, whose numbers these are.
enum class LogType : uint8_t {
  kNotSet = 0,  // Not for a log: a field of a head, say.
  kTcpUpstreamConnected = 1,
  kTcpPeriodic = 2,
  kTcpConnectionEnd = 3,
  kDownstreamStart = 4,
  kDownstreamPeriodic = 5,
  kDownstreamEnd = 6,
  kUpstreamPoolReady = 7,
  kUpstreamPeriodic = 8,
  kUpstreamEnd = 9,
  kDownstreamTunnelEstablished = 10,
  kUdpPeriodic = 12,
  kUdpSessionEnd = 13,
  kTcpConnectionStart = 14,
};
// As Envoy calls it ("DownstreamEnd").
absl::string_view LogTypeName(LogType type);

// Where the values come from. Only `stream` is required; what is null has no values.
struct FormatInput {
  const filter::StreamInfo* stream = nullptr;
  const http::RequestHead* request = nullptr;
  const http::ResponseHead* response = nullptr;
  const http::HeaderMap* response_trailers = nullptr;
  absl::string_view local_reply_body;
  const runtime::Snapshot* runtime = nullptr;  // What filters of logs ask; null: their defaults.
  RemoteLogs* remote = nullptr;                // Who sends entries to services; null: nobody.
  LogType type = LogType::kNotSet;
};

// Room for values that must be composed, such as addresses and times.
struct Scratch {
  char bytes[512];
};

struct Value {
  enum class Kind : uint8_t {
    kAbsent,  // Written as "-" in text, null in JSON.
    kText,
    kBody,            // Text whose lines are not escaped: of an answer, for an answer.
    kUnderscored,     // Text in which blanks become '_', so that logs can be split at blanks.
    kPercentEncoded,  // Text to be percent-decoded while it is written.
    kNumber,
    kJson,   // In JSON it stands as it is, in text as its JSON.
    kFlags,  // Response flags, short names.
    kLongFlags,
  };
  Kind kind = Kind::kAbsent;
  uint32_t limit = UINT32_MAX;  // At most so many bytes of text are written.
  absl::string_view text;
  uint64_t number = 0;
  const json::Value* json = nullptr;  // Of kJson; never a text.

  static Value Text(absl::string_view text);
  // Absent when the text is empty.
  static Value TextOrAbsent(absl::string_view text);
  static Value Number(uint64_t number);
  static Value Json(const json::Value& json);
};

// Control characters (but for the tab) become \xHH; all else is written as it is, as Envoy does.
void AppendEscapedText(absl::string_view text, std::string& out);
// What stands between the quotes of a JSON string. Text that is not UTF-8 is taken for Latin-1.
void AppendEscapedJson(absl::string_view text, std::string& out);

// `absent` stands for an absent value.
void AppendAsText(const Value& value, absl::string_view absent, std::string& out);
// As part of a JSON string, without quotes.
void AppendInJsonString(const Value& value, absl::string_view absent, std::string& out);
// A whole JSON value: a number, a string with its quotes, or null.
void AppendAsJson(const Value& value, std::string& out);

}  // namespace proxenos::access_log
