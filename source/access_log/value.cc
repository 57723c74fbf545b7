// Writing and escaping of values.
#include "source/access_log/value.h"

#include "absl/strings/str_cat.h"
#include "source/base/utf8.h"
#include "source/http/percent.h"

namespace proxenos::access_log {
namespace {

struct FlagName {
  uint32_t flag;
  absl::string_view short_name;
  absl::string_view long_name;
};

constexpr FlagName kFlagNames[] = {
#define PROXENOS_X(id, bit, short_name, long_name) {1u << bit, short_name, long_name},
    PROXENOS_RESPONSE_FLAGS(PROXENOS_X)
#undef PROXENOS_X
};

constexpr FlagName kRetryLimit = {filter::kUpstreamRetryLimitExceeded, "URX",
                                  "UpstreamRetryLimitExceeded"};

constexpr char kHex[] = "0123456789abcdef";

void AppendFlags(const Value& value, std::string& out) {
  if (value.number == 0) {
    out += '-';
    return;
  }
  const size_t start = out.size();
  const auto append = [&](const FlagName& name) {
    if ((value.number & name.flag) == 0) return;
    if (out.size() != start) out += ',';
    const absl::string_view text =
        value.kind == Value::Kind::kFlags ? name.short_name : name.long_name;
    out.append(text.data(), text.size());
  };
  // Envoy writes flags in the order in which they were set: that the retries ran out comes before
  // what the last of them failed with. All other pairs are as good as unheard of.
  append(kRetryLimit);
  for (const FlagName& name : kFlagNames) {
    if (name.flag != kRetryLimit.flag) append(name);
  }
}

void AppendUnicodeEscape(unsigned char c, std::string& out) {
  const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
  out.append(escape, sizeof(escape));
}

void AppendUtf8AsJson(absl::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          AppendUnicodeEscape(static_cast<unsigned char>(c), out);
        } else {
          out += c;
        }
    }
  }
}

// The text of a value that is neither a number nor flags; `storage` keeps what had to be composed.
absl::string_view TextOf(const Value& value, std::string& storage) {
  if (value.kind == Value::Kind::kPercentEncoded) {
    storage = http::PercentDecoded(value.text).substr(0, value.limit);
    return storage;
  }
  if (value.kind == Value::Kind::kJson) {
    storage = json::ToJson(*value.json).substr(0, value.limit);
    return storage;
  }
  const absl::string_view text = value.text.substr(0, value.limit);
  if (value.kind != Value::Kind::kUnderscored || text.find(' ') == absl::string_view::npos) {
    return text;
  }
  storage.assign(text.data(), text.size());
  for (char& c : storage) {
    if (c == ' ') c = '_';
  }
  return storage;
}

// Writes numbers, flags and absent values, which need no escaping. False for any other.
bool AppendPlain(const Value& value, absl::string_view absent, std::string& out) {
  switch (value.kind) {
    case Value::Kind::kAbsent:
      out.append(absent.data(), absent.size());
      return true;
    case Value::Kind::kNumber:
      absl::StrAppend(&out, value.number);
      return true;
    case Value::Kind::kFlags:
    case Value::Kind::kLongFlags:
      AppendFlags(value, out);
      return true;
    default:
      return false;
  }
}

}  // namespace

Value Value::Text(absl::string_view text) {
  Value value;
  value.kind = Kind::kText;
  value.text = text;
  return value;
}

Value Value::TextOrAbsent(absl::string_view text) { return text.empty() ? Value() : Text(text); }

Value Value::Json(const json::Value& json) {
  if (const std::string* text = json.text()) return Text(*text);
  Value value;
  value.kind = Kind::kJson;
  value.json = &json;
  return value;
}

Value Value::Number(uint64_t number) {
  Value value;
  value.kind = Kind::kNumber;
  value.number = number;
  return value;
}

void AppendEscapedText(absl::string_view text, std::string& out) {
  size_t clean = 0;  // What precedes the next character to escape goes out in one piece.
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c >= 0x20 && c != 0x7f) || c == '\t') continue;
    out.append(text.data() + clean, i - clean);
    const char escape[] = {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    out.append(escape, sizeof(escape));
    clean = i + 1;
  }
  out.append(text.data() + clean, text.size() - clean);
}

void AppendEscapedJson(absl::string_view text, std::string& out) {
  bool plain = true;
  for (const char c : text) {
    plain = plain && c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  }
  if (plain) {
    out.append(text.data(), text.size());
  } else if (base::IsUtf8(text)) {
    AppendUtf8AsJson(text, out);
  } else {
    for (const char c : text) {
      if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
        out += c;
      } else {
        AppendUnicodeEscape(static_cast<unsigned char>(c), out);
      }
    }
  }
}

absl::string_view LogTypeName(LogType type) {
  switch (type) {
    case LogType::kNotSet:
      return "NotSet";
    case LogType::kTcpUpstreamConnected:
      return "TcpUpstreamConnected";
    case LogType::kTcpPeriodic:
      return "TcpPeriodic";
    case LogType::kTcpConnectionEnd:
      return "TcpConnectionEnd";
    case LogType::kDownstreamStart:
      return "DownstreamStart";
    case LogType::kDownstreamPeriodic:
      return "DownstreamPeriodic";
    case LogType::kDownstreamEnd:
      return "DownstreamEnd";
    case LogType::kUpstreamPoolReady:
      return "UpstreamPoolReady";
    case LogType::kUpstreamPeriodic:
      return "UpstreamPeriodic";
    case LogType::kUpstreamEnd:
      return "UpstreamEnd";
    case LogType::kDownstreamTunnelEstablished:
      return "DownstreamTunnelSuccessfullyEstablished";
    case LogType::kUdpPeriodic:
      return "UdpPeriodic";
    case LogType::kUdpSessionEnd:
      return "UdpSessionEnd";
    case LogType::kTcpConnectionStart:
      return "TcpConnectionStart";
  }
  return "NotSet";
}

void AppendAsText(const Value& value, absl::string_view absent, std::string& out) {
  if (AppendPlain(value, absent, out)) return;
  std::string storage;
  const absl::string_view text = TextOf(value, storage);
  if (value.kind == Value::Kind::kBody) {
    out.append(text.data(), text.size());
  } else {
    AppendEscapedText(text, out);
  }
}

void AppendInJsonString(const Value& value, absl::string_view absent, std::string& out) {
  if (AppendPlain(value, absent, out)) return;
  std::string storage;
  AppendEscapedJson(TextOf(value, storage), out);
}

void AppendAsJson(const Value& value, std::string& out) {
  if (value.kind == Value::Kind::kJson) return json::AppendJson(*value.json, out);
  if (value.kind == Value::Kind::kNumber || value.kind == Value::Kind::kAbsent) {
    AppendPlain(value, "null", out);
    return;
  }
  out += '"';
  AppendInJsonString(value, "", out);
  out += '"';
}

}  // namespace proxenos::access_log
