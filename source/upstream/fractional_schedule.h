// A Schedule of weights that are fractions, as effective weights are.
#pragma once

#include <utility>
#include <vector>

#include "source/upstream/schedule.h"

namespace proxenos::upstream {

// Turns of hosts in proportion to their weights, to about a millionth. REQUIRES: each weight > 0.
Schedule ScheduleInProportion(const std::vector<std::pair<uint32_t, double>>& weights);

}  // namespace proxenos::upstream
