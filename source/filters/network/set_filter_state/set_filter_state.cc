// Formatting, at each of the times.
#include "source/filters/network/set_filter_state/set_filter_state.h"

#include <variant>

#include "source/downstream/connection_view.h"

namespace proxenos::filters::network_set_filter_state {
namespace {

// By which a connection is sent to another cluster than its TCP proxy's.
constexpr absl::string_view kCluster = "envoy.tcp_proxy.cluster";

void Apply(const std::vector<Entry>& entries, filter::NetworkConnection& connection) {
  for (const Entry& entry : entries) {
    std::string text;
    {
      const downstream::ConnectionView view(connection);
      access_log::FormatInput input;
      input.stream = &view.info();
      std::visit([&](const auto& format) { format.Format(input, text); }, entry.format);
    }
    if (text.empty() && entry.skip_if_empty) continue;
    if (entry.key == kCluster) connection.cluster = text;
    connection.info.OpenNotes().state.Set(entry.key, std::move(text));
  }
}

class Filter final : public filter::NetworkFilter {
 public:
  explicit Filter(const Settings& settings) : settings_(settings) {}

  Verdict OnConnection(filter::NetworkConnection& connection) override {
    Apply(settings_.on_connection, connection);
    // With TLS what they tell is there after the handshake, which nobody has begun yet.
    Apply(settings_.on_handshake, connection);
    return {};
  }
  bool wants_first_bytes() const override {
    return !settings_.on_handshake.empty() || !settings_.on_data.empty();
  }
  Verdict OnFirstBytes(filter::NetworkConnection& connection) override {
    if (connection.info.tls != nullptr) Apply(settings_.on_handshake, connection);
    Apply(settings_.on_data, connection);
    return {};
  }

 private:
  const Settings& settings_;  // Of the configuration, which outlives this.
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> SetFilterState::Create(stats::Registry&) const {
  return std::make_unique<Filter>(settings_);
}

}  // namespace proxenos::filters::network_set_filter_state
