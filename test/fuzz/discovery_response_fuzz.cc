// What a control plane may send: responses of any bytes, one after the other, through a
// subscription of either protocol. Whatever comes, each is answered once, and nothing is known that
// was not in a good response.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/event/timer_wheel.h"
#include "source/xds/delta_subscription.h"
#include "source/xds/sotw_subscription.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {
namespace {

// The version that a response gives to what is in force after it.
const std::string& VersionOf(const SotwSubscription::Response& response) {
  return response.version_info();
}
const std::string& VersionOf(const DeltaSubscription::Response& response) {
  return response.system_version_info();
}

// Responses, each with its size in two bytes before it.
template <typename Kind>
void Run(unsigned mode, absl::string_view input) {
  event::TimerWheel timers(0);
  SubscriptionOptions options;
  options.type = *FindResourceType(kClusterType);
  options.type.whole_set = (mode & 1) != 0;
  options.type.namespaces = (mode & 16) != 0;
  Kind subscription(timers, options, [mode](const TypeUpdate& update) {
    std::vector<ResourceError> refused;
    for (const Resource& resource : update.resources) {
      CHECK(!resource.name.empty() && resource.bytes != nullptr);
      if ((mode & 4) != 0) refused.push_back({resource.name, "refused"});
    }
    return refused;
  });
  subscription.OnStreamOpened(0);
  subscription.Want(
      {(mode & 2) != 0 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{kAllNames},
       {}});
  while (subscription.has_request()) subscription.TakeRequest();

  while (input.size() > 2) {
    size_t size =
        static_cast<unsigned char>(input[0]) * 256u + static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    size = std::min(size, input.size());
    absl::StatusOr<ResponseReader> reader =
        ResponseReader::Open(std::string(input.substr(0, size)));
    typename Kind::Response whole;
    const bool valid = whole.ParseFromArray(input.data(), static_cast<int>(size));
    input.remove_prefix(size);
    // What protobuf takes whole can be read in parts; what it does not may have bad parts only.
    CHECK(reader.ok() || !valid);
    typename Kind::Response response;
    if (!reader.ok() || !response.ParseFromString(reader->rest())) {
      CHECK(!valid);
      continue;
    }
    CHECK(response.resources().empty());
    CHECK(!valid || reader->count() == static_cast<size_t>(whole.resources_size()));
    subscription.OnResponse(response, *std::move(reader));
    subscription.FinishNow();
    // The same refusal once more is told after a pause.
    if (!subscription.has_request()) timers.Advance(timers.now() + 3 * base::kSecond);
    CHECK(subscription.has_request());
    const typename Kind::Request answer = subscription.TakeRequest();
    CHECK(answer.response_nonce() == response.nonce());
    CHECK(answer.has_error_detail() == !subscription.last_refusal().empty());
    CHECK(answer.has_error_detail() || subscription.version() == VersionOf(response));
    CHECK(!subscription.has_request());
  }
}

// The first byte of the input: bit 0 whole set, bit 1 names instead of everything, bit 2 refuse
// all, bit 3 the delta protocol, bit 4 names stand for namespaces.
void RunEither(absl::string_view input) {
  if (input.empty()) return;
  const auto mode = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  (mode & 8) != 0 ? Run<DeltaSubscription>(mode, input) : Run<SotwSubscription>(mode, input);
}

}  // namespace
}  // namespace proxenos::xds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::xds::RunEither(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
