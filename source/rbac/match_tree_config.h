// From xds.type.matcher.v3.Matcher to Rules.
#pragma once

#include <memory>

#include "source/config/errors.h"
#include "source/rbac/rules_config.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::rbac {

// Null, with every error named, when it is wrong.
std::unique_ptr<Rules> CompileMatcher(const xds::type::matcher::v3::Matcher& proto, Subject subject,
                                      const config::Path& path, config::Errors& errors);

}  // namespace proxenos::rbac
