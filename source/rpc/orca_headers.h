// A host's load report in the headers or trailers of its response, in any of the forms that there
// are (ORCA, Open Request Cost Aggregation; gRFC A51):
//
//   endpoint-load-metrics-bin: BASE64                    an xds.data.orca.v3.OrcaLoadReport
//   endpoint-load-metrics: BIN BASE64                    the same
//   endpoint-load-metrics: JSON {"cpu_utilization": 0.3}
//   endpoint-load-metrics: TEXT cpu_utilization=0.3, named_metrics.queue=7
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"
#include "source/upstream/orca_report.h"

namespace proxenos::rpc {

// What is longer, or has more entries of maps, is not read.
inline constexpr size_t kMaxOrcaBytes = 16 * 1024;
inline constexpr size_t kMaxOrcaEntries = 128;

// The first field counts, and -bin before the other. Nothing: there is none, or it is no good in
// any part: broken, a metric twice or of a name that reports do not have, a value that is negative
// or not finite.
std::optional<upstream::OrcaReport> ReadOrcaReport(const http::HeaderMap& headers);

// An xds.data.orca.v3.OrcaLoadReport; nothing where it is no good, as above.
std::optional<upstream::OrcaReport> ReadOrcaMessage(absl::string_view bytes);

// What stands behind the form's name; for tests.
std::optional<upstream::OrcaReport> ReadOrcaBinary(absl::string_view base64);
std::optional<upstream::OrcaReport> ReadOrcaJson(absl::string_view text);
std::optional<upstream::OrcaReport> ReadOrcaText(absl::string_view text);

}  // namespace proxenos::rpc
