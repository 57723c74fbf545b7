// Values for changes.
#include "source/access_log/formatted_change.h"

#include <string>

namespace proxenos::access_log {
namespace {

template <typename Head>
void ApplyTo(const FormattedChanges& changes, const filter::StreamContext& stream, Head& head) {
  for (const FormattedChange& each : changes) {
    if (!each.format.has_value()) {
      filter::Apply(each.change, head);
      continue;
    }
    filter::HeaderChange change = each.change;
    change.value.clear();
    const http::ResponseHead* response = stream.response.status != 0 ? &stream.response : nullptr;
    each.format->Format(FormatInput{&stream.info, &stream.request, response, nullptr, {}},
                        change.value);
    if (!change.value.empty() || each.keep_empty) filter::Apply(change, head);
  }
}

}  // namespace

void Apply(const FormattedChanges& changes, const filter::StreamContext& stream,
           http::HeaderMap& headers) {
  ApplyTo(changes, stream, headers);
}

void Apply(const FormattedChanges& changes, const filter::StreamContext& stream,
           http::RequestHead& head) {
  ApplyTo(changes, stream, head);
}

}  // namespace proxenos::access_log
