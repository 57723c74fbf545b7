// What an authorization service is asked about a connection, and answers: CheckRequest and
// CheckResponse of envoy.service.auth.v3 on the wire.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/filter/environment.h"
#include "source/filter/stream_info.h"
#include "source/filters/network/ext_authz/ext_authz.h"
#include "source/json/value.h"

namespace proxenos::filters::network_ext_authz {

// The serialized CheckRequest about the connection of `info`; `node` may be null.
std::string MakeQuestion(const Settings& settings, const filter::StreamInfo& info,
                         const filter::LocalNode* node);

struct Answer {
  enum class Verdict : uint8_t { kAllow, kDeny, kError };
  Verdict verdict = Verdict::kError;
  json::Object metadata = {};
};

// kError when the message is broken.
Answer ReadAnswer(absl::string_view message);

}  // namespace proxenos::filters::network_ext_authz
