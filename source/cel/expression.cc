// Evaluation: one walk over the nodes.
#include "source/cel/expression.h"

#include <iterator>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "source/base/check.h"
#include "source/cel/literal_map.h"

namespace proxenos::cel {

class Evaluation {
 public:
  Evaluation(const Expression& expression, const Attributes& attributes, Memory& memory)
      : expression_(expression), attributes_(attributes), memory_(memory) {
    slots_.resize(expression.slots_);
  }

  Value Of(uint32_t index) {
    if (!memory_.Step()) return Value::Error(kTooMuch);
    const Node& node = expression_.nodes_[index];
    switch (node.op) {
      case Op::kConstant:
        return node.constant;
      case Op::kVariable:
        return slots_[node.number];
      case Op::kAttribute:
        return attributes_.Read(static_cast<Attribute>(node.number), memory_);
      case Op::kHasAttribute:
        return Value::Bool(
            !attributes_.Read(static_cast<Attribute>(node.number), memory_).IsError());
      case Op::kAnd:
        return Both(node, /*decided=*/false);
      case Op::kOr:
        return Both(node, /*decided=*/true);
      case Op::kIf: {
        const Value condition = Child(node, 0);
        if (condition.IsError()) return condition;
        if (condition.kind != Value::Kind::kBool) return Value::Error(kNoSuchOverload);
        return Child(node, condition.boolean ? 1 : 2);
      }
      case Op::kNotFalse:
        return Value::Bool(!Child(node, 0).IsFalse());
      case Op::kCall:
        return Call(node);
      case Op::kList:
        return List(node);
      case Op::kMap:
        return MapOf(node);
      case Op::kLoop:
        return Loop(node);
      default:
        return OfOperand(node);
    }
  }

 private:
  using Node = Expression::Node;
  using Op = Node::Op;

  Value Child(const Node& node, uint32_t i) { return Of(expression_.children_[node.first + i]); }

  // What begins with its first child, and is an error where that is.
  Value OfOperand(const Node& node) {
    const Value operand = Child(node, 0);
    if (operand.IsError()) return operand;
    switch (node.op) {
      case Op::kSelect:
        return Field(operand, node.constant, memory_);
      case Op::kHas:
        if (!operand.IsMap()) return Value::Error(kNoSuchOverload);
        return Value::Bool(operand.Find(node.constant, memory_).has_value());
      case Op::kMatches:
        if (operand.kind != Value::Kind::kString) return Value::Error(kNoSuchOverload);
        if (!memory_.Walk(operand.size)) return Value::Error(kTooMuch);
        return Value::Bool(expression_.patterns_[node.number].PartialMatch(operand.text()));
      case Op::kTime:
        return PartOf(operand, node.part, expression_.zones_[node.number]);
      case Op::kAppend: {
        const Value item = Child(node, 1);
        if (item.IsError()) return item;
        return operand.IsList() ? memory_.Append(operand, item) : Value::Error(kNoSuchOverload);
      }
      default:
        DCHECK(false);
        return Value::Error(kNoSuchOverload);
    }
  }

  // && and ||: whichever side decides does, even where the other is an error.
  Value Both(const Node& node, bool decided) {
    const Value left = Child(node, 0);
    if (left.kind == Value::Kind::kBool && left.boolean == decided) return left;
    const Value right = Child(node, 1);
    if (right.kind == Value::Kind::kBool && right.boolean == decided) return right;
    if (left.IsError()) return left;
    if (right.IsError()) return right;
    if (left.kind != Value::Kind::kBool || right.kind != Value::Kind::kBool) {
      return Value::Error(kNoSuchOverload);
    }
    return Value::Bool(!decided);
  }

  Value Call(const Node& node) {
    Value arguments[kMaxArguments];
    for (uint32_t i = 0; i < node.count; ++i) {
      arguments[i] = Child(node, i);
      if (arguments[i].IsError()) return arguments[i];
    }
    return node.function(absl::MakeConstSpan(arguments, node.count), memory_);
  }

  Value List(const Node& node) {
    if (!memory_.Charge(node.count * sizeof(Value))) return Value::Error(kTooMuch);
    Items& items = memory_.NewItems();
    items.reserve(node.count);
    for (uint32_t i = 0; i < node.count; ++i) {
      const Value item = Child(node, i);
      if (item.IsError()) return item;
      items.push_back(item);
    }
    return Value::List(items);
  }

  Value MapOf(const Node& node) {
    if (!memory_.Charge(node.count * sizeof(Value) + sizeof(LiteralMap))) {
      return Value::Error(kTooMuch);
    }
    Items pairs;
    for (uint32_t i = 0; i < node.count; ++i) {
      const Value item = Child(node, i);
      if (item.IsError()) return item;
      if (i % 2 == 0) {
        if (!LiteralMap::IsKey(item)) return Value::Error("a key of another kind");
        for (size_t known = 0; known < pairs.size(); known += 2) {
          if (Equal(pairs[known], item, memory_)) return Value::Error("a key twice");
        }
      }
      pairs.push_back(item);
    }
    auto map = std::make_unique<const LiteralMap>(std::move(pairs));
    const Value value = Value::OfMap(*map);
    memory_.KeepMap(std::move(map));
    return value;
  }

  Value Loop(const Node& node) {
    Value range = Child(node, Syntax::kRange);
    if (range.IsError()) return range;
    if (range.IsMap()) {
      if (!memory_.Charge(range.Count() * sizeof(Value))) return Value::Error(kTooMuch);
      Items& keys = memory_.NewItems();
      range.AppendKeys(keys);
      range = Value::List(keys);
    }
    if (!range.IsList()) return Value::Error(kNoSuchOverload);
    Value& result = slots_[node.number + 1];
    result = Child(node, Syntax::kInit);
    const size_t count = range.Count();
    for (size_t i = 0; i < count; ++i) {
      slots_[node.number] = range.At(i);
      const Value condition = Child(node, Syntax::kCondition);
      if (condition.IsError()) return condition;
      if (condition.IsFalse()) break;
      result = Child(node, Syntax::kStep);
    }
    return Child(node, Syntax::kResult);
  }

  static constexpr uint32_t kMaxArguments = 4;

  const Expression& expression_;
  const Attributes& attributes_;
  Memory& memory_;
  // Never resized behind the constructor: loops keep references.
  absl::InlinedVector<Value, 4> slots_;
};

Value Expression::Evaluate(const Attributes& attributes, Memory& memory) const {
  const Value value = Evaluation(*this, attributes, memory).Of(root_);
  // Nothing that was made of what ran out counts: "not there" may mean "not looked for", and a
  // client could choose what it comes out as.
  return memory.Step() ? value : Value::Error(kTooMuch);
}

bool Expression::Holds(const Attributes& attributes) const {
  Memory memory;
  return Evaluate(attributes, memory).IsTrue();
}

}  // namespace proxenos::cel
