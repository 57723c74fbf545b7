// What of expressions of attributes (CEL) is honoured, and where they may stand.
#include <string_view>
#include <utility>

#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

constexpr std::string_view kPositions = "Errors name what is wrong, not where it stood in a text.";
constexpr std::string_view kTypes = "Names and types are found out anew.";
constexpr std::string_view kOptional = "there are no optional values";

// The tree of an expression, of which there are two packages.
std::vector<MessageRules> TreeFields() {
  return {
      {"google.api.expr.v1alpha1.ParsedExpr", {Use("expr"), Leave("source_info", kPositions)}},
      {"google.api.expr.v1alpha1.CheckedExpr",
       {Use("expr"), Leave("source_info", kPositions),
        Leave("reference_map type_map expr_version", kTypes)}},
      {"google.api.expr.v1alpha1.Expr", {Use("*")}},
      {"google.api.expr.v1alpha1.Expr.Ident", {Use("*")}},
      {"google.api.expr.v1alpha1.Expr.Select", {Use("*")}},
      {"google.api.expr.v1alpha1.Expr.Call", {Use("*")}},
      {"google.api.expr.v1alpha1.Expr.CreateList",
       {Use("elements"), Refuse("optional_indices", kOptional)}},
      {"google.api.expr.v1alpha1.Expr.CreateStruct",
       {Use("entries"), Refuse("message_name", "messages can not be made")}},
      {"google.api.expr.v1alpha1.Expr.CreateStruct.Entry",
       {Use("id map_key value"), Refuse("field_key", "messages can not be made"),
        Refuse("optional_entry", kOptional)}},
      {"google.api.expr.v1alpha1.Expr.Comprehension",
       {Use("iter_var iter_range accu_var accu_init loop_condition loop_step result"),
        Refuse("iter_var2", "loop over one variable")}},
      {"google.api.expr.v1alpha1.Constant",
       {Use("null_value bool_value int64_value uint64_value double_value string_value bytes_value"),
        Refuse("duration_value timestamp_value", "call duration() or timestamp()")}},
      {"cel.expr.ParsedExpr", {Use("expr"), Leave("source_info", kPositions)}},
      {"cel.expr.CheckedExpr",
       {Use("expr"), Leave("source_info", kPositions),
        Leave("reference_map type_map expr_version", kTypes)}},
      {"cel.expr.Expr", {Use("*")}},
      {"cel.expr.Expr.Ident", {Use("*")}},
      {"cel.expr.Expr.Select", {Use("*")}},
      {"cel.expr.Expr.Call", {Use("*")}},
      {"cel.expr.Expr.CreateList", {Use("elements"), Refuse("optional_indices", kOptional)}},
      {"cel.expr.Expr.CreateStruct",
       {Use("entries"), Refuse("message_name", "messages can not be made")}},
      {"cel.expr.Expr.CreateStruct.Entry",
       {Use("id map_key value"), Refuse("field_key", "messages can not be made"),
        Refuse("optional_entry", kOptional)}},
      {"cel.expr.Expr.Comprehension",
       {Use("iter_var iter_range accu_var accu_init loop_condition loop_step result"),
        Refuse("iter_var2", "loop over one variable")}},
      {"cel.expr.Constant",
       {Use("null_value bool_value int64_value uint64_value double_value string_value bytes_value"),
        Refuse("duration_value timestamp_value", "call duration() or timestamp()")}},
  };
}

}  // namespace

std::vector<MessageRules> CelFields() {
  std::vector<MessageRules> all = {
      {"envoy.config.core.v3.CelExpressionConfig", {Use("*")}},
      {"envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", {Use("*")}},
      {"envoy.extensions.formatter.cel.v3.Cel",
       {Refuse("cel_config", "what %CEL% writes is read, not made: write attributes")}},
      {"envoy.config.route.v3.RateLimit.Action.extension",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor "
                               "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                               "write an expression of attributes")}},
      {"envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor", {Use("*")}},
      {"xds.type.matcher.v3.CelMatcher",
       {Use("expr_match"), Leave("description", "It is for people.")}},
      {"xds.type.matcher.v3.HttpAttributesCelMatchInput", {}},
      {"xds.type.v3.CelExpression",
       {Use("cel_expr_string cel_expr_checked cel_expr_parsed parsed_expr checked_expr")}},
  };
  for (MessageRules& rules : TreeFields()) all.push_back(std::move(rules));
  return all;
}

}  // namespace proxenos::config
