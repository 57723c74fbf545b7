// Where the addresses and the filter state of a stream are, for those policies that hash them.
#include "source/filter/request_hash.h"

namespace proxenos::filter {

std::optional<uint64_t> RequestHash(const StreamContext& stream,
                                    absl::Span<const route::HashPolicy> policies,
                                    absl::FunctionRef<void(std::string)> set_cookie) {
  const auto addresses = [&stream] {
    route::HashAddresses of;
    of.client = stream.info.remote.ToString();
    of.client_ip = stream.info.remote.IpString();
    if (stream.info.connection != nullptr) of.proxy = stream.info.connection->local.ToString();
    return of;
  };
  const auto state = [&stream](absl::string_view name) -> std::optional<absl::string_view> {
    const std::string* text = stream.info.state.Find(name);
    return text == nullptr ? std::nullopt : std::optional<absl::string_view>(*text);
  };
  return route::HashOf(policies, stream.request, {addresses, state}, set_cookie);
}

}  // namespace proxenos::filter
