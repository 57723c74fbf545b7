// From Syntax to an Expression: names become attributes and variables, calls become functions,
// patterns and time zones are compiled, what is constant is evaluated.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "source/cel/expression.h"
#include "source/cel/literal_map.h"
#include "source/cel/parser.h"

namespace proxenos::cel {
namespace {

using Needs = FunctionRow::Needs;

// Loops in each other multiply their costs; all of them together are bounded anyway.
constexpr size_t kMaxLoops = 8;

const std::string* TextOf(const Syntax& syntax) {
  return syntax.kind == Syntax::Kind::kLiteral ? std::get_if<std::string>(&syntax.literal)
                                               : nullptr;
}

}  // namespace

class Compiler {
 public:
  Compiler(const Options& options, Expression& out) : options_(options), out_(out) {}

  absl::Status Compile(const Syntax& syntax) {
    if (syntax.depth > Syntax::kMaxDepth) {
      return absl::InvalidArgumentError("the expression is nested too deep");
    }
    out_.root_ = Of(syntax);
    return status_;
  }

 private:
  using Node = Expression::Node;
  using Op = Node::Op;
  using Kind = Syntax::Kind;

  uint32_t Fail(std::string why) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(std::move(why));
    return 0;
  }
  uint32_t Add(Node node) {
    if (out_.nodes_.size() >= Syntax::kMaxNodes) return Fail("the expression is too long");
    out_.nodes_.push_back(node);
    return static_cast<uint32_t>(out_.nodes_.size() - 1);
  }
  uint32_t Add(Node node, const std::vector<uint32_t>& children) {
    node.first = static_cast<uint32_t>(out_.children_.size());
    node.count = static_cast<uint32_t>(children.size());
    out_.children_.insert(out_.children_.end(), children.begin(), children.end());
    return Add(node);
  }
  uint32_t Constant(const Value& value) {
    Node node;
    node.constant = value;
    return Add(node);
  }
  absl::string_view Keep(std::string text) {
    out_.texts_.push_back(std::make_unique<const std::string>(std::move(text)));
    return *out_.texts_.back();
  }
  static Node NodeOf(Op op, uint32_t number = 0) {
    Node node;
    node.op = op;
    node.number = number;
    return node;
  }

  uint32_t Of(const Syntax& syntax);
  uint32_t OfLiteral(const Literal& literal);
  uint32_t OfName(const Syntax& syntax);
  uint32_t OfSelect(const Syntax& syntax, Op op);
  uint32_t OfCall(const Syntax& syntax);
  uint32_t OfFunction(const Syntax& syntax);
  uint32_t OfMatches(const Syntax& syntax);
  uint32_t OfTimePart(const Syntax& syntax, TimePart part);
  uint32_t OfList(const Syntax& syntax);
  uint32_t OfLoop(const Syntax& syntax);
  std::vector<uint32_t> OfChildren(const Syntax& syntax);
  uint32_t OfAttribute(Attribute attribute, Op op);
  bool CanBeListed(const std::vector<uint32_t>& nodes);
  bool AllConstant(const std::vector<uint32_t>& nodes) const;
  std::optional<uint32_t> FindVariable(const std::string& name) const;
  std::string Dotted(const Syntax& syntax) const;

  const Options& options_;
  Expression& out_;
  absl::Status status_;
  std::vector<std::pair<std::string, uint32_t>> variables_;  // Innermost last.
  size_t loops_ = 0;
};

std::optional<uint32_t> Compiler::FindVariable(const std::string& name) const {
  for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

// "request.path" of a chain of selections that begins with a name which is no variable; else empty.
// request['path'] is the same.
std::string Compiler::Dotted(const Syntax& syntax) const {
  if (syntax.kind == Kind::kName) {
    return FindVariable(syntax.text).has_value() ? std::string() : syntax.text;
  }
  const bool index = syntax.kind == Kind::kCall && syntax.text == "_[_]" &&
                     syntax.children.size() == 2 && TextOf(syntax.children[1]) != nullptr;
  if (!index && syntax.kind != Kind::kSelect && syntax.kind != Kind::kHas) return {};
  if (syntax.children.empty()) return {};
  const std::string before = Dotted(syntax.children[0]);
  if (before.empty()) return {};
  return absl::StrCat(before, ".", index ? *TextOf(syntax.children[1]) : syntax.text);
}

uint32_t Compiler::OfAttribute(Attribute attribute, Op op) {
  out_.phase_ = std::max(out_.phase_, PhaseOf(attribute));
  return Add(NodeOf(op, static_cast<uint32_t>(attribute)));
}

uint32_t Compiler::OfLiteral(const Literal& literal) {
  if (const bool* flag = std::get_if<bool>(&literal)) return Constant(Value::Bool(*flag));
  if (const int64_t* number = std::get_if<int64_t>(&literal)) return Constant(Value::Int(*number));
  if (const uint64_t* number = std::get_if<uint64_t>(&literal)) {
    return Constant(Value::Uint(*number));
  }
  if (const double* number = std::get_if<double>(&literal)) return Constant(Value::Double(*number));
  if (const std::string* text = std::get_if<std::string>(&literal)) {
    return Constant(Value::String(Keep(*text)));
  }
  if (const BytesLiteral* bytes = std::get_if<BytesLiteral>(&literal)) {
    return Constant(Value::Bytes(Keep(bytes->bytes)));
  }
  return Constant(Value::Null());
}

uint32_t Compiler::OfName(const Syntax& syntax) {
  if (const auto slot = FindVariable(syntax.text)) return Add(NodeOf(Op::kVariable, *slot));
  if (const auto attribute = FindAttribute(syntax.text)) {
    return OfAttribute(*attribute, Op::kAttribute);
  }
  return Fail(absl::StrCat("'", syntax.text, "' alone is no value: ", HintFor(syntax.text)));
}

uint32_t Compiler::OfSelect(const Syntax& syntax, Op op) {
  const std::string name = Dotted(syntax);
  if (const auto attribute = FindAttribute(name)) {
    return OfAttribute(*attribute, op == Op::kHas ? Op::kHasAttribute : Op::kAttribute);
  }
  bool within = name.empty();  // Within an attribute, or within what is none.
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    within = within || FindAttribute(absl::string_view(name).substr(0, dot)).has_value();
  }
  if (!within) return Fail(absl::StrCat("'", name, "' is not known: ", HintFor(name)));
  Node node = NodeOf(op);
  node.constant = Value::String(Keep(syntax.text));
  return Add(node, {Of(syntax.children[0])});
}

std::vector<uint32_t> Compiler::OfChildren(const Syntax& syntax) {
  std::vector<uint32_t> nodes;
  for (const Syntax& child : syntax.children) {
    if (status_.ok()) nodes.push_back(Of(child));
  }
  return nodes;
}

bool Compiler::AllConstant(const std::vector<uint32_t>& nodes) const {
  return status_.ok() && std::all_of(nodes.begin(), nodes.end(), [this](uint32_t node) {
           return out_.nodes_[node].op == Op::kConstant;
         });
}

uint32_t Compiler::OfList(const Syntax& syntax) {
  const std::vector<uint32_t> children = OfChildren(syntax);
  if (!AllConstant(children)) return Add(NodeOf(Op::kList), children);
  Items items;
  for (uint32_t child : children) items.push_back(out_.nodes_[child].constant);
  out_.lists_.push_back(std::make_unique<const Items>(std::move(items)));
  return Constant(Value::List(*out_.lists_.back()));
}

// Filter state says what there is under a name, but not which names there are.
bool Compiler::CanBeListed(const std::vector<uint32_t>& nodes) {
  if (!status_.ok()) return false;  // Then there may be no such nodes.
  for (const uint32_t index : nodes) {
    const Node& node = out_.nodes_[index];
    if (node.op == Op::kAttribute &&
        node.number == static_cast<uint32_t>(Attribute::kFilterState)) {
      Fail("what filter_state has can not be listed");
    }
  }
  return status_.ok();
}

uint32_t Compiler::OfLoop(const Syntax& syntax) {
  if (++loops_ > kMaxLoops) return Fail("the expression has too many loops");
  std::vector<uint32_t> nodes;
  nodes.push_back(Of(syntax.children[Syntax::kRange]));
  if (!CanBeListed(nodes)) return 0;
  nodes.push_back(Of(syntax.children[Syntax::kInit]));
  const uint32_t slot = out_.slots_;
  out_.slots_ += 2;
  variables_.emplace_back(syntax.text, slot);
  variables_.emplace_back(syntax.result, slot + 1);
  nodes.push_back(Of(syntax.children[Syntax::kCondition]));
  nodes.push_back(Of(syntax.children[Syntax::kStep]));
  variables_.erase(variables_.end() - 2);  // The result sees no more than the result.
  nodes.push_back(Of(syntax.children[Syntax::kResult]));
  variables_.pop_back();
  return Add(NodeOf(Op::kLoop, slot), nodes);
}

uint32_t Compiler::OfMatches(const Syntax& syntax) {
  const std::string* pattern = syntax.children.size() == 2 ? TextOf(syntax.children[1]) : nullptr;
  if (pattern == nullptr) return Fail("matches() takes a text and a pattern that is written out");
  auto regex = match::Regex::Compile(*pattern, match::Regex::Unit::kUtf8);
  if (!regex.ok()) return Fail(std::string(regex.status().message()));
  const uint32_t operand = Of(syntax.children[0]);
  out_.patterns_.push_back(*std::move(regex));
  const auto number = static_cast<uint32_t>(out_.patterns_.size() - 1);
  return Add(NodeOf(Op::kMatches, number), {operand});
}

uint32_t Compiler::OfTimePart(const Syntax& syntax, TimePart part) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (syntax.children.empty() || syntax.children.size() > 2) {
    return Fail(absl::StrCat(syntax.text, "() takes a time, and a time zone or none"));
  }
  if (syntax.children.size() == 2) {
    const std::string* name = TextOf(syntax.children[1]);
    const auto found = name == nullptr ? std::nullopt : FindZone(*name);
    if (!found) {
      return Fail(absl::StrCat(syntax.text, "() takes a time zone that is written out and known"));
    }
    zone = *found;
  }
  const uint32_t operand = Of(syntax.children[0]);
  out_.zones_.push_back(zone);
  Node node = NodeOf(Op::kTime, static_cast<uint32_t>(out_.zones_.size() - 1));
  node.part = part;
  return Add(node, {operand});
}

uint32_t Compiler::OfFunction(const Syntax& syntax) {
  bool known = false;
  const FunctionRow* row = FindFunction(syntax.text, syntax.children.size(), &known);
  if (row == nullptr) {
    return Fail(absl::StrCat("function '", syntax.text, "' ",
                             known ? "takes another number of arguments" : "is not known"));
  }
  if (row->needs == Needs::kConversion && !options_.string_conversion) {
    return Fail("string() is off unless cel_config.enable_string_conversion is true");
  }
  if (row->needs == Needs::kStringFunctions && !options_.string_functions) {
    return Fail(
        absl::StrCat(syntax.text, "() is off unless cel_config.enable_string_functions is true"));
  }
  Node node = NodeOf(Op::kCall);
  node.function = row->function;
  const std::vector<Syntax>& arguments = syntax.children;
  if (syntax.text == "_+_" && arguments[1].kind == Kind::kList &&
      arguments[1].children.size() == 1) {
    return Add(NodeOf(Op::kAppend), {Of(arguments[0]), Of(arguments[1].children[0])});
  }
  if (syntax.text == "_+_" && !options_.string_concat) {
    if (TextOf(arguments[0]) != nullptr || TextOf(arguments[1]) != nullptr) {
      return Fail("+ of texts is off unless cel_config.enable_string_concat is true");
    }
    node.function = AddButTexts;
  }
  const std::vector<uint32_t> children = OfChildren(syntax);
  const bool looks_up = syntax.text == "_[_]" || syntax.text == "@in" || syntax.text == "_in_";
  if (!looks_up && !CanBeListed(children)) return 0;
  if (AllConstant(children) && !children.empty()) {
    Items values;
    for (uint32_t child : children) values.push_back(out_.nodes_[child].constant);
    Memory memory;
    const Value value = node.function(values, memory);
    // What has no parts that `memory` keeps. Errors wait for the evaluation, which may pass them
    // by.
    if (value.IsNumber() || value.kind == Value::Kind::kBool ||
        value.kind == Value::Kind::kDuration || value.kind == Value::Kind::kTimestamp) {
      return Constant(value);
    }
  }
  return Add(node, children);
}

uint32_t Compiler::OfCall(const Syntax& syntax) {
  const auto is = [&syntax](absl::string_view name, size_t arguments) {
    return syntax.text == name && syntax.children.size() == arguments;
  };
  if (is("_&&_", 2)) return Add(NodeOf(Op::kAnd), OfChildren(syntax));
  if (is("_||_", 2)) return Add(NodeOf(Op::kOr), OfChildren(syntax));
  if (is("_?_:_", 3)) return Add(NodeOf(Op::kIf), OfChildren(syntax));
  if (is("@not_strictly_false", 1) || is("__not_strictly_false__", 1)) {
    return Add(NodeOf(Op::kNotFalse), OfChildren(syntax));
  }
  if (syntax.text == "matches") return OfMatches(syntax);
  if (is("_[_]", 2) && !Dotted(syntax).empty()) {
    if (const auto attribute = FindAttribute(Dotted(syntax))) {
      return OfAttribute(*attribute, Op::kAttribute);
    }
  }
  if (const auto part = FindTimePart(syntax.text)) return OfTimePart(syntax, *part);
  return OfFunction(syntax);
}

uint32_t Compiler::Of(const Syntax& syntax) {
  if (!status_.ok()) return 0;
  switch (syntax.kind) {
    case Kind::kLiteral:
      return OfLiteral(syntax.literal);
    case Kind::kName:
      return OfName(syntax);
    case Kind::kSelect:
      return OfSelect(syntax, Op::kSelect);
    case Kind::kHas:
      return OfSelect(syntax, Op::kHas);
    case Kind::kCall:
      return OfCall(syntax);
    case Kind::kList:
      return OfList(syntax);
    case Kind::kMap:
      return Add(NodeOf(Op::kMap), OfChildren(syntax));
    case Kind::kLoop:
      return OfLoop(syntax);
  }
  return 0;
}

absl::StatusOr<std::shared_ptr<const Expression>> Expression::Compile(const Syntax& syntax,
                                                                      const Options& options) {
  auto expression = std::unique_ptr<Expression>(new Expression());
  absl::Status status = Compiler(options, *expression).Compile(syntax);
  if (!status.ok()) return status;
  return std::shared_ptr<const Expression>(std::move(expression));
}

absl::StatusOr<std::shared_ptr<const Expression>> Expression::Compile(absl::string_view text,
                                                                      const Options& options) {
  absl::StatusOr<Syntax> syntax = ParseExpression(text);
  if (!syntax.ok()) return syntax.status();
  return Compile(*syntax, options);
}

}  // namespace proxenos::cel
