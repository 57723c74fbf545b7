// HeadFacts: what the fields of a head that concern framing and the connection add up to.
//
// Invariant: two fields that could be read as two framings never both count; the second is an
// error.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/codec.h"
#include "source/http/header_map.h"
#include "source/http1/field_line.h"
#include "source/http1/ignored_upgrades.h"

namespace proxenos::http1 {

// Options of a Connection field that are looked at; a hundred of them is an attack on the search.
inline constexpr int kMaxConnectionOptions = 32;

struct HeadFacts {
  bool has_length = false;
  bool has_transfer_encoding = false;
  bool chunked = false;         // The last transfer coding so far.
  bool unknown_coding = false;  // Some other coding was named.
  bool close = false;           // Connection: close
  bool keep_alive = false;      // Connection: keep-alive
  bool upgrade = false;         // Connection: upgrade
  bool names_fields = false;    // Connection names fields; it stays in the map until they are out.
  bool te_trailers = false;
  uint8_t connection_options = 0;
  uint64_t length = 0;
};

// Each takes in one field of its name.
http::CodecError TakeContentLength(absl::string_view value, HeadFacts& facts);
http::CodecError TakeTransferEncoding(absl::string_view value, HeadFacts& facts);
// Lower-cases the options in place. An option that names a field which is no connection's business
// (one that we know and that is meant for the recipient) is an error: it would make a proxy
// remove what protects the origin.
http::CodecError TakeConnection(const FieldLine& field, HeadFacts& facts);
void TakeTe(absl::string_view value, HeadFacts& facts);

// Of a message with both takes the length out, which the coding overrides; true when there was one.
// Its connection is to close after it: who sends such may be smuggling (RFC 9112, 6.1).
bool DropLength(HeadFacts& facts, http::HeaderMap& headers);
// What holds of codings and length together: REQUIRES all fields taken.
http::CodecError CheckFraming(const HeadFacts& facts);
// Takes the fields that Connection names, and Connection itself, out of `headers`.
void RemoveConnectionFields(http::HeaderMap& headers);

// The first protocol of an Upgrade field that can be switched to: any but HTTP itself (h2c
// included, RFC 9113, 3.1 has dropped it) and those `ignored` (may be null). Empty when none.
// False: malformed.
bool ChooseUpgrade(absl::string_view value, const IgnoredUpgrades* ignored,
                   absl::string_view& protocol);

}  // namespace proxenos::http1
