// The hash of a stream's request, by what its route or cluster says to hash.
//
// Thread: the stream's worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "source/filter/stream_context.h"
#include "source/route/hash_policy.h"

namespace proxenos::filter {

// None where no policy applies. `set_cookie` is called with the value of a Set-Cookie that the
// response should carry.
std::optional<uint64_t> RequestHash(const StreamContext& stream,
                                    absl::Span<const route::HashPolicy> policies,
                                    absl::FunctionRef<void(std::string)> set_cookie);

}  // namespace proxenos::filter
