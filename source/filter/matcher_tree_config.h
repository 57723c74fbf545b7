// From xds.type.matcher.v3.Matcher to a MatcherTree.
#pragma once

#include <cstdint>
#include <optional>

#include "source/config/errors.h"
#include "source/filter/matcher_tree.h"
#include "source/match/tree_config.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::filter {

// What is asked about, when: a connection has no headers to match, a request no response.
enum class MatchTime : uint8_t {
  kConnection,
  kRequest,
  kResponse,  // The request is there too.
};

// Nothing, with every error named, when it is wrong.
std::optional<MatcherTree> CompileMatcherTree(const ::xds::type::matcher::v3::Matcher& proto,
                                              MatchTime time, match::ActionCompiler actions,
                                              const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filter
