// proxenos.filters.http.waf.v3.Rules to compiled rules, shared by all whose rules are equal.
#pragma once

#include <memory>

#include "proxenos/filters/http/waf/v3/waf.pb.h"
#include "source/config/errors.h"
#include "source/waf/engine.h"
#include "source/waf/rule_source.h"

namespace proxenos::waf {

// The texts that stand for `proto`: files are read.
RuleSource MakeRuleSource(const ::proxenos::filters::http::waf::v3::Rules& proto,
                          const config::Path& path, config::Errors& errors);

// Null, with each wrong rule named by its place, line and reason, when something is wrong. Equal
// rules, the files they come from included, are compiled once. Thread: main.
std::shared_ptr<const RuleSet> CompileRules(const ::proxenos::filters::http::waf::v3::Rules& proto,
                                            const config::Path& path, config::Errors& errors);

}  // namespace proxenos::waf
