// Formatter: a text format with command operators ("%REQ(:PATH)% %RESPONSE_CODE%\n"), compiled
// once. Serves access logs, header values and local reply bodies alike.
//
// Thread: any (immutable after construction). Format allocates nothing but what `out` needs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/access_log/operator.h"
#include "source/access_log/value.h"

namespace proxenos::access_log {

// What Envoy writes where no format is given. Ends in a newline.
extern const char kDefaultFormat[];

class Formatter {
 public:
  struct Options {
    bool omit_empty_values = false;  // Absent values leave nothing instead of "-".
    OperatorExtensions extensions;
  };
  // Longer formats, or with more operators, are mistakes or attacks.
  static constexpr size_t kMaxFormatBytes = 64 * 1024;
  static constexpr size_t kMaxSegments = 1024;

  // Error: what is wrong, with the operator's name and its position in the format.
  static absl::StatusOr<Formatter> Compile(absl::string_view format, const Options& options);
  static absl::StatusOr<Formatter> Compile(absl::string_view format) {
    return Compile(format, Options());
  }

  // Appends the line to `out`.
  void Format(const FormatInput& input, std::string& out) const;

  // True when it has no operators: Format always appends the same.
  bool is_constant() const { return operators_.empty(); }
  // The text before the first operator; all there is when is_constant().
  const std::string& prefix() const { return prefix_; }

 private:
  friend class JsonFormatter;

  // An operator and the literal text that follows it.
  struct Segment {
    Operator op;
    std::string literal;
  };

  Formatter() = default;
  absl::Status Parse(absl::string_view format);

  Options options_;
  std::string prefix_;
  std::vector<Segment> operators_;
};

}  // namespace proxenos::access_log
