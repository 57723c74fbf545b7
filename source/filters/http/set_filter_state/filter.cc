// Formatting.
#include "source/filters/http/set_filter_state/filter.h"

#include <utility>
#include <variant>

namespace proxenos::filters::set_filter_state {

filter::Verdict SetFilterState::OnRequestHeaders(http::RequestHead& head, bool) {
  access_log::FormatInput input;
  input.stream = &stream_.info;
  input.request = &head;
  for (const Entry& entry : settings_.entries) {
    std::string text;
    std::visit([&](const auto& format) { format.Format(input, text); }, entry.format);
    if (text.empty() && entry.skip_if_empty) continue;
    stream_.info.state.Set(entry.key, std::move(text));
  }
  if (settings_.clears_route) stream_.Reroute();
  return filter::Verdict::kContinue;
}

}  // namespace proxenos::filters::set_filter_state
