// The command operators that only a stream's notes can answer, and which texts ask for notes.
#include "source/access_log/notes_operator_reads.h"
#include "source/access_log/notes_wanted.h"
#include "source/access_log/operator_reads.h"
#include "source/access_log/operator_row.h"

namespace proxenos::access_log {
namespace {

using filter::StreamInfo;
using upstream::ExchangeNotes;

absl::Status ConfigurePoolReady(absl::string_view, Operator& out) {
  out.from = NotedAt<&LogNotes::attempt_begin>;
  out.to = NotedAt<&LogNotes::pool_ready>;
  return absl::OkStatus();
}

constexpr Row kNotesRows[] = {
    {"DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
     ReadFieldBytes<&LogNotes::request_fields, &StreamInfo::request_header_bytes>},
    {"DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
     ReadFieldBytes<&LogNotes::response_fields, &StreamInfo::response_header_bytes>},
    {"DOWNSTREAM_DETECTED_CLOSE_TYPE", ReadDownstreamCloseType},
    {"DOWNSTREAM_LOCAL_CLOSE_REASON", ReadCloseReason<&LogNotes::downstream_close_reason>},
    {"ROUTE_RESOLUTION_COUNT", ReadRouteResolutions},
    {"ROUTE_RESOLUTION_TIME_US", ReadRouteResolutionTime},
    {"UPSTREAM_CONNECTION_IDS_ATTEMPTED", ReadConnectionIdsAttempted},
    {"UPSTREAM_CONNECTION_POOL_READY_DURATION", ReadDuration, kPlain, ConfigurePoolReady},
    {"UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
     ReadUpstreamBytes<&ExchangeNotes::decompressed_bytes_received>},
    {"UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
     ReadUpstreamBytes<&ExchangeNotes::decompressed_bytes_sent>},
    {"UPSTREAM_DETECTED_CLOSE_TYPE", ReadUpstreamCloseType},
    {"UPSTREAM_HEADER_BYTES_RECEIVED", ReadUpstreamBytes<&ExchangeNotes::header_bytes_received>},
    {"UPSTREAM_HEADER_BYTES_SENT", ReadUpstreamBytes<&ExchangeNotes::header_bytes_sent>},
    {"UPSTREAM_HOSTS_ATTEMPTED", ReadHostsAttempted},
    {"UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", ReadHostsAttemptedWithoutPort},
    {"UPSTREAM_HOST_NAMES_ATTEMPTED", ReadHostNamesAttempted},
    {"UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT", ReadHostNamesAttemptedWithoutPort},
    {"UPSTREAM_LOCAL_CLOSE_REASON", ReadCloseReason<&LogNotes::upstream_close_reason>},
};

// Parts of operators' names and arguments, and of expressions.
constexpr absl::string_view kAskingWords[] = {
    "_ATTEMPTED",       "_CLOSE_",         "_HEADER_BYTES_", "POOL_READY",
    "ROUTE_RESOLUTION", "METADATA(ROUTE:", "US_CX_BEG",      "US_CX_END",
    "_HDR_END",         "_BODY_BEG",       "route_metadata",
};

}  // namespace

absl::Span<const Row> NotesRows() { return kNotesRows; }

bool AsksForNotes(absl::string_view text) {
  for (const absl::string_view word : kAskingWords) {
    if (text.find(word) != absl::string_view::npos) return true;
  }
  return false;
}

}  // namespace proxenos::access_log
