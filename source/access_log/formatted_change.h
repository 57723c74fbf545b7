// FormattedChange: a change of a head that configuration asks for, whose value may be a format of
// access logs.
//
// Thread: any (immutable).
#pragma once

#include <optional>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/filter/header_change.h"
#include "source/filter/stream_context.h"

namespace proxenos::access_log {

struct FormattedChange {
  filter::HeaderChange change;
  std::optional<Formatter> format;  // None: the change's own value is the value.
  bool keep_empty = false;          // The field is there even where the format gives nothing.
};

using FormattedChanges = std::vector<FormattedChange>;

// Makes each change that `stream` has a value for. Values are what they are when it is called.
void Apply(const FormattedChanges& changes, const filter::StreamContext& stream,
           http::HeaderMap& headers);
void Apply(const FormattedChanges& changes, const filter::StreamContext& stream,
           http::RequestHead& head);

}  // namespace proxenos::access_log
