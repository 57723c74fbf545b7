// Changes of fields, each of its kind.
#include "source/route/field_change_config.h"

#include "source/match/match_config.h"
#include "source/route/header_mutations_config.h"

namespace proxenos::route {
namespace {

using Proto = envoy::config::common::mutation_rules::v3::HeaderMutation;

FieldChange CompileOne(const Proto& proto, Compilation& compilation, const config::Path& path) {
  FieldChange change;
  switch (proto.action_case()) {
    case Proto::kRemove:
      change.one.removals.push_back(
          CompileRemoval(proto.remove(), compilation.errors(), path.Field("remove")));
      break;
    case Proto::kAppend:
      change.one.additions.push_back(
          CompileAddition(proto.append(), compilation, path.Field("append")));
      break;
    case Proto::kRemoveOnMatch:
      change.removed =
          match::CompileStringMatcher(proto.remove_on_match().key_matcher(), compilation.errors(),
                                      path.Field("remove_on_match").Field("key_matcher"));
      break;
    case Proto::ACTION_NOT_SET:
      compilation.errors().Add(path, "expected one of remove, append, remove_on_match");
      break;
  }
  return change;
}

}  // namespace

std::vector<FieldChange> CompileFieldChanges(const FieldChangeProtos& protos,
                                             Compilation& compilation, const config::Path& path) {
  std::vector<FieldChange> changes;
  for (int i = 0; i < protos.size(); ++i) {
    changes.push_back(CompileOne(protos[i], compilation, path.Index(static_cast<size_t>(i))));
  }
  return changes;
}

}  // namespace proxenos::route
