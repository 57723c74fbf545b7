// Decision: what an authorization service answered, whichever protocol it speaks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filter/header_change.h"
#include "source/filters/http/ext_authz/settings.h"
#include "source/http/message.h"
#include "source/json/value.h"

namespace proxenos::filters::ext_authz {

struct Decision {
  enum class Verdict : uint8_t { kAllow, kDeny, kError };
  Verdict verdict = Verdict::kError;

  // Of kAllow: changes of the request, and of the response that it will get.
  std::vector<filter::HeaderChange> request_changes;
  std::vector<std::string> headers_to_remove;
  std::vector<std::pair<std::string, std::string>> query_to_set;
  std::vector<std::string> query_to_remove;
  // Of the response that goes to the client, whoever makes it.
  std::vector<filter::HeaderChange> response_changes;

  // Of kDeny and kError; 0: the service chose none.
  uint16_t status = 0;
  std::string body;

  json::Object metadata;
  bool bad_append_action = false;

  bool changes_request() const {
    return !request_changes.empty() || !headers_to_remove.empty() || !query_to_set.empty() ||
           !query_to_remove.empty();
  }
};

// A serialized envoy.service.auth.v3.CheckResponse; kError when it is broken.
Decision ReadCheckResponse(absl::string_view message);
Decision ReadHttpResponse(const http::ResponseHead& head, std::string body,
                          const HttpServer& server);

}  // namespace proxenos::filters::ext_authz
