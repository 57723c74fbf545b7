// Reply: one answer of a Redis server, and ReplyReader, which takes the protocol apart: RESP2 and
// RESP3 (the Redis serialization protocol specification).
//
// What a server sends is not trusted: sizes, counts and depth have limits, and memory grows with
// what has come, not with what was announced. No sockets, no loop. Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::redis {

struct Reply {
  enum class Kind : uint8_t {
    kNull,
    kText,  // Strings of any kind; numbers with a fraction or too large, and booleans, as sent.
    kError,
    kInteger,
    kList,  // Arrays and sets; maps as keys and values in turn.
  };
  Kind kind = Kind::kNull;
  bool push = false;    // Sent unasked (RESP3).
  int64_t integer = 0;  // Of kInteger.
  std::string text;     // Of kText and kError.
  std::vector<Reply> items;

  bool IsText(absl::string_view wanted) const { return kind == Kind::kText && text == wanted; }
};

class ReplyReader {
 public:
  struct Limits {
    uint64_t max_bytes = uint64_t{16} << 20;  // Of one reply, as it is sent.
    uint32_t max_items = 16384;               // Of one reply, in all its lists.
  };
  explicit ReplyReader(const Limits& limits) : limits_(limits) {}

  enum class Status : uint8_t {
    kMore,    // All bytes are taken, and no reply is complete.
    kReply,   // `reply` is one.
    kBroken,  // It is no RESP, or beyond a limit. Nothing more can be read.
  };
  // Takes what it needs from the front of `bytes`.
  Status Next(absl::string_view* bytes, Reply* reply);

 private:
  struct Level {
    Reply list;
    uint64_t left;  // Items to come.
    bool dropped;   // Attributes (RESP3), which nobody asked for.
  };
  enum class Step : uint8_t { kMore, kValue, kNested, kBroken };

  Step TakeLine(absl::string_view* bytes, Reply* value);
  Step TakeBulk(absl::string_view* bytes, Reply* value);
  Step ReadLine(Reply* value);
  Step BeginBulk(absl::string_view size, Reply* value);
  Step BeginList(char kind, absl::string_view size, Reply* value);
  // Puts a value where it belongs. True: it is a whole reply.
  bool Deliver(Reply* value);

  const Limits limits_;
  std::string line_;      // What has come of a line, with its kind.
  bool in_bulk_ = false;  // The bytes of bulk_ come.
  bool bulk_is_error_ = false;
  bool bulk_has_form_ = false;  // "txt:" stands before it (verbatim strings).
  uint64_t bulk_left_ = 0;      // With the line's end.
  std::string bulk_;
  std::vector<Level> levels_;
  uint64_t bytes_ = 0;  // Of the reply so far.
  uint64_t items_ = 0;
  bool broken_ = false;
};

}  // namespace proxenos::redis
