// HeaderChange: one change of a head that somebody outside asks for (an authorization service, a
// processor): checked here, since what he sends must neither break the message nor forge another.
//
// The fields that codecs own (framing, hop-by-hop) are never changed so. Pseudo headers of a
// request
// (":path", ":method", ":authority", ":scheme") are its control data. Thread: the stream's worker.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/message.h"

namespace proxenos::filter {

struct HeaderChange {
  enum class How : uint8_t {
    kSet,               // In the place of all of that name.
    kAdd,               // One more.
    kJoinToPresent,     // To the first of that name, with a comma; nothing when there is none.
    kAddIfAbsent,       //
    kOverwritePresent,  // Nothing when there is none.
  };
  How how = How::kSet;
  std::string name;  // Lower case.
  std::string value;
};

// Whether it could stand in a head at all (RFC 9110, section 5); pseudo headers of requests too.
bool IsValid(const HeaderChange& change);
bool IsValidName(absl::string_view name);

// Copies what it adds into the head's arena. Does nothing when the change is not valid, or not one
// that may be made.
void Apply(const HeaderChange& change, http::RequestHead& head);
// Of a response, or of trailers.
void Apply(const HeaderChange& change, http::HeaderMap& headers);

// Neither control data nor what a codec owns is removed.
void RemoveField(absl::string_view lower_case_name, http::HeaderMap& headers);

}  // namespace proxenos::filter
