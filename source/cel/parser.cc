// The grammar, one function a level of precedence.
#include "source/cel/parser.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "source/cel/lexer.h"
#include "source/cel/macros.h"

namespace proxenos::cel {
namespace {

struct Operator {
  absl::string_view sign;
  const char* function;
};
constexpr Operator kRelations[] = {{"==", "_==_"}, {"!=", "_!=_"}, {"<", "_<_"}, {"<=", "_<=_"},
                                   {">", "_>_"},   {">=", "_>=_"}, {"in", "@in"}};
constexpr Operator kSums[] = {{"+", "_+_"}, {"-", "_-_"}};
constexpr Operator kProducts[] = {{"*", "_*_"}, {"/", "_/_"}, {"%", "_%_"}};

constexpr absl::string_view kReserved[] = {
    "as", "break", "const", "continue", "else",      "for",    "function", "if",   "import",
    "in", "let",   "loop",  "package",  "namespace", "return", "var",      "void", "while"};

// Parentheses, brackets and the like in each other.
constexpr int kMaxNesting = 64;

class Parser {
 public:
  explicit Parser(absl::string_view text) : lexer_(text) { Advance(); }

  absl::StatusOr<Syntax> Parse() {
    Syntax whole = Conditional();
    if (status_.ok() && token_.kind != Token::Kind::kEnd) Fail("expected an operator or the end");
    if (!status_.ok()) return status_;
    return whole;
  }

 private:
  using Kind = Syntax::Kind;

  // What is made after a failure counts for nothing; the text counts as ended, so that all loops
  // do.
  void Fail(absl::string_view why) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat("at byte ", token_.begin, ": ", why));
    }
    token_ = Token();
  }
  void Advance() {
    if (!status_.ok()) return;
    status_ = lexer_.Next(token_);
    if (!status_.ok()) token_ = Token();
  }
  bool Is(absl::string_view sign) const {
    return (token_.kind == Token::Kind::kSign || token_.kind == Token::Kind::kName) &&
           token_.text == sign;
  }
  bool Accept(absl::string_view sign) {
    if (!Is(sign)) return false;
    Advance();
    return true;
  }
  void Expect(absl::string_view sign) {
    if (!Accept(sign)) Fail(absl::StrCat("expected '", sign, "'"));
  }
  // Every node goes through here: no tree becomes deeper or larger than what walks it bears.
  Syntax Made(Syntax syntax) {
    if (++nodes_ > Syntax::kMaxNodes) Fail("the expression is too long");
    if (syntax.depth > Syntax::kMaxDepth) Fail("the expression is nested too deep");
    return syntax;
  }

  Syntax Conditional();
  Syntax Logical(absl::string_view sign, const char* function, Syntax (Parser::*below)());
  Syntax Or() { return Logical("||", "_||_", &Parser::And); }
  Syntax And() { return Logical("&&", "_&&_", &Parser::Relation); }
  Syntax LeftToRight(absl::Span<const Operator> operators, Syntax (Parser::*below)());
  Syntax Relation() { return LeftToRight(kRelations, &Parser::Sum); }
  Syntax Sum() { return LeftToRight(kSums, &Parser::Product); }
  Syntax Product() { return LeftToRight(kProducts, &Parser::Unary); }
  Syntax Unary();
  Syntax Member();
  Syntax Selection(Syntax operand);
  Syntax Primary();
  Syntax Named();
  Syntax MapLiteral();
  Syntax Magnitude(bool negative);
  std::vector<Syntax> List(absl::string_view end);
  Syntax Balanced(const char* function, absl::Span<Syntax> operands);
  std::string TakeName();

  Lexer lexer_;
  Token token_;
  absl::Status status_;
  int nesting_ = 0;
  size_t nodes_ = 0;
};

Syntax Parser::Conditional() {
  if (++nesting_ > kMaxNesting) Fail("the expression is nested too deep");
  Syntax condition = Or();
  if (Accept("?")) {
    Syntax then = Or();
    Expect(":");
    Syntax otherwise = status_.ok() ? Conditional() : Syntax();
    condition = Made(Syntax::Call(
        "_?_:_", Children(std::move(condition), std::move(then), std::move(otherwise))));
  }
  --nesting_;
  return condition;
}

// A chain of a hundred is a tree of seven levels: the order of evaluation is the same.
Syntax Parser::Balanced(const char* function, absl::Span<Syntax> operands) {
  if (operands.size() == 1) return std::move(operands[0]);
  const size_t half = (operands.size() + 1) / 2;
  Syntax left = Balanced(function, operands.subspan(0, half));
  Syntax right = Balanced(function, operands.subspan(half));
  return Made(Syntax::Call(function, Children(std::move(left), std::move(right))));
}

Syntax Parser::Logical(absl::string_view sign, const char* function, Syntax (Parser::*below)()) {
  std::vector<Syntax> operands;
  do {
    operands.push_back((this->*below)());
  } while (Accept(sign));
  return Balanced(function, absl::MakeSpan(operands));
}

Syntax Parser::LeftToRight(absl::Span<const Operator> operators, Syntax (Parser::*below)()) {
  Syntax left = (this->*below)();
  while (status_.ok()) {
    const auto found = std::find_if(operators.begin(), operators.end(),
                                    [this](const Operator& one) { return Is(one.sign); });
    if (found == operators.end()) break;
    Advance();
    Syntax right = (this->*below)();
    left = Made(Syntax::Call(found->function, Children(std::move(left), std::move(right))));
  }
  return left;
}

Syntax Parser::Unary() {
  const bool negates = Is("-");
  if (!negates && !Is("!")) return Member();
  const absl::string_view sign = negates ? "-" : "!";
  size_t count = 0;
  while (Accept(sign)) ++count;
  // The least int has no positive.
  if (negates && count == 1 && token_.kind == Token::Kind::kMagnitude) return Magnitude(true);
  Syntax operand = Member();
  // Two of either say nothing, but of what they may stand before.
  for (size_t i = 0; status_.ok() && i < (count % 2 == 0 ? 2 : 1); ++i) {
    operand = Made(Syntax::Call(negates ? "-_" : "!_", Children(std::move(operand))));
  }
  return operand;
}

Syntax Parser::Magnitude(bool negative) {
  constexpr uint64_t kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const uint64_t magnitude = token_.magnitude;
  if (magnitude > kMost + (negative ? 1 : 0)) {
    Fail("a number that no int holds");
    return Syntax();
  }
  Advance();
  return Made(Syntax::Of(static_cast<int64_t>(negative ? 0 - magnitude : magnitude)));
}

Syntax Parser::Member() {
  Syntax operand = Primary();
  while (status_.ok()) {
    if (Accept(".")) {
      operand = Selection(std::move(operand));
    } else if (Accept("[")) {
      Syntax index = Conditional();
      Expect("]");
      operand = Made(Syntax::Call("_[_]", Children(std::move(operand), std::move(index))));
    } else {
      break;
    }
  }
  return operand;
}

std::string Parser::TakeName() {
  if (token_.kind != Token::Kind::kName) {
    Fail("expected a name");
    return {};
  }
  std::string name(token_.text);
  Advance();
  return name;
}

Syntax Parser::Selection(Syntax operand) {
  std::string name = TakeName();
  if (!Accept("(")) {
    return Made(Syntax::Make(Kind::kSelect, std::move(name), Children(std::move(operand))));
  }
  std::vector<Syntax> arguments = List(")");
  if (!status_.ok()) return Syntax();
  auto macro = ExpandMacro(name, operand, arguments);
  if (!macro.ok()) {
    Fail(macro.status().message());
    return Syntax();
  }
  nodes_ += 8;  // Of a macro, more or less.
  if (macro->has_value()) return Made(**std::move(macro));
  arguments.insert(arguments.begin(), std::move(operand));
  return Made(Syntax::Call(std::move(name), std::move(arguments)));
}

Syntax Parser::Named() {
  Accept(".");
  std::string name = TakeName();
  if (name == "true" || name == "false") return Made(Syntax::Of(name == "true"));
  if (name == "null") return Made(Syntax::Of(std::monostate()));
  if (std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved)) {
    Fail(absl::StrCat("the word '", name, "' is reserved"));
    return Syntax();
  }
  if (!Accept("(")) return Made(Syntax::Name(std::move(name)));
  std::vector<Syntax> arguments = List(")");
  if (name != "has" || !status_.ok()) {
    return Made(Syntax::Call(std::move(name), std::move(arguments)));
  }
  auto has = ExpandHas(std::move(arguments));
  if (!has.ok()) {
    Fail(has.status().message());
    return Syntax();
  }
  return Made(*std::move(has));
}

Syntax Parser::Primary() {
  switch (token_.kind) {
    case Token::Kind::kName:
      return Named();
    case Token::Kind::kMagnitude:
      return Magnitude(false);
    case Token::Kind::kLiteral: {
      Syntax literal = Syntax::Of(std::move(token_.literal));
      Advance();
      return Made(std::move(literal));
    }
    default:
      break;
  }
  if (Is(".")) return Named();
  if (Accept("(")) {
    Syntax inner = Conditional();
    Expect(")");
    return inner;
  }
  if (Accept("[")) return Made(Syntax::Make(Kind::kList, {}, List("]")));
  if (Accept("{")) return MapLiteral();
  Fail("expected a value");
  return Syntax();
}

Syntax Parser::MapLiteral() {
  std::vector<Syntax> entries;
  while (status_.ok() && !Is("}")) {
    entries.push_back(Conditional());
    Expect(":");
    if (!status_.ok()) break;
    entries.push_back(Conditional());
    if (!Accept(",")) break;
  }
  Expect("}");
  return Made(Syntax::Make(Kind::kMap, {}, std::move(entries)));
}

std::vector<Syntax> Parser::List(absl::string_view end) {
  std::vector<Syntax> list;
  while (status_.ok() && !Is(end)) {
    list.push_back(Conditional());
    if (!Accept(",")) break;
  }
  Expect(end);
  return list;
}

}  // namespace

absl::StatusOr<Syntax> ParseExpression(absl::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError("the expression is too long");
  }
  return Parser(text).Parse();
}

}  // namespace proxenos::cel
