// What would be stored of a response, as the filter's settings have it: shared by streams and by
// validations in the background.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/buffer/arena.h"
#include "source/cache/byte_range.h"
#include "source/cache/key.h"
#include "source/cache/memory_store.h"
#include "source/cache/response_policy.h"
#include "source/cache/stored_response.h"
#include "source/filters/http/cache/settings.h"
#include "source/http/message.h"

namespace proxenos::filters::cache {

class SharedStore;

inline constexpr base::WallTime kWallSecond = 1000000;

// The request that a response is for, as it was when it came to the filter.
struct Seen {
  explicit Seen(buffer::Arena& arena) : headers(arena) {}
  http::HeaderMap headers;
  store::RequestFacts facts;
};

// What of `variants` answers the request; empty: nothing.
store::StoredResponse Select(const store::Variants& variants, const store::Key& key,
                             const http::HeaderMap& request);

// The head that would be stored, when the response may be.
struct Made {
  store::StoreVerdict verdict = store::StoreVerdict::kStatus;
  std::unique_ptr<store::StoredHead> head;  // Null unless kStore.
};
Made MakeHead(const Settings& settings, const store::Key& key, const Seen& seen,
              const http::ResponseHead& head, base::WallTime now);

// The Content-Range of a 206, where it has one that makes sense.
std::optional<store::ContentRange> ContentRangeOf(const http::ResponseHead& head);

// The head of the whole that a 206 with a Content-Range is a part of, as a 200 would have it (RFC
// 9111, section 3.4): when the 200 might be stored.
Made MakeHeadOfWhole(const Settings& settings, const store::Key& key, const Seen& seen,
                     const http::ResponseHead& part, base::WallTime now);

// What `old` becomes when `headers` update it (RFC 9111, section 3.2), judged as a response that
// came just now with all fields that the update leaves.
struct Freshened {
  enum class Fate : uint8_t {
    kUpdated,   // `head` takes its place.
    kLeft,      // What came is for its client alone: what is stored stays as it was.
    kForgotten  // It may not be shared any more, and what came with that is nobody else's.
  };
  Fate fate = Fate::kLeft;
  store::StoreVerdict verdict = store::StoreVerdict::kStatus;  // Why it is not updated.
  // What the client is answered with; stale at once where it is forgotten. Null: as it was, as the
  // update says by its ETag that it is about another response (section 4.3.4).
  std::unique_ptr<store::StoredHead> head;
};
Freshened Freshen(const Settings& settings, const store::StoredHead& old, const Seen& seen,
                  const http::HeaderMap& headers, base::WallTime now);
// Does that in all stores (`shared` may be null). Returns the response as it is now.
store::StoredResponse TakeFreshened(const Settings& settings, SharedStore* shared,
                                    const store::Key& key, const store::StoredResponse& old,
                                    Freshened fresh);

// The most that a body may have to be stored.
uint64_t MaxBodyBytes(const Settings& settings);

// Errors that RFC 5861, section 4 speaks of.
bool IsError(uint16_t status);

// Whether a request has the field for what its client wants of the response: a call of our own that
// goes out in its place does not take it over.
bool IsOfClient(http::HeaderId id);

// Adds our validators of `stored` in the place of the client's conditions and ranges.
void AddValidators(const store::StoredHead& stored, http::HeaderMap& request);

}  // namespace proxenos::filters::cache
