// From envoy.config.rbac.v3.RBAC, or a matcher with envoy.config.rbac.v3.Action, to Rules.
#pragma once

#include <cstdint>
#include <memory>

#include "envoy/config/rbac/v3/rbac.pb.h"
#include "source/config/errors.h"
#include "source/rbac/rules.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::rbac {

// What the rules are for: a connection has no headers and no path to match.
enum class Subject : uint8_t { kConnection, kRequest };

Rules::Action ActionOf(envoy::config::rbac::v3::RBAC::Action action);

// Null, with every error named, when they are wrong.
std::unique_ptr<Rules> CompileRules(const envoy::config::rbac::v3::RBAC& proto, Subject subject,
                                    const config::Path& path, config::Errors& errors);
std::unique_ptr<Rules> CompileMatcher(const ::xds::type::matcher::v3::Matcher& proto,
                                      Subject subject, const config::Path& path,
                                      config::Errors& errors);

}  // namespace proxenos::rbac
