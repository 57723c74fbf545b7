// Syntax: an expression as it is written, before anything in it has a meaning: what the parser of
// texts and the reader of protos both make.
//
// Owner: the compiler, while it compiles. Thread: the main thread's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace proxenos::cel {

struct BytesLiteral {
  std::string bytes;
};
using Literal =
    std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, BytesLiteral>;

struct Syntax {
  enum class Kind : uint8_t {
    kLiteral,
    kName,    // `text`
    kSelect,  // children[0].text
    kHas,     // Whether that is there.
    kCall,    // text(children); what it is called on is the first.
    kList,
    kMap,   // Keys and values by turns.
    kLoop,  // Over children[0]: see below.
  };
  // Children of kLoop; `text` is the name of what is looped over, `result` that of what the loop
  // makes.
  enum LoopPart : size_t { kRange, kInit, kCondition, kStep, kResult };

  // Nesting deeper than this is a mistake or an attack: all that walks the tree is recursive.
  static constexpr int kMaxDepth = 200;
  static constexpr size_t kMaxNodes = 4096;

  Kind kind = Kind::kLiteral;
  int depth = 1;  // Of the tree below it.
  Literal literal;
  std::string text;
  std::string result;
  std::vector<Syntax> children;

  static Syntax Of(Literal literal) {
    Syntax syntax;
    syntax.literal = std::move(literal);
    return syntax;
  }
  static Syntax Name(std::string text) { return Make(Kind::kName, std::move(text), {}); }
  static Syntax Call(std::string function, std::vector<Syntax> arguments) {
    return Make(Kind::kCall, std::move(function), std::move(arguments));
  }
  static Syntax Make(Kind kind, std::string text, std::vector<Syntax> children) {
    Syntax syntax;
    syntax.kind = kind;
    syntax.text = std::move(text);
    for (const Syntax& child : children) syntax.depth = std::max(syntax.depth, child.depth + 1);
    syntax.children = std::move(children);
    return syntax;
  }
};

// A list of up to three. (An initializer_list would copy.)
template <typename... More>
std::vector<Syntax> Children(Syntax first, More... more) {
  std::vector<Syntax> children;
  children.reserve(1 + sizeof...(more));
  children.push_back(std::move(first));
  (children.push_back(std::move(more)), ...);
  return children;
}

}  // namespace proxenos::cel
