// Expressions from protos: trees of both packages, what they refuse, and which of several counts.
#include "source/cel/expression_config.h"

#include <google/protobuf/text_format.h>

#include "gtest/gtest.h"
#include "test/cel/table_attributes.h"

namespace proxenos::cel {
namespace {

using CelProto = xds::type::v3::CelExpression;

class ExpressionConfigTest : public testing::Test {
 protected:
  bool Holds(const std::string& text, Phase latest = Phase::kEnd) {
    CelProto proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
    const auto expression = CompileXds(proto, Options(), latest, config::Path("e"), errors_);
    const TableAttributes attributes;
    return expression != nullptr && expression->Holds(attributes);
  }
  std::string Error() {
    return errors_.list().empty() ? std::string() : errors_.list().back().ToString();
  }

  config::Errors errors_;
};

// request.path.startsWith("/a")
constexpr char kStartsWith[] = R"pb(
  expr {
    call_expr {
      function: "startsWith"
      target {
        select_expr {
          operand { ident_expr { name: "request" } }
          field: "path"
        }
      }
      args { const_expr { string_value: "/a" } }
    }
  }
)pb";

std::string In(const std::string& field, const std::string& text) {
  return field + " { " + text + " } ";
}

TEST_F(ExpressionConfigTest, TreesOfEitherPackage) {
  for (const char* field : {"parsed_expr", "checked_expr", "cel_expr_parsed", "cel_expr_checked"}) {
    EXPECT_TRUE(Holds(In(field, kStartsWith))) << field << Error();
  }
}

TEST_F(ExpressionConfigTest, TheTextCountsBeforeTheTrees) {
  EXPECT_FALSE(Holds("cel_expr_string: 'false' " + In("cel_expr_checked", kStartsWith)));
  EXPECT_FALSE(Holds(In("cel_expr_checked", "expr { const_expr { bool_value: false } }") +
                     In("cel_expr_parsed", kStartsWith)));
  EXPECT_TRUE(errors_.ok());
}

TEST_F(ExpressionConfigTest, AllKindsOfNodes) {
  // has(request.method) && 1u in [1u, 2.5, -3, b"x", null] && {"k": true}["k"]
  EXPECT_TRUE(Holds(In("parsed_expr", R"pb(
    expr {
      call_expr {
        function: "_&&_"
        args {
          select_expr {
            operand { ident_expr { name: "request" } }
            field: "method"
            test_only: true
          }
        }
        args {
          call_expr {
            function: "_&&_"
            args {
              call_expr {
                function: "@in"
                args { const_expr { uint64_value: 1 } }
                args {
                  list_expr {
                    elements { const_expr { null_value: NULL_VALUE } }
                    elements { const_expr { double_value: 2.5 } }
                    elements { const_expr { int64_value: -3 } }
                    elements { const_expr { bytes_value: "x" } }
                    elements { const_expr { uint64_value: 1 } }
                  }
                }
              }
            }
            args {
              call_expr {
                function: "_[_]"
                args {
                  struct_expr {
                    entries {
                      map_key { const_expr { string_value: "k" } }
                      value { const_expr { bool_value: true } }
                    }
                  }
                }
                args { const_expr { string_value: "k" } }
              }
            }
          }
        }
      }
    })pb")))
      << Error();
}

TEST_F(ExpressionConfigTest, Loops) {
  // [2, 3].exists(x, x == 3), as parsers write it out.
  EXPECT_TRUE(Holds(In("parsed_expr", R"pb(
    expr {
      comprehension_expr {
        iter_var: "x"
        iter_range {
          list_expr {
            elements { const_expr { int64_value: 2 } }
            elements { const_expr { int64_value: 3 } }
          }
        }
        accu_var: "__result__"
        accu_init { const_expr { bool_value: false } }
        loop_condition {
          call_expr {
            function: "__not_strictly_false__"
            args {
              call_expr {
                function: "!_"
                args { ident_expr { name: "__result__" } }
              }
            }
          }
        }
        loop_step {
          call_expr {
            function: "_||_"
            args { ident_expr { name: "__result__" } }
            args {
              call_expr {
                function: "_==_"
                args { ident_expr { name: "x" } }
                args { const_expr { int64_value: 3 } }
              }
            }
          }
        }
        result { ident_expr { name: "__result__" } }
      }
    })pb")))
      << Error();
}

TEST_F(ExpressionConfigTest, WhatIsRefusedIsNamed) {
  const auto refused = [this](const std::string& tree) {
    EXPECT_FALSE(Holds(In("parsed_expr", "expr { " + tree + " }")));
    return Error();
  };
  EXPECT_EQ(refused(""), "e.parsed_expr: expression: an expression that says nothing");
  EXPECT_EQ(refused("ident_expr { name: 'x' }"),
            "e.parsed_expr: expression: 'x' alone is no value: expected an attribute such as "
            "request.path or response.code");
  EXPECT_EQ(refused("struct_expr { message_name: 'm' }"),
            "e.parsed_expr: expression: messages can not be made");
  EXPECT_EQ(refused("comprehension_expr { iter_var2: 'm' }"),
            "e.parsed_expr: expression: loops over two variables");
  EXPECT_EQ(refused("call_expr { function: '_+_' args { const_expr { int64_value: 1 } } }"),
            "e.parsed_expr: expression: function '_+_' takes another number of arguments");
  EXPECT_EQ(refused("call_expr { function: '_&&_' }"),
            "e.parsed_expr: expression: function '_&&_' is not known");
  EXPECT_FALSE(Holds("cel_expr_string: 'response.code == 200'", Phase::kRequest));
  EXPECT_EQ(Error(),
            "e.cel_expr_string: expression: it names attributes that are not known yet when it is "
            "asked");
}

TEST_F(ExpressionConfigTest, Switches) {
  envoy::config::core::v3::CelExpressionConfig proto;
  EXPECT_FALSE(OptionsOf(proto).string_conversion || OptionsOf(proto).string_concat ||
               OptionsOf(proto).string_functions);
  proto.set_enable_string_conversion(true);
  EXPECT_TRUE(OptionsOf(proto).string_conversion);
  proto.set_enable_string_concat(true);
  EXPECT_TRUE(OptionsOf(proto).string_concat);
  proto.set_enable_string_functions(true);
  EXPECT_TRUE(OptionsOf(proto).string_functions);
}

}  // namespace
}  // namespace proxenos::cel
