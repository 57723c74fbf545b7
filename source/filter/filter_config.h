// FilterKinds: the table of HTTP filters that configurations may name: passed down, not registered.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/http_filter.h"

namespace proxenos::filter {

struct FilterKind {
  absl::string_view type;  // Full name of the configuration's message type.
  bool terminal = false;   // May only stand last; exactly one does.
  // Null, with every error named, when the configuration is wrong.
  std::shared_ptr<const FilterFactory> (*create)(const google::protobuf::Any& config,
                                                 const config::Path& path, config::Errors& errors);
};

using FilterKinds = absl::Span<const FilterKind>;

}  // namespace proxenos::filter
