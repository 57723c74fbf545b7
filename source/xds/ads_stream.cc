// The life of the stream, and who speaks on it next.
#include "source/xds/ads_stream.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/grpc_stream.h"

namespace proxenos::xds {

AdsStream::AdsStream(event::EventLoop& loop, AdsStreamOptions options)
    : loop_(loop), options_(std::move(options)), retry_timer_(loop.timers(), [this] { Open(); }) {}

AdsStream::~AdsStream() {
  if (stream_ == nullptr) return;
  stream_->Close();
  loop_.Retire(std::move(stream_));
}

Subscription* AdsStream::Subscribe(SubscriptionOptions options, ApplyUpdate apply) {
  CHECK(Find(options.type_url) == nullptr);
  subscriptions_.push_back(
      std::make_unique<Subscription>(loop_.timers(), std::move(options), std::move(apply)));
  Subscription* subscription = subscriptions_.back().get();
  subscription->OnRequestDue([this] { loop_.Schedule(this); });
  if (stream_ != nullptr) subscription->OnStreamOpened();
  return subscription;
}

Subscription* AdsStream::Find(const std::string& type_url) const {
  for (const auto& subscription : subscriptions_) {
    if (subscription->type_url() == type_url) return subscription.get();
  }
  return nullptr;
}

void AdsStream::Start() {
  if (std::exchange(started_, true)) return;
  Open();
}

void AdsStream::Open() {
  node_sent_ = false;
  ++stats_.streams_opened;
  MessageStream::Events events;
  events.on_connected = [this] { stats_.connected = true; };
  events.on_message = [this](absl::string_view message) { OnMessage(message); };
  events.on_sent = [this] { loop_.Schedule(this); };
  events.on_closed = [this](const absl::Status& status) { OnClosed(status); };
  stream_ = MakeStream(std::move(events));
  for (const auto& subscription : subscriptions_) subscription->OnStreamOpened();
}

std::unique_ptr<MessageStream> AdsStream::MakeStream(MessageStream::Events events) {
  const uint64_t attempt = attempts_++;
  if (!options_.target.cluster.empty() && options_.find_cluster != nullptr) {
    return std::make_unique<ClusterStream>(loop_, options_.find_cluster, options_.target,
                                           options_.method, std::move(events));
  }
  return std::make_unique<GrpcStream>(loop_, options_.target, options_.method, attempt,
                                      std::move(events));
}

void AdsStream::Run() {
  if (stream_ == nullptr || stream_->sending()) return;
  for (const auto& subscription : subscriptions_) {
    if (!subscription->has_request()) continue;
    Subscription::Request request = subscription->TakeRequest();
    if (!node_sent_ || !options_.node_on_first_message_only) {
      *request.mutable_node() = options_.node;
    }
    node_sent_ = true;
    stream_->Send(request);
    return;  // on_sent comes back for the next.
  }
}

void AdsStream::OnMessage(absl::string_view message) {
  Subscription::Response response;
  if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    // Without its nonce it cannot even be refused: the peer does not speak the protocol.
    OnClosed(absl::DataLossError("a response is not a valid DiscoveryResponse"));
    return;
  }
  failures_ = 0;
  stats_.identifier = response.control_plane().identifier().substr(0, 256);
  Subscription* subscription = Find(response.type_url());
  if (subscription == nullptr) {
    ++stats_.unknown_types;
    PX_LOG(kConfig, kWarn, "xds: ignored a response of type ", response.type_url().substr(0, 200),
           ": nobody subscribed to it");
    return;
  }
  subscription->OnResponse(response);
}

void AdsStream::OnClosed(const absl::Status& status) {
  stream_->Close();
  loop_.Retire(std::move(stream_));
  stats_.connected = false;
  ++stats_.streams_lost;
  last_status_ = status;
  const base::Nanos pause = NextPause();
  PX_LOG(kConfig, kWarn, "xds: stream to ",
         options_.target.uris[(attempts_ - 1) % options_.target.uris.size()], " ended (",
         status.ToString(), "), next attempt in ", pause / base::kMillisecond, " ms");
  for (const auto& subscription : subscriptions_) subscription->OnStreamLost();
  retry_timer_.ArmIn(pause);
}

base::Nanos AdsStream::NextPause() {
  // From the base on, doubled for each failure; the random part keeps a fleet from coming back in
  // step after its control plane restarts.
  const int doublings = std::min(failures_++, 20);
  base::Nanos ceiling = options_.target.backoff_max;
  if ((ceiling >> doublings) > 2 * options_.target.backoff_base) {
    ceiling = (2 * options_.target.backoff_base) << doublings;
  }
  const base::Nanos half = std::max<base::Nanos>(ceiling / 2, 1);
  return half + static_cast<base::Nanos>(loop_.random().Below(half + 1));
}

}  // namespace proxenos::xds
