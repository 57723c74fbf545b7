// One connection after another.
#include "source/stat_sinks/statsd_tcp.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/connection_kind.h"

namespace proxenos::stat_sinks {

using State = upstream::Exchange::State;

StatsdTcpSink::Attempt::Attempt(StatsdTcpSink& sink) : Exchange(sink.head_), owner(sink) {
  body_limit = 4096;  // A statsd says nothing; what it says is thrown away.
}

StatsdTcpSink::StatsdTcpSink(StatsdTcpConfig config, const stats::StatView& view,
                             stats::Registry& registry, event::EventLoop& loop,
                             FindCluster find_cluster)
    : config_(std::move(config)),
      lines_(StatsdForm::kPlain, config_.prefix, view),
      stats_(registry.Open<stats::StatsdStats>(stats::ScopeName(stats::kStatsdScope, {}))),
      loop_(loop),
      find_cluster_(std::move(find_cluster)),
      head_(arena_) {}

void StatsdTcpSink::Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime) {
  bool overflow = false;
  std::string text;
  lines_.Encode(readings, [this, &overflow, &text](absl::string_view line) {
    if (overflow || waiting_.size() + text.size() + line.size() >= kMaxWaitingBytes) {
      overflow = true;
      stats_->lines_dropped.Inc();
      return;
    }
    absl::StrAppend(&text, line, "\n");
    ++waiting_lines_;
  });
  if (overflow) stats_->cx_overflow.Inc();
  waiting_.Append(text);
  if (attempt_ == nullptr) Connect();
  loop_.Schedule(this);
}

void StatsdTcpSink::Connect() {
  cluster_ = find_cluster_(config_.cluster);
  if (!cluster_) return;  // It warms still; what waits, waits for the next interval.
  upstream::ConnectionNeeds needs;
  needs.raw = true;
  attempt_ = std::make_unique<Attempt>(*this);
  attempt_->needs = &needs;
  cluster_->Acquire(*attempt_);
  attempt_->needs = nullptr;
}

void StatsdTcpSink::Run() {
  if (attempt_ == nullptr || attempt_->state == State::kPending) return;
  const uint64_t said = attempt_->body.size();
  attempt_->body.Clear();
  upstream::ClientStream* stream = attempt_->stream.get();
  if (attempt_->state != State::kActive || stream == nullptr || attempt_->end) return End();
  if (said > 0) attempt_->BodyTaken(said);
  if (waiting_.empty() || !stream->SendBody(waiting_, /*end=*/false, nullptr)) return;
  stats_->lines_sent.Add(waiting_lines_);
  waiting_lines_ = 0;
}

void StatsdTcpSink::End() {
  attempt_.reset();
  stats_->lines_dropped.Add(waiting_lines_);
  waiting_lines_ = 0;
  waiting_.Clear();
}

}  // namespace proxenos::stat_sinks
