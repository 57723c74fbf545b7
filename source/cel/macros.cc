// Loops as the CEL specification writes the macros out.
#include "source/cel/macros.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace proxenos::cel {
namespace {

// No expression can name it.
constexpr char kResult[] = "@result";

Syntax Result() { return Syntax::Name(kResult); }

struct Loop {
  Syntax init;
  Syntax condition;
  Syntax step;
  Syntax result = Result();
};

Syntax MakeLoop(Syntax range, std::string variable, Loop loop) {
  Syntax syntax =
      Syntax::Make(Syntax::Kind::kLoop, std::move(variable),
                   Children(std::move(range), std::move(loop.init), std::move(loop.condition),
                            std::move(loop.step), std::move(loop.result)));
  syntax.result = kResult;
  return syntax;
}

Syntax Call(const char* function, Syntax a) {
  return Syntax::Call(function, Children(std::move(a)));
}
Syntax Call(const char* function, Syntax a, Syntax b) {
  return Syntax::Call(function, Children(std::move(a), std::move(b)));
}
Syntax If(Syntax condition, Syntax then, Syntax otherwise) {
  return Syntax::Call("_?_:_",
                      Children(std::move(condition), std::move(then), std::move(otherwise)));
}
Syntax EmptyList() { return Syntax::Make(Syntax::Kind::kList, {}, {}); }
Syntax ListOf(Syntax item) {
  return Syntax::Make(Syntax::Kind::kList, {}, Children(std::move(item)));
}

Loop All(Syntax predicate) {
  return {Syntax::Of(true), Call("@not_strictly_false", Result()),
          Call("_&&_", Result(), std::move(predicate))};
}

Loop Exists(Syntax predicate) {
  return {Syntax::Of(false), Call("@not_strictly_false", Call("!_", Result())),
          Call("_||_", Result(), std::move(predicate))};
}

Loop ExistsOne(Syntax predicate) {
  return {Syntax::Of(int64_t{0}), Syntax::Of(true),
          If(std::move(predicate), Call("_+_", Result(), Syntax::Of(int64_t{1})), Result()),
          Call("_==_", Result(), Syntax::Of(int64_t{1}))};
}

Loop Map(Syntax item) {
  return {EmptyList(), Syntax::Of(true), Call("_+_", Result(), ListOf(std::move(item)))};
}

Loop MapWhere(Syntax predicate, Syntax item) {
  return {EmptyList(), Syntax::Of(true),
          If(std::move(predicate), Call("_+_", Result(), ListOf(std::move(item))), Result())};
}

}  // namespace

absl::StatusOr<Syntax> ExpandHas(std::vector<Syntax> arguments) {
  if (arguments.size() != 1 || arguments[0].kind != Syntax::Kind::kSelect) {
    return absl::InvalidArgumentError("has() takes one selection, as has(request.referer)");
  }
  Syntax has = std::move(arguments[0]);
  has.kind = Syntax::Kind::kHas;
  return has;
}

absl::StatusOr<std::optional<Syntax>> ExpandMacro(const std::string& function, Syntax& target,
                                                  std::vector<Syntax>& arguments) {
  const bool one = function == "all" || function == "exists" || function == "exists_one" ||
                   function == "existsOne" || function == "filter";
  if (!one && function != "map") return std::optional<Syntax>();
  const bool where = function == "map" && arguments.size() == 3;
  if (!where && arguments.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(function, "() takes a name and an expression"));
  }
  if (arguments[0].kind != Syntax::Kind::kName) {
    return absl::InvalidArgumentError(absl::StrCat(function, "() begins with a name"));
  }
  std::string variable = std::move(arguments[0].text);
  Syntax body = std::move(arguments[1]);
  Loop loop = where                  ? MapWhere(std::move(body), std::move(arguments[2]))
              : function == "all"    ? All(std::move(body))
              : function == "exists" ? Exists(std::move(body))
              : function == "filter" ? MapWhere(std::move(body), Syntax::Name(variable))
              : function == "map"    ? Map(std::move(body))
                                     : ExistsOne(std::move(body));
  return std::optional<Syntax>(MakeLoop(std::move(target), std::move(variable), std::move(loop)));
}

}  // namespace proxenos::cel
