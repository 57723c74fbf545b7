// Two of its fields.
#include "source/filters/network/ratelimit/answer.h"

#include <optional>
#include <utility>

#include "source/rpc/wire.h"

namespace proxenos::filters::network_ratelimit {
namespace {

enum ResponseField : uint32_t { kOverallCode = 1, kDynamicMetadata = 6 };
enum Code : uint64_t { kOk = 1, kOverLimit = 2 };

}  // namespace

Answer ReadAnswer(absl::string_view message) {
  Answer answer;
  uint64_t code = 0;
  rpc::WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() == kOverallCode) code = reader.number();
    if (reader.field() != kDynamicMetadata) continue;
    std::optional<json::Object> metadata = rpc::ReadStruct(reader.bytes());
    if (!metadata.has_value()) return {};
    answer.metadata = *std::move(metadata);
  }
  if (!reader.ok()) return {};
  if (code == kOk) answer.verdict = Answer::Verdict::kOk;
  if (code == kOverLimit) answer.verdict = Answer::Verdict::kOverLimit;
  return answer;
}

}  // namespace proxenos::filters::network_ratelimit
