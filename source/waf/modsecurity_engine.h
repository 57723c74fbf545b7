// libmodsecurity behind the seam: the only place that sees it, and the only one of the program that
// is built with exceptions, because it throws.
//
// It is slow (a small request costs about a millisecond, a large form a hundred), so what is made
// here never runs inline. It says nothing on standard error: what it wants to tell comes back in
// findings.
#pragma once

#include <memory>
#include <vector>

#include "source/waf/engine.h"
#include "source/waf/rule_source.h"
#include "source/waf/seclang.h"

namespace proxenos::waf {

// Compiles what `check` found nothing wrong with. Null, with what is wrong, when the library will
// not have it. Data files that rules name are read; relative names are taken from the folder of the
// text's name. Takes some 50 ms of CPU and 17 MB for the whole Core Rule Set. Thread: any.
std::shared_ptr<const RuleSet> CompileModSecurity(const RuleSource& source,
                                                  std::shared_ptr<const RuleCheck> check,
                                                  std::vector<RuleError>& errors);

}  // namespace proxenos::waf
