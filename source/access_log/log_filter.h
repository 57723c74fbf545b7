// LogFilter: whether a finished request is logged (envoy.config.accesslog.v3.AccessLogFilter),
// compiled to a tree.
//
// Thread: any (immutable after construction).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/value.h"
#include "source/cel/expression.h"
#include "source/match/value_matcher.h"
#include "source/route/header_matcher.h"
#include "source/runtime/setting.h"

namespace proxenos::access_log {

class LogFilter {
 public:
  enum class Comparison : uint8_t { kEqual, kAtLeast, kAtMost, kNotEqual };
  // Which share of requests passes, from the bits of x-request-id or, when `independent` or without
  // that, from random ones.
  struct Sampling {
    runtime::IntegerSetting numerator;
    uint64_t denominator = 100;
    bool independent = false;
  };

  static LogFilter Always(bool passes);
  static LogFilter StatusCode(Comparison comparison, runtime::IntegerSetting value);
  static LogFilter DurationMs(Comparison comparison, runtime::IntegerSetting value);
  // Any of these flags; no bits: any flag at all.
  static LogFilter AnyFlag(uint32_t flags);
  static LogFilter Header(route::HeaderMatcher matcher);
  // Bit N stands for gRPC status N.
  static LogFilter GrpcStatus(uint32_t statuses, bool exclude);
  // Bit N stands for LogType N.
  static LogFilter Type(uint32_t types, bool exclude);
  static LogFilter Sample(Sampling sampling);
  // Not of the requests that the health check filter took for checks of the proxy.
  static LogFilter NotHealthCheck() { return LogFilter(Kind::kNotHealthCheck); }
  // Of those whose trace a collector is told.
  static LogFilter Traced() { return LogFilter(Kind::kTraced); }
  // Of dynamic metadata: where there is a value at `path` (the namespace first), whether it matches
  // (it does not without a matcher), else `if_absent`.
  static LogFilter Metadata(std::vector<std::string> path,
                            std::optional<match::ValueMatcher> matcher, bool if_absent);
  // Of those for which it is true.
  static LogFilter Expression(std::shared_ptr<const cel::Expression> expression);
  static LogFilter All(std::vector<LogFilter> filters);
  static LogFilter Any(std::vector<LogFilter> filters);

  bool Passes(const FormatInput& input) const;

 private:
  enum class Kind : uint8_t {
    kAlways,
    kStatus,
    kDuration,
    kFlags,
    kHeader,
    kGrpc,
    kSample,
    kAll,
    kAny,
    kNotHealthCheck,
    kTraced,
    kMetadata,
    kExpression,
    kType,
  };

  explicit LogFilter(Kind kind) : kind_(kind) {}
  bool PassesComparison(uint64_t value, const FormatInput& input) const;
  bool PassesSampling(const FormatInput& input) const;
  bool PassesMetadata(const FormatInput& input) const;

  Kind kind_;
  // What Always answers; GrpcStatus, Type: exclude; Metadata: if there is none.
  bool flag_ = false;
  Comparison comparison_ = Comparison::kEqual;
  runtime::IntegerSetting threshold_;  // To compare with.
  uint64_t bits_ = 0;
  Sampling sampling_;
  std::optional<route::HeaderMatcher> header_;
  std::vector<std::string> path_;  // Of kMetadata.
  std::optional<match::ValueMatcher> value_;
  std::shared_ptr<const cel::Expression> expression_;
  std::vector<LogFilter> children_;
};

}  // namespace proxenos::access_log
