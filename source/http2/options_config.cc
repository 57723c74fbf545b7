// Checks beyond the proto's own validate.rules, and the settings by number.
#include "source/http2/options_config.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"

namespace proxenos::http2 {
namespace {

using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::config::core::v3::KeepaliveSettings;
using google::protobuf::UInt32Value;

// RFC 9113, sections 6.5.2 and 6.9.1.
constexpr uint32_t kMinWindow = 65535;
constexpr uint32_t kMaxWindow = (1u << 31) - 1;
constexpr uint32_t kMinFrameSize = 16384;
constexpr uint32_t kMaxFrameSize = (1u << 24) - 1;
// An encoder's table that the peer has us keep; more of it is memory for nothing.
constexpr uint32_t kMaxHeaderTable = 1u << 20;

base::Nanos Span(const google::protobuf::Duration& proto) {
  constexpr int64_t kLongestSeconds = int64_t{100} * 365 * 24 * 3600;
  if (proto.seconds() < 0 || proto.nanos() < 0) return 0;  // The proto's own rule refuses it.
  if (proto.seconds() > kLongestSeconds) return kLongestSeconds * base::kSecond;
  return proto.seconds() * base::kSecond + proto.nanos();
}

class OptionsCompiler {
 public:
  OptionsCompiler(const Http2ProtocolOptions& proto, const Options& defaults,
                  config::Errors& errors, const config::Path& path)
      : proto_(proto), errors_(errors), path_(path) {
    settings_.options = defaults;
  }

  Settings Compile() {
    SetNamed();
    SetBudgets();
    SetNumbered();
    if (proto_.has_connection_keepalive()) SetKeepalive(proto_.connection_keepalive());
    return settings_;
  }

 private:
  struct Bounds {
    uint32_t least;
    uint32_t most;
  };
  // Takes `value` into `to` when it lies within `bounds`.
  void Set(uint32_t value, Bounds bounds, const config::Path& path, uint32_t& to) {
    if (value < bounds.least || value > bounds.most) {
      errors_.AddValue(path, std::to_string(value),
                       absl::StrCat(bounds.least, " to ", bounds.most));
      return;
    }
    to = value;
  }
  // The same of a field, null when it is not set.
  void SetField(const UInt32Value* value, Bounds bounds, std::string_view name, uint32_t& to) {
    if (value != nullptr) Set(value->value(), bounds, path_.Field(name), to);
  }

  void SetNamed();
  void SetBudgets();
  void SetNumbered();
  void SetNumber(uint32_t id, uint32_t value, const config::Path& path);
  void SetKeepalive(const KeepaliveSettings& proto);

  const Http2ProtocolOptions& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  Settings settings_;
};

void OptionsCompiler::SetNamed() {
  Options& options = settings_.options;
  if (proto_.has_hpack_table_size()) {
    // Any size is valid there; what is beyond use is cut, which the peer cannot tell.
    options.header_table_size = std::min(proto_.hpack_table_size().value(), kMaxHeaderTable);
  }
  SetField(proto_.has_max_concurrent_streams() ? &proto_.max_concurrent_streams() : nullptr,
           {1, kMaxWindow}, "max_concurrent_streams", options.max_concurrent_streams);
  SetField(proto_.has_initial_stream_window_size() ? &proto_.initial_stream_window_size() : nullptr,
           {kMinWindow, kMaxWindow}, "initial_stream_window_size", options.initial_stream_window);
  SetField(proto_.has_initial_connection_window_size() ? &proto_.initial_connection_window_size()
                                                       : nullptr,
           {kMinWindow, kMaxWindow}, "initial_connection_window_size",
           options.initial_connection_window);
  options.allow_connect = proto_.allow_connect();
  options.disallow_obs_text = proto_.disallow_obs_text().value();
  if (proto_.has_override_stream_error_on_invalid_http_message()) {
    options.stream_error_on_invalid_message =
        proto_.override_stream_error_on_invalid_http_message().value();
  } else if (proto_.stream_error_on_invalid_http_messaging()) {
    options.stream_error_on_invalid_message = true;
  }
}

void OptionsCompiler::SetBudgets() {
  Budgets& budgets = settings_.options.budgets;
  SetField(proto_.has_max_outbound_frames() ? &proto_.max_outbound_frames() : nullptr,
           {1, UINT32_MAX}, "max_outbound_frames", budgets.max_outbound_frames);
  SetField(
      proto_.has_max_outbound_control_frames() ? &proto_.max_outbound_control_frames() : nullptr,
      {1, UINT32_MAX}, "max_outbound_control_frames", budgets.max_outbound_control_frames);
  SetField(proto_.has_max_consecutive_inbound_frames_with_empty_payload()
               ? &proto_.max_consecutive_inbound_frames_with_empty_payload()
               : nullptr,
           {0, UINT32_MAX}, "max_consecutive_inbound_frames_with_empty_payload",
           budgets.max_consecutive_empty_frames);
  SetField(proto_.has_max_inbound_priority_frames_per_stream()
               ? &proto_.max_inbound_priority_frames_per_stream()
               : nullptr,
           {0, UINT32_MAX}, "max_inbound_priority_frames_per_stream",
           budgets.max_priority_frames_per_stream);
  SetField(proto_.has_max_inbound_window_update_frames_per_data_frame_sent()
               ? &proto_.max_inbound_window_update_frames_per_data_frame_sent()
               : nullptr,
           {1, UINT32_MAX}, "max_inbound_window_update_frames_per_data_frame_sent",
           budgets.max_window_updates_per_data_frame);
  if (proto_.has_stream_reset_burst()) {
    budgets.reset_burst =
        static_cast<uint32_t>(std::min<uint64_t>(proto_.stream_reset_burst().value(), UINT32_MAX));
  }
}

void OptionsCompiler::SetNumbered() {
  for (int i = 0; i < proto_.custom_settings_parameters_size(); ++i) {
    const auto& each = proto_.custom_settings_parameters(i);
    SetNumber(each.identifier().value(), each.value().value(),
              path_.Field("custom_settings_parameters").Index(i));
  }
}

// SETTINGS of RFC 9113, section 6.5.2, by their numbers.
void OptionsCompiler::SetNumber(uint32_t id, uint32_t value, const config::Path& path) {
  Options& options = settings_.options;
  const config::Path at = path.Field("value");
  const auto named = [&](bool present, absl::string_view field) {
    if (present) errors_.Add(path, absl::StrCat("is set by ", field, " already"));
    return present;
  };
  switch (id) {
    case 0x1:
      if (named(proto_.has_hpack_table_size(), "hpack_table_size")) return;
      options.header_table_size = std::min(value, kMaxHeaderTable);
      return;
    case 0x3:
      if (named(proto_.has_max_concurrent_streams(), "max_concurrent_streams")) return;
      Set(value, {1, kMaxWindow}, at, options.max_concurrent_streams);
      return;
    case 0x4:
      if (named(proto_.has_initial_stream_window_size(), "initial_stream_window_size")) return;
      Set(value, {kMinWindow, kMaxWindow}, at, options.initial_stream_window);
      return;
    case 0x5:
      Set(value, {kMinFrameSize, kMaxFrameSize}, at, options.max_frame_size);
      return;
    default:
      errors_.AddValue(path.Field("identifier"), std::to_string(id),
                       "1 (header table size), 3 (concurrent streams), 4 (stream window) or 5 "
                       "(frame size)");
  }
}

void OptionsCompiler::SetKeepalive(const KeepaliveSettings& proto) {
  Keepalive& keepalive = settings_.keepalive;
  keepalive.interval = Span(proto.interval());
  keepalive.timeout = Span(proto.timeout());
  keepalive.idle_interval = Span(proto.connection_idle_interval());
  if (proto.has_interval_jitter()) keepalive.jitter_percent = proto.interval_jitter().value();
  if (keepalive.timeout == 0) {
    errors_.Add(path_.Field("connection_keepalive").Field("timeout"), "is required");
  }
}

}  // namespace

Settings CompileHttp2Options(const Http2ProtocolOptions& proto, const Options& defaults,
                             config::Errors& errors, const config::Path& path) {
  return OptionsCompiler(proto, defaults, errors, path).Compile();
}

}  // namespace proxenos::http2
