// Whom a fault befalls, and how it is made.
#include "source/filters/http/fault/filter.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/route/rewrite.h"

namespace proxenos::filters::fault {
namespace {

using filter::Direction;
using filter::Verdict;
using http::HeaderId;

constexpr absl::string_view kDelay = "x-envoy-fault-delay-request";
constexpr absl::string_view kDelayShare = "x-envoy-fault-delay-request-percentage";
constexpr absl::string_view kAbort = "x-envoy-fault-abort-request";
constexpr absl::string_view kGrpcAbort = "x-envoy-fault-abort-grpc-request";
constexpr absl::string_view kAbortShare = "x-envoy-fault-abort-request-percentage";
constexpr absl::string_view kLimit = "x-envoy-fault-throughput-response";
constexpr absl::string_view kLimitShare = "x-envoy-fault-throughput-response-percentage";

// What a header may ask for: an hour, and more than any body needs.
constexpr uint64_t kMaxDelayMs = 3'600'000;
constexpr uint64_t kMaxGrpcStatus = 999;
constexpr uint64_t kMaxKibPerSecond = uint64_t{1} << 32;

// A whole number of a header; nothing when there is none.
std::optional<uint64_t> NumberOf(const http::RequestHead& head, absl::string_view name) {
  const http::Header* header = head.headers.Find(name);
  uint64_t number;
  if (header == nullptr || !absl::SimpleAtoi(header->value(), &number)) return std::nullopt;
  return number;
}

std::string ClusterOf(const filter::StreamContext& stream) {
  if (stream.route == nullptr || stream.route->forward() == nullptr) return "";
  return std::string(route::PickCluster(*stream.route, stream.match_input()).name);
}

}  // namespace

filter::BodyNeed Fault::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  return pace_.has_value() ? declared : filter::BodyNeed();
}

bool Fault::Concerns(const http::RequestHead& head) const {
  if (!settings_.cluster.empty() && ClusterOf(stream_) != settings_.cluster) return false;
  if (!settings_.nodes.empty()) {
    const absl::string_view node = head.headers.Get(HeaderId::kXEnvoyDownstreamServiceNode);
    if (std::find(settings_.nodes.begin(), settings_.nodes.end(), node) == settings_.nodes.end()) {
      return false;
    }
  }
  return route::AllMatch(settings_.headers, head);
}

bool Fault::Overflows() {
  const uint64_t most = settings_.max_active.Get(stream_.environment.runtime);
  if (active_.load(std::memory_order_relaxed) < most) return false;
  if (part_ != nullptr) part_->stats->faults_overflow.Inc();
  return true;
}

void Fault::Begin() {
  if (counted_) return;
  counted_ = true;
  active_.fetch_add(1, std::memory_order_relaxed);
  if (part_ != nullptr) part_->stats->active_faults.Inc();
}

void Fault::End() {
  timer_.Disarm();
  if (!counted_) return;
  counted_ = false;
  active_.fetch_sub(1, std::memory_order_relaxed);
  if (part_ != nullptr) part_->stats->active_faults.Dec();
}

void Fault::Keep() {
  if (!settings_.metadata.empty()) stream_.info.metadata.Merge(name_, settings_.metadata);
}

// A header may make the configured share smaller, never larger.
bool Fault::Drawn(const runtime::FractionSetting& share, const http::RequestHead& head,
                  absl::string_view percentage_header, bool by_header) const {
  runtime::Fraction fraction = share.Get(stream_.environment.runtime);
  if (by_header) {
    if (const auto asked = NumberOf(head, percentage_header)) {
      fraction.numerator = static_cast<uint32_t>(std::min<uint64_t>(fraction.numerator, *asked));
    }
  }
  return fraction.Holds(stream_.environment.loop.random().Next());
}

void Fault::SetUpLimit(const http::RequestHead& head) {
  if (!settings_.limit) return;
  const Settings::Limit& limit = *settings_.limit;
  uint64_t rate = limit.kib_per_second;
  if (limit.by_header) rate = NumberOf(head, kLimit).value_or(0);
  rate = std::min(rate, kMaxKibPerSecond);
  if (rate == 0 || !Drawn(limit.share, head, kLimitShare, limit.by_header)) return;
  pace_.emplace(rate * 1024);
  body_.emplace(stream_, *this, Direction::kResponse);
  Begin();
  if (part_ != nullptr) part_->stats->response_rl_injected.Inc();
}

bool Fault::StartDelay(const http::RequestHead& head) {
  if (!settings_.delay) return false;
  const Settings::Delay& delay = *settings_.delay;
  uint64_t ms = delay.milliseconds.Get(stream_.environment.runtime);
  if (delay.by_header) ms = NumberOf(head, kDelay).value_or(0);
  ms = std::min(ms, kMaxDelayMs);
  if (ms == 0 || !Drawn(delay.share, head, kDelayShare, delay.by_header)) return false;
  Begin();
  Keep();
  if (part_ != nullptr) part_->stats->delays_injected.Inc();
  stream_.info.flags |= filter::kDelayInjected;
  wait_ = Wait::kDelay;
  timer_.ArmIn(static_cast<base::Nanos>(ms) * base::kMillisecond);
  return true;
}

bool Fault::Abort(const http::RequestHead& head) {
  if (!settings_.abort) return false;
  const Settings::Abort& abort = *settings_.abort;
  const auto* runtime = stream_.environment.runtime;
  uint64_t status = abort.http_status.Get(runtime);
  int64_t grpc = abort.grpc_status;
  if (const runtime::Value* value = runtime::Find(runtime, abort.grpc_status_key)) {
    if (value->integer) grpc = static_cast<int64_t>(std::min(*value->integer, kMaxGrpcStatus));
  }
  if (abort.by_header) {
    status = NumberOf(head, kAbort).value_or(0);
    const auto asked = NumberOf(head, kGrpcAbort);
    grpc = asked ? static_cast<int64_t>(std::min(*asked, kMaxGrpcStatus)) : Settings::kNoGrpcStatus;
  }
  if (status < 200 || status > 599) status = 0;
  if (status == 0 && grpc == Settings::kNoGrpcStatus) return false;
  if (!Drawn(abort.share, head, kAbortShare, abort.by_header)) return false;
  Keep();
  if (part_ != nullptr) part_->stats->aborts_injected.Inc();
  stream_.Reply(status == 0 ? 200 : static_cast<uint16_t>(status),
                stream_.arena.Copy(abort.body.empty() ? "fault filter abort" : abort.body),
                "fault_filter_abort", filter::kFaultInjected);
  if (grpc != Settings::kNoGrpcStatus && stream_.IsGrpcCall()) {
    stream_.response.headers.Set(HeaderId::kGrpcStatus, absl::StrCat(grpc));
  }
  return true;
}

Verdict Fault::OnRequestHeaders(http::RequestHead& head, bool) {
  if (!settings_.delay && !settings_.abort && !settings_.limit) return Verdict::kContinue;
  if (!Concerns(head) || Overflows()) return Verdict::kContinue;
  SetUpLimit(head);
  if (StartDelay(head)) return Verdict::kPause;
  return Abort(head) ? Verdict::kReplied : Verdict::kContinue;
}

// At the end of a delay, or for the body.
void Fault::OnWake() {
  if (body_.has_value()) body_->OnWake();
  if (wait_ != Wait::kDelay || !due_) return;
  wait_ = Wait::kNone;
  if (!pace_.has_value()) End();
  if (Abort(stream_.request)) return;
  stream_.Resume(*this, Direction::kRequest);
}

void Fault::OnTimer() {
  due_ = true;
  stream_.Wake(*this);
}

// Another filter answered, or the stream was cut short. What we answer is not slowed down.
void Fault::OnLocalReply() {
  wait_ = Wait::kNone;
  if (body_.has_value()) body_->Drop();
  pace_.reset();
  End();
}

Verdict Fault::OnResponseBody(buffer::Buffer& body, bool) {
  return pace_.has_value() ? body_->OnBody(*pace_, body) : Verdict::kContinue;
}

}  // namespace proxenos::filters::fault
