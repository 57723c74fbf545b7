// Negotiation: which of the codings on offer a client wants, by its Accept-Encoding (RFC 9110,
// section 12.5.3).
//
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace proxenos::filters::compressor {

struct Offer {
  absl::string_view coding;
  bool first = false;  // It is chosen among those that the client likes equally.
};

enum class Reason : uint8_t {
  kNoHeader,    // The client says nothing.
  kIdentity,    // It prefers the message as it is.
  kWildcard,    // It takes anything.
  kCompressor,  // It names the coding.
  kNotValid,    // It wants none of those on offer.
};

struct Choice {
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t offer = kNone;  // Its place among the offers.
  Reason reason = Reason::kNoHeader;
};

// `header`: all its fields joined by commas; null: there is none. Of what the client likes equally
// goes first what is marked so (the last such), then what the client names first.
Choice Choose(const absl::string_view* header, absl::Span<const Offer> offers);

}  // namespace proxenos::filters::compressor
