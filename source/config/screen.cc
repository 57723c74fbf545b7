// The look: along the wire, with a plan at hand for each message in it.
#include "source/config/screen.h"

#include <array>
#include <cstring>

#include "google/protobuf/duration.pb.h"
#include "source/base/utf8.h"
#include "source/config/constraint_rules.h"
#include "source/config/screen_plan.h"

namespace proxenos::config {
namespace {

using Kind = ScreenStep::Kind;

// Messages within messages, Any included: less than protobuf's own limit in either.
constexpr int kMaxDepth = 80;
// As deep as the walks go.
constexpr int kMaxAnyDepth = 16;

constexpr uint8_t kVarint = 0;
constexpr uint8_t kFixed64 = 1;
constexpr uint8_t kLength = 2;
constexpr uint8_t kFixed32 = 5;

ScreenPlans& Plans() {
  static ScreenPlans plans;
  return plans;
}

// What is left of the bytes; every reader is false at what is none, or is written at length.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool done() const { return at_ == end_; }

  bool Varint(uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 63 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return true;
    }
    // The tenth byte of a negative number.
    if (at_ == end_ || *at_ != 1) return false;
    ++at_;
    value |= uint64_t{1} << 63;
    return true;
  }

  bool Number(uint8_t wire, uint64_t& value) {
    if (wire == kVarint) return Varint(value);
    return wire == kFixed32 ? Fixed<uint32_t>(value) : wire == kFixed64 && Fixed<uint64_t>(value);
  }

  bool Piece(std::string_view& piece) {
    uint64_t size = 0;
    if (!Varint(size) || size > static_cast<uint64_t>(end_ - at_)) return false;
    piece = std::string_view(at_, static_cast<size_t>(size));
    at_ += size;
    return true;
  }

 private:
  template <typename T>
  bool Fixed(uint64_t& value) {
    if (static_cast<size_t>(end_ - at_) < sizeof(T)) return false;
    T bits;
    std::memcpy(&bits, at_, sizeof(T));
    at_ += sizeof(T);
    value = bits;
    return true;
  }

  const char* at_;
  const char* end_;
};

class Screen {
 public:
  bool Message(const ScreenPlan& plan, std::string_view bytes) {
    if (!plan.usable || depth_ >= kMaxDepth) return false;
    ++depth_;
    ScreenPlan::Fields seen;
    Counts counts{};
    const bool fine = Fields(plan, Wire(bytes), seen, counts) && Complete(plan, seen, counts);
    --depth_;
    return fine;
  }

 private:
  using Counts = std::array<uint32_t, ScreenPlan::kMaxCounters>;

  bool Fields(const ScreenPlan& plan, Wire wire, ScreenPlan::Fields& seen, Counts& counts) {
    while (!wire.done()) {
      uint64_t tag = 0;
      if (!wire.Varint(tag)) return false;
      const uint64_t number = tag >> 3;
      const size_t place = number < plan.places.size() ? plan.places[number] : 0;
      if (place == 0) return false;
      const ScreenStep& step = plan.steps[place - 1];
      if (step.kind == Kind::kUnsure) return false;
      if (!step.repeated && seen[place - 1]) return false;
      seen.set(place - 1);
      const auto type = static_cast<uint8_t>(tag & 7);
      if (type != step.wire) {
        if (type != kLength || !step.packable || !Packed(step, wire)) return false;
        // Elements of a packed list are not counted.
        if (step.counter != ScreenStep::kNotCounted) return false;
        continue;
      }
      if (step.counter != ScreenStep::kNotCounted && ++counts[step.counter] > step.most) {
        return false;
      }
      if (!Value(step, wire)) return false;
    }
    return true;
  }

  static bool Complete(const ScreenPlan& plan, const ScreenPlan::Fields& seen,
                       const Counts& counts) {
    if ((plan.needed & ~seen).any()) return false;
    for (const ScreenPlan::Fields& choice : plan.choices) {
      if ((choice & seen).none()) return false;
    }
    for (const ScreenPlan::Bound& bound : plan.bounds) {
      if (counts[bound.counter] < bound.least) return false;
    }
    return true;
  }

  static bool Packed(const ScreenStep& step, Wire& wire) {
    std::string_view list;
    if (!wire.Piece(list) || list.empty()) return false;
    Wire elements(list);
    while (!elements.done()) {
      if (!Number(step, elements)) return false;
    }
    return true;
  }

  static bool Number(const ScreenStep& step, Wire& wire) {
    uint64_t value = 0;
    if (!wire.Number(step.wire, value)) return false;
    if (!step.all_allowed && (value >= 64 || (step.allowed >> value & 1) == 0)) return false;
    if (step.rules == nullptr) return true;
    if (step.defined != nullptr &&
        step.defined->FindValueByNumber(static_cast<int>(value)) == nullptr) {
      return false;
    }
    return step.number(*step.rules, value);
  }

  bool Value(const ScreenStep& step, Wire& wire) {
    if (step.kind == Kind::kNumber) return Number(step, wire);
    std::string_view piece;
    if (!wire.Piece(piece)) return false;
    switch (step.kind) {
      case Kind::kText:
        // Outside of any Any the message has been parsed, which is when this is looked at.
        if (any_depth_ > 0 && !base::IsUtf8({piece.data(), piece.size()})) return false;
        return step.rules == nullptr ||
               BrokenRule(step.rules->string(), step.pattern, piece).empty();
      case Kind::kBytes:
        return step.rules == nullptr ||
               BrokenRule(step.rules->bytes(), step.pattern, piece).empty();
      case Kind::kMessage:
        return Message(*step.below, piece);
      case Kind::kDuration: {
        google::protobuf::Duration duration;
        return duration.ParseFromArray(piece.data(), static_cast<int>(piece.size())) &&
               duration.GetReflection()->GetUnknownFields(duration).empty() &&
               BrokenRule(step.rules->duration(), duration).empty();
      }
      default:
        return Any(step, piece);
    }
  }

  bool Any(const ScreenStep& step, std::string_view bytes) {
    Wire wire(bytes);
    std::array<std::string_view, 2> fields;  // type_url, value
    std::array<bool, 2> seen{};
    while (!wire.done()) {
      uint64_t tag = 0;
      if (!wire.Varint(tag) || (tag & 7) != kLength) return false;
      const uint64_t place = (tag >> 3) - 1;  // Far beyond for number 0.
      if (place >= fields.size() || seen[place] || !wire.Piece(fields[place])) return false;
      seen[place] = true;
    }
    const std::string_view url = fields[0];
    if (url.empty() && fields[1].empty()) return true;
    const ScreenPlan* plan = Plans().Find(url);
    if (plan == nullptr || any_depth_ >= kMaxAnyDepth) return false;
    if (!base::IsUtf8({url.data(), url.size()})) return false;
    if (!step.types.empty() && !Lists(step.types, url.substr(url.rfind('/') + 1))) return false;
    ++any_depth_;
    const bool fine = Message(*plan, fields[1]);
    --any_depth_;
    return fine;
  }

  int depth_ = 0;
  int any_depth_ = 0;
};

}  // namespace

bool SurelyFine(const google::protobuf::Descriptor& type, std::string_view bytes) {
  return Screen().Message(Plans().Get(type), bytes);
}

}  // namespace proxenos::config
