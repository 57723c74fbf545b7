// What a compressor is configured to do: envoy.extensions.filters.http.compressor.v3.Compressor.
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/compression/encoder.h"
#include "source/match/string_matchers.h"
#include "source/runtime/setting.h"

namespace proxenos::filters::compressor {

// Of one direction.
struct Rules {
  runtime::FlagSetting enabled{true};
  uint64_t min_length = 30;     // Of bodies whose length is known.
  match::StringMatchers types;  // Content types; empty: the default list.

  bool TakesType(absl::string_view content_type) const;
};

struct Settings {
  compression::EncoderSettings encoder;
  std::optional<Rules> request;
  Rules response;
  bool disable_on_etag = false;
  bool weaken_etag = false;
  bool remove_accept_encoding = false;
  std::vector<uint16_t> uncompressed_statuses;
  bool first = false;  // choose_first
};

// CompressorPerRoute. What is not set is the filter's.
struct RouteSettings {
  bool disabled = false;
  bool enables_response = false;
  std::optional<bool> remove_accept_encoding;
  std::optional<compression::EncoderSettings> encoder;
};

}  // namespace proxenos::filters::compressor
