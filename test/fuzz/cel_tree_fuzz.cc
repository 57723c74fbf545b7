// Whatever the tree of an expression: compiling fails with an error, or evaluating ends within its
// limits.
#include <cstddef>
#include <cstdint>

#include "source/base/check.h"
#include "source/cel/expression_config.h"
#include "test/cel/table_attributes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos;       // NOLINT: the target is all there is here.
  using namespace proxenos::cel;  // NOLINT
  google::api::expr::v1alpha1::Expr proto;
  if (!proto.ParseFromArray(data, static_cast<int>(size))) return 0;
  config::Errors errors;
  const auto expression =
      CompileProto(proto, Options{true, true, true}, Phase::kEnd, config::Path("tree"), errors);
  CHECK((expression == nullptr) != errors.ok());
  if (expression == nullptr) return 0;
  const TableAttributes attributes;
  Memory memory;
  expression->Evaluate(attributes, memory);
  return 0;
}
