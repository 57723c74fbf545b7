// Counting down, and the answer at 0.
#include "source/filters/http/router/max_forwards.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proxenos::filters::router {

bool AnswerLastForward(filter::StreamContext& stream) {
  constexpr absl::string_view kName = "max-forwards";
  http::RequestHead& head = stream.request;
  if (head.method != http::Method::kOptions && head.method != http::Method::kTrace) return false;
  const http::Header* const field = head.headers.Find(kName);
  if (field == nullptr) return false;
  const absl::string_view value = field->value();
  uint64_t left = 0;
  // What is no number says nothing; SimpleAtoi would take a sign.
  if (!std::all_of(value.begin(), value.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(value, &left)) {
    return false;
  }
  if (left > 0) {
    head.headers.Set(kName, absl::AlphaNum(left - 1).Piece());
    return false;
  }
  // A TRACE is not reflected: its fields may hold what scripts at the client must not see.
  const bool trace = head.method == http::Method::kTrace;
  stream.Reply(trace ? 501 : 200, "", "max_forwards_reached", 0);
  return true;
}

}  // namespace proxenos::filters::router
