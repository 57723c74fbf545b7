// Load reports: bytes of a host. What is read is within the limits, has no number that could not be
// counted with, and reads the same when it comes in the other header.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/rpc/orca_headers.h"

namespace {

using proxenos::upstream::OrcaReport;

void CheckReport(const OrcaReport& report) {
  const auto good = [](double value) { return std::isfinite(value) && value >= 0; };
  CHECK(good(report.cpu_utilization) && good(report.mem_utilization));
  CHECK(good(report.application_utilization) && good(report.rps_fractional) && good(report.eps));
  CHECK(report.entries.size() <= proxenos::rpc::kMaxOrcaEntries);
  for (size_t i = 0; i < report.entries.size(); ++i) {
    CHECK(good(report.entries[i].value));
    for (size_t j = 0; j < i; ++j) {
      CHECK(report.entries[i].map != report.entries[j].map ||
            report.entries[i].key != report.entries[j].key);
    }
  }
}

std::optional<OrcaReport> Read(absl::string_view name, absl::string_view value) {
  proxenos::buffer::Arena arena;
  proxenos::http::HeaderMap headers(arena);
  headers.Add(name, value);
  return proxenos::rpc::ReadOrcaReport(headers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto report = Read("endpoint-load-metrics", bytes);
  if (report.has_value()) CheckReport(*report);
  const auto binary = Read("endpoint-load-metrics-bin", bytes);
  const auto prefixed = Read("endpoint-load-metrics", "BIN " + std::string(bytes));
  if (binary.has_value()) CheckReport(*binary);
  // The prefix may be what makes it too long.
  if (bytes.size() + 4 <= proxenos::rpc::kMaxOrcaBytes) {
    CHECK(binary.has_value() == prefixed.has_value());
  }
  return 0;
}
