// AuditEvent: what one transaction leaves in the audit log: a line of JSON, with what is secret
// taken out of it.
//
// Invariant: no value of a redacted field or argument is in the line, neither as such nor in what a
// rule says of its match. Texts of strangers are cut to kMaxText. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "source/base/clock.h"
#include "source/waf/engine.h"

namespace proxenos::waf {

struct Redaction {
  Redaction();  // Of authorization, proxy-authorization, cookie and set-cookie.

  absl::flat_hash_set<std::string> headers;    // In lower case.
  absl::flat_hash_set<std::string> arguments;  // Of the query, of forms and of JSON, by name.
  bool omit_matched_data = false;
};

struct AuditEvent {
  base::WallTime time = 0;
  std::string transaction;
  Mode mode = Mode::kBlock;
  const char* outcome = "";
  Endpoint client;
  Endpoint server;
  std::string method;
  std::string uri;
  std::string version;
  std::string route;
  FieldTexts request_fields;
  uint16_t status = 0;  // Of the response that was sent; 0: none.
  int64_t rule = 0;     // That intervened; 0: none, or one without a number.
  std::optional<int64_t> inbound_score;
  std::optional<int64_t> outbound_score;
  std::vector<RuleMatch> matches;
};

inline constexpr size_t kMaxAuditText = 1024;

// One line, with its end.
std::string ToJsonLine(const AuditEvent& event, const Redaction& redaction);

}  // namespace proxenos::waf
