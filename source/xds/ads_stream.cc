// The life of the stream, and who speaks on it next.
#include "source/xds/ads_stream.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/delta_subscription.h"
#include "source/xds/open_stream.h"
#include "source/xds/retry_pause.h"
#include "source/xds/sotw_subscription.h"

namespace proxenos::xds {
namespace {

// A control plane that sends large responses without a pause keeps no request back for longer.
constexpr base::Nanos kLongestHold = base::kSecond;

// Its place in kResourceTypes; behind them for any other.
size_t RankOf(absl::string_view type_url) {
  const ResourceType* type = FindResourceType(type_url);
  return type == nullptr ? std::size(kResourceTypes)
                         : static_cast<size_t>(type - std::begin(kResourceTypes));
}

}  // namespace

AdsStream::AdsStream(event::EventLoop& loop, AdsStreamOptions options)
    : loop_(loop),
      options_(std::move(options)),
      retry_timer_(loop.timers(), [this] { Open(); }),
      send_timer_(loop.timers(),
                  [this] { OnClosed(absl::DeadlineExceededError("the peer takes no message")); }),
      choice_(options_.targets.size()) {
  CHECK(!options_.targets.empty());
  if (options_.rate.has_value()) {
    rate_.emplace(loop.timers(), *options_.rate, [this] { loop_.Schedule(this); });
  }
}

AdsStream::~AdsStream() {
  if (stream_ == nullptr) return;
  stream_->Close();
  loop_.Retire(std::move(stream_));
}

Subscription* AdsStream::Subscribe(SubscriptionOptions options, ApplyUpdate apply) {
  CHECK(Find(options.type.url) == nullptr);
  std::unique_ptr<Subscription> made;
  if (options_.protocol == Protocol::kDelta) {
    made =
        std::make_unique<DeltaSubscription>(loop_.timers(), std::move(options), std::move(apply));
  } else {
    made = std::make_unique<SotwSubscription>(loop_.timers(), std::move(options), std::move(apply));
  }
  Subscription* subscription = made.get();
  const auto place = std::upper_bound(
      subscriptions_.begin(), subscriptions_.end(), RankOf(subscription->type().url),
      [](size_t rank, const auto& each) { return rank < RankOf(each->type().url); });
  subscriptions_.insert(place, std::move(made));
  subscription->OnRequestDue([this] { loop_.Schedule(this); });
  subscription->OnIdle([this] { OnIdle(); });
  if (stream_ != nullptr) subscription->OnStreamOpened(choice_.current());
  return subscription;
}

Subscription* AdsStream::Find(absl::string_view type_url) const {
  for (const auto& subscription : subscriptions_) {
    if (subscription->type().url == type_url) return subscription.get();
  }
  return nullptr;
}

void AdsStream::Start() {
  if (std::exchange(started_, true)) return;
  Open();
}

bool AdsStream::LacksCluster() {
  return !target().cluster.empty() && options_.find_cluster != nullptr &&
         !options_.find_cluster(target().cluster);
}

void AdsStream::OnClusters() {
  if (!lacked_cluster_ || stream_ != nullptr || LacksCluster()) return;
  retry_timer_.Disarm();
  Open();
}

void AdsStream::Open() {
  lacked_cluster_ = false;
  node_sent_ = false;
  answered_ = false;
  opened_at_ = loop_.now();
  ++stats_.streams_opened;
  MessageStream::Events events;
  events.on_connected = [this] { stats_.connected = true; };
  events.on_message = [this](std::string message) { OnMessage(std::move(message)); };
  events.on_sent = [this] {
    send_timer_.Disarm();
    loop_.Schedule(this);
  };
  events.on_closed = [this](const absl::Status& status) { OnClosed(status); };
  stream_ = OpenStream(loop_, {target(), options_.find_cluster, options_.method, attempts_++},
                       std::move(events));
  for (const auto& subscription : subscriptions_) subscription->OnStreamOpened(choice_.current());
  PauseIfBusy();  // With what the last stream brought.
}

void AdsStream::PauseIfBusy() {
  const bool busy = std::any_of(subscriptions_.begin(), subscriptions_.end(),
                                [](const auto& subscription) { return subscription->busy(); });
  if (busy && stream_ != nullptr) stream_->Pause();
}

void AdsStream::OnIdle() {
  loop_.Schedule(this);  // For those who could not ask.
  if (stream_ != nullptr) stream_->Resume();
}

template <typename Kind>
void AdsStream::SendNext(Kind& subscription) {
  typename Kind::Request request = subscription.TakeRequest();
  if (!node_sent_ || !options_.node_on_first_message_only) *request.mutable_node() = options_.node;
  node_sent_ = true;
  send_timer_.ArmIn(options_.send_timeout);
  stream_->Send(request);
}

size_t AdsStream::WhoMayAsk() {
  const auto busy = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                 [](const auto& subscription) { return subscription->busy(); });
  if (busy == subscriptions_.end()) {
    held_since_ = 0;
    return subscriptions_.size();
  }
  if (held_since_ == 0) held_since_ = loop_.now();
  if (loop_.now() - held_since_ >= kLongestHold) {
    held_since_ = 0;
    return subscriptions_.size();
  }
  return static_cast<size_t>(busy - subscriptions_.begin()) + 1;
}

void AdsStream::Run() {
  if (stream_ == nullptr || stream_->sending()) return;
  const auto due = [](const auto& subscription) { return subscription->has_request(); };
  const auto end = subscriptions_.begin() + static_cast<ptrdiff_t>(WhoMayAsk());
  const auto next = std::find_if(subscriptions_.begin(), end, due);
  stats_.pending_requests = 0;
  if (next == end) return;
  if (rate_.has_value() && !rate_->Take()) {
    ++stats_.rate_limit_enforced;
    stats_.pending_requests = static_cast<uint64_t>(std::count_if(next, subscriptions_.end(), due));
    return;
  }
  if (options_.protocol == Protocol::kDelta) {
    SendNext(static_cast<DeltaSubscription&>(**next));
  } else {
    SendNext(static_cast<SotwSubscription&>(**next));
  }
  // on_sent comes back for the next.
}

template <typename Kind>
bool AdsStream::Receive(std::string message) {
  absl::StatusOr<ResponseReader> reader = ResponseReader::Open(std::move(message));
  typename Kind::Response response;  // But for its resources.
  if (!reader.ok() || !response.ParseFromString(reader->rest())) return false;
  answered_ = true;
  answered_by_ = choice_.current();
  stats_.identifier = response.control_plane().identifier().substr(0, 256);
  // On a stream of one type there is no need to name it.
  const bool unnamed = response.type_url().empty() && subscriptions_.size() == 1;
  Subscription* subscription = unnamed ? subscriptions_.front().get() : Find(response.type_url());
  if (subscription == nullptr) {
    ++stats_.unknown_types;
    PX_LOG(kConfig, kWarn, "xds: ignored a response of type ", response.type_url().substr(0, 200),
           ": nobody subscribed to it");
    return true;
  }
  static_cast<Kind&>(*subscription).OnResponse(response, *std::move(reader));
  PauseIfBusy();
  return true;
}

void AdsStream::OnMessage(std::string message) {
  const bool valid = options_.protocol == Protocol::kDelta
                         ? Receive<DeltaSubscription>(std::move(message))
                         : Receive<SotwSubscription>(std::move(message));
  // Without its nonce it cannot even be refused: the peer does not speak the protocol.
  if (!valid) OnClosed(absl::DataLossError("a response is not a valid discovery response"));
}

void AdsStream::OnClosed(const absl::Status& status) {
  stream_->Close();
  loop_.Retire(std::move(stream_));
  send_timer_.Disarm();
  stats_.connected = false;
  ++stats_.streams_lost;
  last_status_ = status;
  lacked_cluster_ = LacksCluster();
  if (WasOfUse()) failures_ = 0;
  const base::Nanos pause = NextPause();
  if (lacked_cluster_) {
    PX_LOG(kConfig, kInfo, "xds: the stream waits for cluster ", target().cluster);
  } else {
    const std::vector<std::string>& uris = target().uris;
    PX_LOG(kConfig, kWarn, "xds: stream to ",
           uris.empty() ? target().cluster : uris[(attempts_ - 1) % uris.size()], " ended (",
           status.ToString(), "), next attempt in ", pause / base::kMillisecond, " ms");
  }
  for (const auto& subscription : subscriptions_) subscription->OnStreamLost();
  // One that was asked and kept silent has failed, however long that took: keepalive may need
  // longer to find it dead than the longest pause. But one that was asked nothing had no chance,
  // and one that was told its own versions may have had nothing to say.
  const bool may_keep_silent = !node_sent_ || answered_by_ == choice_.current();
  choice_.OnLost(answered_ || (may_keep_silent && WasOfUse()));
  retry_timer_.ArmIn(pause);
}

bool AdsStream::WasOfUse() const {
  return answered_ || loop_.now() - opened_at_ > target().backoff_max;
}

base::Nanos AdsStream::NextPause() { return RetryPause(target(), failures_++, loop_.random()); }

}  // namespace proxenos::xds
