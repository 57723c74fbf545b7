// One value against one set of validate.rules. Each function answers with what was expected, as the
// end of "value V: expected ...", or with an empty text where the value is fine.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "re2/re2.h"
#include "source/base/clock.h"
#include "validate/validate.pb.h"

namespace proxenos::config {

std::string BrokenRule(const validate::FloatRules& rules, float value);
std::string BrokenRule(const validate::DoubleRules& rules, double value);
std::string BrokenRule(const validate::Int32Rules& rules, int32_t value);
std::string BrokenRule(const validate::Int64Rules& rules, int64_t value);
std::string BrokenRule(const validate::UInt32Rules& rules, uint32_t value);
std::string BrokenRule(const validate::UInt64Rules& rules, uint64_t value);
std::string BrokenRule(const validate::SInt32Rules& rules, int32_t value);
std::string BrokenRule(const validate::SInt64Rules& rules, int64_t value);
std::string BrokenRule(const validate::Fixed32Rules& rules, uint32_t value);
std::string BrokenRule(const validate::Fixed64Rules& rules, uint64_t value);
std::string BrokenRule(const validate::SFixed32Rules& rules, int32_t value);
std::string BrokenRule(const validate::SFixed64Rules& rules, int64_t value);
std::string BrokenRule(const validate::BoolRules& rules, bool value);

// `pattern` is the compiled rules.pattern(), null where there is none.
std::string BrokenRule(const validate::StringRules& rules, const re2::RE2* pattern,
                       std::string_view value);
std::string BrokenRule(const validate::BytesRules& rules, const re2::RE2* pattern,
                       std::string_view value);

// `defined` tells whether the enum has a value of this number.
std::string BrokenRule(const validate::EnumRules& rules, int value, bool defined);

std::string BrokenRule(const validate::AnyRules& rules, const google::protobuf::Any& value);
std::string BrokenRule(const validate::DurationRules& rules,
                       const google::protobuf::Duration& value);
std::string BrokenRule(const validate::TimestampRules& rules,
                       const google::protobuf::Timestamp& value, base::WallTime now);

}  // namespace proxenos::config
