// From the protos that expressions are written in to Expressions: the tree of a parser
// (google.api.expr.v1alpha1 and cel.expr, which are the same on the wire) or a text.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/core/v3/cel.pb.h"
#include "google/api/expr/v1alpha1/syntax.pb.h"
#include "source/cel/expression.h"
#include "source/config/errors.h"
#include "xds/type/v3/cel.pb.h"

namespace proxenos::cel {

Options OptionsOf(const envoy::config::core::v3::CelExpressionConfig& proto);

// Each is null, with an error at `path`, where the expression is wrong. `latest`: what asks for it
// can not wait for attributes of a later phase.
std::shared_ptr<const Expression> CompileText(const std::string& text, const Options& options,
                                              Phase latest, const config::Path& path,
                                              config::Errors& errors);
std::shared_ptr<const Expression> CompileProto(const google::api::expr::v1alpha1::Expr& proto,
                                               const Options& options, Phase latest,
                                               const config::Path& path, config::Errors& errors);
// The text where there is one, else what was checked, else what was parsed.
std::shared_ptr<const Expression> CompileXds(const ::xds::type::v3::CelExpression& proto,
                                             const Options& options, Phase latest,
                                             const config::Path& path, config::Errors& errors);

}  // namespace proxenos::cel
