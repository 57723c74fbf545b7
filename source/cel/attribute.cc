// Names of attributes.
#include "source/cel/attribute.h"

#include <cstddef>
#include <iterator>

namespace proxenos::cel {
namespace {

struct Row {
  absl::string_view name;
  Phase phase;
};
constexpr Row kRows[] = {
#define PROXENOS_X(id, name, phase) {name, Phase::phase},
    PROXENOS_ATTRIBUTES(PROXENOS_X)
#undef PROXENOS_X
};

// Attributes that Envoy has, by what their names begin with, and why they are not to be had.
constexpr absl::string_view kAbsent[][2] = {
    {"xds.node", "the node's name is known where the expression is written: write it there"},
    {"xds.cluster_metadata", "write xds.cluster_metadata.filter_metadata['namespace']['key']"},
    {"xds.upstream_host_metadata",
     "write xds.upstream_host_metadata.filter_metadata['namespace']['key']"},
    {"xds.virtual_host_metadata", "virtual hosts keep no metadata: write xds.virtual_host_name"},
    {"xds.listener_metadata", "listeners keep no metadata: write xds.filter_chain_name"},
    {"xds.listener_direction", "listeners keep no direction: write destination.port"},
    {"upstream_filter_state", "there is one filter state: write filter_state"},
    {"upstream.cx_pool_ready_duration", "it is not measured here: write %COMMON_DURATION% instead"},
    {"upstream.locality", "it is not known here: write upstream.address"},
    {"metadata", "write metadata.filter_metadata['namespace']['key']"},
    {"xds.route_metadata", "write xds.route_metadata.filter_metadata['namespace']['key']"},
};

}  // namespace

std::optional<Attribute> FindAttribute(absl::string_view name) {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].name == name) return static_cast<Attribute>(i);
  }
  return std::nullopt;
}

absl::string_view AttributeName(Attribute attribute) {
  return kRows[static_cast<size_t>(attribute)].name;
}

Phase PhaseOf(Attribute attribute) { return kRows[static_cast<size_t>(attribute)].phase; }

absl::string_view HintFor(absl::string_view name) {
  for (const auto& [absent, hint] : kAbsent) {
    if (name == absent || (name.size() > absent.size() && name[absent.size()] == '.' &&
                           name.substr(0, absent.size()) == absent)) {
      return hint;
    }
  }
  return "expected an attribute such as request.path or response.code";
}

}  // namespace proxenos::cel
