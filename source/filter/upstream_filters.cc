// Making what upstream filters keep.
#include "source/filter/upstream_filters.h"

namespace proxenos::filter {

WorkerParts MakeParts(const UpstreamFilters& filters, stats::Registry& registry,
                      const std::string& stat_prefix, const Environment& environment) {
  WorkerParts parts;
  for (const auto& factory : filters.factories) {
    parts.emplace_back(factory->MakeWorkerPart(registry, stat_prefix));
    if (parts.back()) parts.back()->Start(environment);
  }
  return parts;
}

}  // namespace proxenos::filter
