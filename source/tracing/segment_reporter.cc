// One call after another.
#include "source/tracing/segment_reporter.h"

#include <algorithm>
#include <utility>

#include "source/event/event_loop.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::tracing {
namespace {

// Between two calls, doubled with each that ends; as in Envoy.
constexpr base::Nanos kFirstPause = 500 * base::kMillisecond;
constexpr base::Nanos kLongestPause = 30 * base::kSecond;

}  // namespace

SegmentReporter::SegmentReporter(const rpc::GrpcService& service, uint32_t max_waiting,
                                 const filter::Environment& environment, stats::Registry& registry)
    : service_(service),
      max_waiting_(max_waiting),
      environment_(environment),
      stats_(registry.Open<SkyWalkingStats>(stats::ScopeName(kSkyWalkingScope, {}))),
      pause_(kFirstPause),
      again_(environment.loop.timers(), [this] {
        if (!waiting_.empty() && Open()) Flush();
      }) {}

void SegmentReporter::Report(std::string segment) {
  if (call_ == nullptr && (again_.armed() || !Open())) return Keep(std::move(segment));
  if (call_->unsent_bytes() + segment.size() > kMaxBytes) {
    stats_->segments_dropped.Inc();
    return;
  }
  call_->Send(segment);
  stats_->segments_sent.Inc();
}

bool SegmentReporter::Open() {
  base::Rc<upstream::WorkerCluster> cluster = environment_.clusters.Find(service_.cluster);
  if (!cluster) {
    PauseBeforeNext();
    return false;
  }
  call_ =
      std::make_unique<rpc::Call>(std::move(cluster), service_.options, [this] { OnProgress(); });
  return true;
}

void SegmentReporter::OnProgress() {
  // It answers with commands, of which an agent need obey none.
  while (call_->Receive().has_value()) pause_ = kFirstPause;
  if (call_->head() != nullptr) pause_ = kFirstPause;
  if (!call_->done()) return;
  call_.reset();
  PauseBeforeNext();
}

void SegmentReporter::PauseBeforeNext() {
  const auto half = static_cast<uint64_t>(pause_ / 2);
  again_.ArmIn(static_cast<base::Nanos>(half + environment_.loop.random().Below(half + 1)));
  pause_ = std::min(2 * pause_, kLongestPause);
}

void SegmentReporter::Keep(std::string segment) {
  waiting_bytes_ += segment.size();
  waiting_.push_back(std::move(segment));
  while (waiting_.size() > max_waiting_ || waiting_bytes_ > kMaxBytes) {
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
    stats_->segments_dropped.Inc();
  }
}

void SegmentReporter::Flush() {
  stats_->cache_flushed.Inc();
  stats_->segments_sent.Add(waiting_.size());
  stats_->segments_flushed.Add(waiting_.size());
  for (const std::string& segment : waiting_) call_->Send(segment);
  waiting_.clear();
  waiting_bytes_ = 0;
}

}  // namespace proxenos::tracing
