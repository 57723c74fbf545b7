// Trees of protos, node by node.
#include "source/cel/expression_config.h"

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/api/expr/v1alpha1/checked.pb.h"

namespace proxenos::cel {
namespace {

using google::api::expr::v1alpha1::Constant;
using google::api::expr::v1alpha1::Expr;
using Kind = Syntax::Kind;

class Reader {
 public:
  absl::StatusOr<Syntax> Read(const Expr& proto) {
    Syntax syntax = Of(proto, 1);
    if (!status_.ok()) return status_;
    return syntax;
  }

 private:
  Syntax Fail(absl::string_view why) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(why);
    return Syntax();
  }

  // Counts what is read: children are looked at only while there is room for them.
  Syntax Of(const Expr& proto, int depth) {
    if (++nodes_ > Syntax::kMaxNodes) return Fail("the expression is too long");
    if (depth > Syntax::kMaxDepth) return Fail("the expression is nested too deep");
    if (!status_.ok()) return Syntax();
    switch (proto.expr_kind_case()) {
      case Expr::kConstExpr:
        return OfConstant(proto.const_expr());
      case Expr::kIdentExpr: {
        const std::string& name = proto.ident_expr().name();
        return Syntax::Name(name.empty() || name[0] != '.' ? name : name.substr(1));
      }
      case Expr::kSelectExpr: {
        const Expr::Select& select = proto.select_expr();
        return Syntax::Make(select.test_only() ? Kind::kHas : Kind::kSelect, select.field(),
                            Children(Of(select.operand(), depth + 1)));
      }
      case Expr::kCallExpr:
        return OfCall(proto.call_expr(), depth);
      case Expr::kListExpr:
        if (proto.list_expr().optional_indices_size() != 0) return Fail("optional elements");
        return Syntax::Make(Kind::kList, {}, OfEach(proto.list_expr().elements(), depth));
      case Expr::kStructExpr:
        return OfMap(proto.struct_expr(), depth);
      case Expr::kComprehensionExpr:
        return OfLoop(proto.comprehension_expr(), depth);
      case Expr::EXPR_KIND_NOT_SET:
        break;
    }
    return Fail("an expression that says nothing");
  }

  Syntax OfConstant(const Constant& proto) {
    switch (proto.constant_kind_case()) {
      case Constant::kNullValue:
        return Syntax::Of(std::monostate());
      case Constant::kBoolValue:
        return Syntax::Of(proto.bool_value());
      case Constant::kInt64Value:
        return Syntax::Of(static_cast<int64_t>(proto.int64_value()));
      case Constant::kUint64Value:
        return Syntax::Of(static_cast<uint64_t>(proto.uint64_value()));
      case Constant::kDoubleValue:
        return Syntax::Of(proto.double_value());
      case Constant::kStringValue:
        return Syntax::Of(proto.string_value());
      case Constant::kBytesValue:
        return Syntax::Of(BytesLiteral{proto.bytes_value()});
      default:
        return Fail("a constant of a kind that is gone: write duration('1s'), timestamp('…')");
    }
  }

  std::vector<Syntax> OfEach(const google::protobuf::RepeatedPtrField<Expr>& protos, int depth) {
    std::vector<Syntax> each;
    for (const Expr& proto : protos) {
      if (status_.ok()) each.push_back(Of(proto, depth + 1));
    }
    return each;
  }

  Syntax OfCall(const Expr::Call& proto, int depth) {
    std::vector<Syntax> arguments;
    if (proto.has_target()) arguments.push_back(Of(proto.target(), depth + 1));
    for (Syntax& one : OfEach(proto.args(), depth)) arguments.push_back(std::move(one));
    return Syntax::Call(proto.function(), std::move(arguments));
  }

  Syntax OfMap(const Expr::CreateStruct& proto, int depth) {
    if (!proto.message_name().empty()) return Fail("messages can not be made");
    std::vector<Syntax> entries;
    for (const Expr::CreateStruct::Entry& entry : proto.entries()) {
      if (!entry.has_map_key() || entry.optional_entry()) return Fail("a map without a key");
      entries.push_back(Of(entry.map_key(), depth + 1));
      entries.push_back(Of(entry.value(), depth + 1));
    }
    return Syntax::Make(Kind::kMap, {}, std::move(entries));
  }

  Syntax OfLoop(const Expr::Comprehension& proto, int depth) {
    if (!proto.iter_var2().empty()) return Fail("loops over two variables");
    Syntax loop =
        Syntax::Make(Kind::kLoop, proto.iter_var(),
                     Children(Of(proto.iter_range(), depth + 1), Of(proto.accu_init(), depth + 1),
                              Of(proto.loop_condition(), depth + 1),
                              Of(proto.loop_step(), depth + 1), Of(proto.result(), depth + 1)));
    loop.result = proto.accu_var();
    return loop;
  }

  absl::Status status_;
  size_t nodes_ = 0;
};

using Compiled = std::shared_ptr<const Expression>;

Compiled Checked(absl::StatusOr<Compiled> compiled, Phase latest, const config::Path& path,
                 config::Errors& errors) {
  if (!compiled.ok()) {
    errors.Add(path, absl::StrCat("expression: ", compiled.status().message()));
    return nullptr;
  }
  if ((*compiled)->phase() > latest) {
    errors.Add(path, "expression: it names attributes that are not known yet when it is asked");
    return nullptr;
  }
  return *std::move(compiled);
}

// The other spelling of the same message.
template <typename Proto>
Expr Respelled(const Proto& proto) {
  Expr same;
  same.ParseFromString(proto.SerializeAsString());
  return same;
}

}  // namespace

Options OptionsOf(const envoy::config::core::v3::CelExpressionConfig& proto) {
  Options options;
  options.string_conversion = proto.enable_string_conversion();
  options.string_concat = proto.enable_string_concat();
  options.string_functions = proto.enable_string_functions();
  return options;
}

Compiled CompileText(const std::string& text, const Options& options, Phase latest,
                     const config::Path& path, config::Errors& errors) {
  return Checked(Expression::Compile(text, options), latest, path, errors);
}

Compiled CompileProto(const Expr& proto, const Options& options, Phase latest,
                      const config::Path& path, config::Errors& errors) {
  absl::StatusOr<Syntax> syntax = Reader().Read(proto);
  if (!syntax.ok()) return Checked(syntax.status(), latest, path, errors);
  return Checked(Expression::Compile(*syntax, options), latest, path, errors);
}

Compiled CompileXds(const xds::type::v3::CelExpression& proto, const Options& options, Phase latest,
                    const config::Path& path, config::Errors& errors) {
  if (!proto.cel_expr_string().empty()) {
    return CompileText(proto.cel_expr_string(), options, latest, path.Field("cel_expr_string"),
                       errors);
  }
  if (proto.has_cel_expr_checked()) {
    return CompileProto(Respelled(proto.cel_expr_checked().expr()), options, latest,
                        path.Field("cel_expr_checked"), errors);
  }
  if (proto.has_cel_expr_parsed()) {
    return CompileProto(Respelled(proto.cel_expr_parsed().expr()), options, latest,
                        path.Field("cel_expr_parsed"), errors);
  }
  if (proto.has_checked_expr()) {
    return CompileProto(proto.checked_expr().expr(), options, latest, path.Field("checked_expr"),
                        errors);
  }
  return CompileProto(proto.parsed_expr().expr(), options, latest, path.Field("parsed_expr"),
                      errors);
}

}  // namespace proxenos::cel
