// Answers of the services that HTTP filters ask, on any bytes: read without a fault, what is broken
// says nothing, and what is read is what a message could have. The same bytes as a body of JSON.
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/base/clock.h"
#include "source/filters/http/ext_authz/decision.h"
#include "source/filters/http/ext_proc/message.h"
#include "source/filters/http/json_to_metadata/rules.h"
#include "source/filters/http/ratelimit/decision.h"
#include "source/json/parse.h"

namespace proxenos::filters {
namespace {

void ReadAuthorization(absl::string_view message) {
  const ext_authz::Decision decision = ext_authz::ReadCheckResponse(message);
  CHECK(decision.status == 0 || (decision.status >= 200 && decision.status <= 599));
  if (decision.verdict == ext_authz::Decision::Verdict::kAllow) CHECK(decision.status == 0);
  if (decision.verdict != ext_authz::Decision::Verdict::kAllow) CHECK(!decision.changes_request());
}

void ReadProcessing(absl::string_view message) {
  const std::optional<ext_proc::Answer> answer = ext_proc::ReadAnswer(message);
  if (!answer.has_value()) return;
  if (answer->immediate.has_value()) {
    CHECK(answer->immediate->status >= 200 && answer->immediate->status <= 599);
  }
  if (answer->timeout.has_value()) {
    CHECK(*answer->timeout >= 0 && *answer->timeout < 3602 * base::kSecond);
  }
}

void ReadLimits(absl::string_view message) {
  const ratelimit::Decision decision = ratelimit::ReadResponse(message);
  const auto fields = ratelimit::LimitFieldsOf(decision);
  CHECK(fields.has_value() || decision.statuses.empty());
}

void ReadBody(absl::string_view text) {
  using json_to_metadata::Entry;
  const std::optional<json::Value> root = json::Parse(text);
  if (!root.has_value()) return;
  json_to_metadata::Rules rules;
  for (const auto type : {Entry::Type::kAsIs, Entry::Type::kText, Entry::Type::kNumber}) {
    for (const bool deep : {false, true}) {
      json_to_metadata::Rule rule;
      rule.path = {"a"};
      if (deep) rule.path.push_back("b");
      rule.present = Entry{"s", "present", std::nullopt, type, false};
      rule.missing = Entry{"s", "missing", json::Value(true), type, false};
      rules.list.push_back(std::move(rule));
    }
  }
  const json_to_metadata::Made made =
      json_to_metadata::ApplyRules(rules, *root, filter::DynamicMetadata());
  for (const auto& [space, values] : made) {
    const auto found = values.find("present");
    if (found != values.end() && found->second.text() != nullptr) {
      CHECK(found->second.text()->size() <= 8192);
    }
  }
}

}  // namespace
}  // namespace proxenos::filters

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  proxenos::filters::ReadAuthorization(bytes);
  proxenos::filters::ReadProcessing(bytes);
  proxenos::filters::ReadLimits(bytes);
  proxenos::filters::ReadBody(bytes);
  return 0;
}
