// Value: what an expression of attributes, or a part of it, evaluates to, and Memory: what holds
// the values that had to be made for it.
//
// Texts, lists and maps are views: of what the attributes show, of the Expression, or of Memory.
// Owner: whoever evaluates, on its stack. Thread: its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "source/json/value.h"

namespace proxenos::cel {

class Map;
class Memory;
struct Value;
using Items = std::vector<Value>;

struct Value {
  enum class Kind : uint8_t {
    kError,
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kDuration,
    kTimestamp,
    kList,
    kJsonList,
    kMap,
    kJsonMap,
  };
  Kind kind = Kind::kNull;
  int32_t nanos = 0;  // Of kDuration, with the sign of `integer`; of kTimestamp, not negative.
  union {
    bool boolean;
    int64_t integer = 0;  // Also the seconds of a duration or of a timestamp.
    uint64_t natural;
    double real;
    const char* bytes;  // Of kError too: static.
    const Items* items;
    const json::List* json_list;
    const Map* map;
    const json::Object* json_map;
  };
  size_t size = 0;  // Of texts and of kList: `items` may have grown behind it.

  static Value Error(const char* why);
  static Value Null() { return Value(); }
  static Value Bool(bool value);
  static Value Int(int64_t value);
  static Value Uint(uint64_t value);
  static Value Double(double value);
  static Value String(absl::string_view text) { return Text(Kind::kString, text); }
  static Value Bytes(absl::string_view text) { return Text(Kind::kBytes, text); }
  // Errors beyond what the language can say: about 10000 years, and the years 1 to 9999.
  static Value Duration(absl::Duration value);
  static Value Timestamp(absl::Time value);
  static Value List(const Items& items);
  static Value OfMap(const Map& map);
  // Numbers are doubles, as in a protobuf Struct.
  static Value Json(const json::Value& value);
  static Value Json(const json::Object& value);

  bool IsError() const { return kind == Kind::kError; }
  bool IsText() const { return kind == Kind::kString || kind == Kind::kBytes; }
  bool IsNumber() const { return kind >= Kind::kInt && kind <= Kind::kDouble; }
  bool IsList() const { return kind == Kind::kList || kind == Kind::kJsonList; }
  bool IsMap() const { return kind == Kind::kMap || kind == Kind::kJsonMap; }
  bool IsTrue() const { return kind == Kind::kBool && boolean; }
  bool IsFalse() const { return kind == Kind::kBool && !boolean; }
  absl::string_view text() const { return absl::string_view(bytes, size); }
  absl::Duration duration() const {
    return absl::Seconds(integer) + absl::Nanoseconds(static_cast<int64_t>(nanos));
  }
  absl::Time timestamp() const { return absl::UnixEpoch() + duration(); }

  // REQUIRES: IsList() or IsMap().
  size_t Count() const;
  // REQUIRES: IsList(), index < Count().
  Value At(size_t index) const;
  // REQUIRES: IsMap(). Nothing: no such key.
  std::optional<Value> Find(const Value& key, Memory& memory) const;
  // REQUIRES: IsMap().
  void AppendKeys(Items& keys) const;

 private:
  static Value Text(Kind kind, absl::string_view text);
};

// Map: what is looked up by key, such as the fields of a head. Owner: whoever shows it, for as long
// as the evaluation takes.
class Map {
 public:
  virtual ~Map() = default;
  virtual size_t size() const = 0;
  // Nothing: no such key.
  virtual std::optional<Value> Find(const Value& key, Memory& memory) const = 0;
  virtual void AppendKeys(Items& keys) const = 0;
};

// Errors that several places give.
inline constexpr char kNoSuchOverload[] = "no such overload";
inline constexpr char kNoSuchKey[] = "no such key";
inline constexpr char kNoSuchAttribute[] = "no such attribute";
inline constexpr char kTooMuch[] = "the expression costs too much";

class Memory {
 public:
  // Bytes of all that one evaluation makes, and how many nodes it may visit: so many microseconds,
  // whatever a peer sends. What is made is charged before it is.
  static constexpr size_t kMaxBytes = size_t{256} * 1024;
  static constexpr uint32_t kMaxSteps = 20'000;

  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // False: there is no room for that much.
  bool Charge(size_t bytes);
  // False: it has taken too long.
  bool Step() { return ++steps_ <= kMaxSteps; }
  // Steps that a function takes by itself: one for so many bytes that it reads.
  bool Walk(size_t bytes) {
    steps_ += static_cast<uint32_t>(bytes < kMaxBytes ? bytes / 64 : kMaxSteps);
    return steps_ <= kMaxSteps;
  }

  // Errors where there is no room.
  Value Keep(Value::Kind kind, std::string text);
  Value KeepString(std::string text) { return Keep(Value::Kind::kString, std::move(text)); }
  // An empty list to be filled; each item is to be charged.
  Items& NewItems();
  void KeepMap(std::unique_ptr<const Map> map) { maps_.push_back(std::move(map)); }

  // The list with one more item. Its items are shared where nobody has added to it yet.
  Value Append(const Value& list, const Value& item);

 private:
  size_t bytes_ = 0;
  uint32_t steps_ = 0;
  std::vector<std::unique_ptr<const std::string>> texts_;
  std::vector<std::unique_ptr<Items>> lists_;
  std::vector<std::unique_ptr<const Map>> maps_;
};

// By the language's ==: numbers by their value, whatever their kind; values of different kinds are
// not the same. False too where it would cost more than `memory` allows.
bool Equal(const Value& a, const Value& b, Memory& memory);
// Below 0, 0, above 0; nothing where the two have no order (a NaN has none).
std::optional<int> Compare(const Value& a, const Value& b);

// Nothing where it is no number, or none that is exactly that.
std::optional<int64_t> ExactInt(const Value& value);

}  // namespace proxenos::cel
