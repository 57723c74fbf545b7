// Expression: an expression of attributes in the Common Expression Language, compiled.
//
// What is evaluated costs at most Memory's limits, whatever a peer sends; expressions without loops
// that compare attributes with constants allocate nothing. Thread: any (immutable).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/cel/attribute.h"
#include "source/cel/function.h"
#include "source/cel/options.h"
#include "source/cel/syntax.h"
#include "source/cel/value.h"
#include "source/match/regex.h"

namespace proxenos::cel {

class Expression {
 public:
  // Error: what is wrong, and with a text at which byte.
  static absl::StatusOr<std::shared_ptr<const Expression>> Compile(absl::string_view text,
                                                                   const Options& options);
  static absl::StatusOr<std::shared_ptr<const Expression>> Compile(const Syntax& syntax,
                                                                   const Options& options);
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  // Views live as long as this, `memory` and what the attributes show.
  Value Evaluate(const Attributes& attributes, Memory& memory) const;
  // Whether it is true: errors and other values are not.
  bool Holds(const Attributes& attributes) const;

  // From when on all that it names is there: earlier it may come out otherwise.
  Phase phase() const { return phase_; }

 private:
  friend class Compiler;    // In compiler.cc.
  friend class Evaluation;  // In expression.cc.

  struct Node {
    enum class Op : uint8_t {
      kConstant,   // `constant`
      kVariable,   // Of a loop: slot `number`.
      kAttribute,  // `number`
      kHasAttribute,
      kSelect,  // Of child 0, by the key `constant`.
      kHas,
      kAnd,
      kOr,
      kIf,
      kNotFalse,  // Not strictly false: errors are not.
      kCall,      // `function` of the children.
      kMatches,   // Child 0 and the pattern `number`.
      kTime,      // A part of child 0 in the time zone `number`; which: `part`.
      kList,
      kAppend,  // Child 0, which is a list, and one more item, child 1.
      kMap,
      kLoop,  // Children as in Syntax; slots `number` (what is looped over) and the next (result).
    };
    Op op = Op::kConstant;
    TimePart part = TimePart::kYear;
    uint32_t first = 0;  // In children_.
    uint32_t count = 0;
    uint32_t number = 0;
    Function function = nullptr;
    Value constant;
  };

  Expression() = default;

  std::vector<Node> nodes_;
  std::vector<uint32_t> children_;
  uint32_t root_ = 0;
  uint32_t slots_ = 0;
  Phase phase_ = Phase::kConnection;
  std::vector<std::unique_ptr<const std::string>> texts_;
  std::vector<std::unique_ptr<const Items>> lists_;
  std::vector<match::Regex> patterns_;
  std::vector<absl::TimeZone> zones_;
};

}  // namespace proxenos::cel
