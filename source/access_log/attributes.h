// The attributes of what is logged.
#pragma once

#include "source/access_log/value.h"
#include "source/filter/log_notes.h"
#include "source/filter/stream_attributes.h"

namespace proxenos::access_log {

inline filter::StreamAttributes AttributesOf(const FormatInput& input) {
  filter::StreamAttributes::Shown shown = filter::StreamAttributes::Of(*input.stream);
  shown.request = input.request;
  shown.response = input.response;
  shown.response_trailers = input.response_trailers;
  if (input.stream->notes != nullptr) shown.route_metadata = input.stream->notes->route_metadata;
  return filter::StreamAttributes(shown);
}

}  // namespace proxenos::access_log
