// What a control plane may send: responses of any bytes, one after the other, through a
// subscription. Whatever comes, each is answered once, and nothing is known that was not in a good
// response.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/event/timer_wheel.h"
#include "source/xds/subscription.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {
namespace {

// The first byte of the input: bit 0 whole set, bit 1 names instead of everything, bit 2 refuse
// all. Then responses, each with its size in two bytes before it.
void Run(absl::string_view input) {
  if (input.empty()) return;
  const auto mode = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  event::TimerWheel timers(0);
  SubscriptionOptions options;
  options.type_url = kClusterType;
  options.whole_set = (mode & 1) != 0;
  Subscription subscription(timers, options, [mode](const TypeUpdate& update) {
    std::vector<ResourceError> refused;
    for (const Resource& resource : update.resources) {
      CHECK(!resource.name.empty() && resource.bytes != nullptr);
      if ((mode & 4) != 0) refused.push_back({resource.name, "refused"});
    }
    return refused;
  });
  subscription.OnStreamOpened();
  (mode & 2) != 0 ? subscription.Want({"a", "b"}) : subscription.WantAll();
  while (subscription.has_request()) subscription.TakeRequest();

  while (input.size() > 2) {
    size_t size =
        static_cast<unsigned char>(input[0]) * 256u + static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    size = std::min(size, input.size());
    Subscription::Response response;
    const bool valid = response.ParseFromArray(input.data(), static_cast<int>(size));
    input.remove_prefix(size);
    if (!valid) continue;
    subscription.OnResponse(response);
    CHECK(subscription.has_request());
    const Subscription::Request answer = subscription.TakeRequest();
    CHECK(answer.response_nonce() == response.nonce());
    CHECK(answer.has_error_detail() == !subscription.last_refusal().empty());
    CHECK(answer.has_error_detail() || answer.version_info() == response.version_info());
    CHECK(!subscription.has_request());
  }
}

}  // namespace
}  // namespace proxenos::xds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::xds::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
