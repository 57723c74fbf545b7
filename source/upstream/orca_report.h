// OrcaReport: what a host tells of its own load with a response (xds.data.orca.v3.OrcaLoadReport).
// rpc/orca_headers.h reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace proxenos::upstream {

// Invariant: all values are finite and not negative. What was not told is 0, as on the wire.
struct OrcaReport {
  enum class Map : uint8_t { kNamedMetrics, kUtilization, kRequestCost };
  struct Entry {
    Map map;
    std::string key;
    double value;
  };

  double cpu_utilization = 0;
  double mem_utilization = 0;
  double application_utilization = 0;
  double rps_fractional = 0;   // Requests a second.
  double eps = 0;              // Errors a second.
  std::vector<Entry> entries;  // Each key of a map once.
};

}  // namespace proxenos::upstream
