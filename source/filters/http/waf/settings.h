// What a WAF filter is configured to do, compiled: proxenos.filters.http.waf.v3.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/waf/audit_event.h"
#include "source/waf/audit_log.h"
#include "source/waf/engine.h"
#include "source/waf/inspection_pool.h"

namespace proxenos::filters::waf {

enum class OverLimit : uint8_t { kReject, kProcessPartial };

struct BodySettings {
  uint32_t limit = 0;  // Bytes.
  OverLimit over_limit = OverLimit::kReject;
  bool ignored = false;
};

struct RequestSettings {
  BodySettings body{128 * 1024, OverLimit::kReject, false};
  bool grpc_bodies = false;
};

struct ResponseSettings {
  BodySettings body{512 * 1024, OverLimit::kReject, false};
  std::vector<std::string> types = {"text/plain", "text/html", "text/xml"};
};

struct FailureSettings {
  bool open = false;
  uint16_t status = 503;
};

struct Settings {
  proxenos::waf::Mode mode = proxenos::waf::Mode::kBlock;
  std::shared_ptr<const proxenos::waf::RuleSet> rules;
  RequestSettings request;
  std::optional<ResponseSettings> response;  // None: not inspected.
  std::shared_ptr<const proxenos::waf::InspectionPool> pool;
  base::Nanos deadline = base::kSecond;
  FailureSettings failure;
  std::shared_ptr<const proxenos::waf::AuditLog> audit;  // Null: nothing is written.
  proxenos::waf::Redaction redaction;
};

// WafPerRoute, of one level: what is set takes the place of the filter's.
struct RouteSettings {
  bool disabled = false;
  std::optional<proxenos::waf::Mode> mode;
  std::shared_ptr<const proxenos::waf::RuleSet> rules;
  std::optional<RequestSettings> request;
  std::optional<ResponseSettings> response;
  bool skip_response = false;
};

}  // namespace proxenos::filters::waf
