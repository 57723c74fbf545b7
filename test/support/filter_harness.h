// FilterHarness: a real FilterChain on a StreamContext without sockets. The test plays both ends:
// it deposits request parts as a codec would and response parts as the terminal filter would,
// pumps, and looks at what came out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/filter/filter_chain.h"
#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "test/support/sim_clock.h"

namespace proxenos::testing {

// The last filter: takes what comes and keeps it in request_out.
class TerminalFactory final : public filter::FilterFactory {
 public:
  class Terminal final : public filter::HttpFilter {
   public:
    bool terminal() const override { return true; }
  };
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return std::make_unique<Terminal>();
  }
};

// What the harness's members need to exist first.
struct HarnessParts {
  SimClock clock;
  event::EventLoop loop{clock};
  stats::Registry registry;
  upstream::ClusterMap clusters{loop, registry};
  filter::StreamContext::Environment environment{loop, clusters};
  stats::Group<stats::HttpStats> stats = registry.Open<stats::HttpStats>(stats::HttpScope("test"));
};

using Fields = std::vector<std::pair<std::string, std::string>>;

class FilterHarness final : private HarnessParts, public filter::StreamContext {
 public:
  // `factories` stand before a terminal filter. `prepare` makes the request's head and its route,
  // which filters may look at from the start.
  explicit FilterHarness(
      filter::FilterFactories factories,
      absl::FunctionRef<void(filter::StreamContext&)> prepare = [](filter::StreamContext&) {},
      filter::OnDemand* on_demand = nullptr)
      : StreamContext(HarnessParts::environment, *stats), factories_(std::move(factories)) {
    HarnessParts::environment.on_demand = on_demand;
    prepare(*this);
    for (const auto& factory : factories_) {
      parts_.emplace_back(factory->MakeWorkerPart(registry, "test"));
      if (parts_.back()) parts_.back()->Start(HarnessParts::environment);
    }
    worker_parts = parts_;
    factories_.push_back(std::make_shared<const TerminalFactory>());
    chain_.emplace(factories_, *this);
  }
  ~FilterHarness() override { EndStream(); }
  // Something that lives on the harness's loop, until the stream and its filters are gone.
  class Attachment {
   public:
    virtual ~Attachment() = default;
  };
  void Keep(std::unique_ptr<Attachment> attachment) { kept_.push_back(std::move(attachment)); }
  // Destroys the filters.
  void EndStream() {
    if (chain_.has_value()) Complete();
    chain_.reset();
  }
  // The stream is over; again without effect.
  void Complete() {
    if (!std::exchange(completed_, true)) chain_->Complete();
  }

  // What the loop calls when a filter woke or resumed: the stream's pump, but for the codec.
  void Run() override {
    for (int rounds = 0; rounds < 1000; ++rounds) {
      if (aborted() || !chain_.has_value() || !PumpOnce()) return;
    }
    spun_ = true;
  }
  void Turn() { loop.RunOnce(0); }
  // A turn that waits at most so long for sockets.
  void TurnIn(base::Nanos wait) { loop.RunOnce(wait); }
  void Advance(base::Nanos by) { clock.Advance(by); }
  // Turns until the condition holds; false when it never does.
  bool Until(absl::FunctionRef<bool()> holds) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (holds()) return true;
      TurnIn(base::kMillisecond);
    }
    return false;
  }
  bool spun() const { return spun_; }
  // A counter or gauge by its whole name; 0 when nobody counts it.
  uint64_t Stat(absl::string_view name) {
    for (const stats::ScopeReading& scope : registry.Read()) {
      for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
        if (absl::StrCat(scope.name.prefix(), scope.schema->stats[i].name) == name) {
          return scope.total.values[i];
        }
      }
    }
    return 0;
  }
  void SetFailingHealth(bool failing) { HarnessParts::environment.failing_health = failing; }

  void SendRequest(bool end) {
    request_in.head = true;
    request_in.end = end;
    Run();
  }
  void SendRequestBody(const std::string& bytes, bool end) {
    request_in.body.Append(bytes);
    request_in.end = end;
    Run();
  }
  void SendResponse(uint16_t status, const std::string& body, bool end) {
    response.status = status;
    response_in.head = true;
    SendResponseBody(body, end);
  }
  void SendResponseBody(const std::string& bytes, bool end) {
    response_in.body.Append(bytes);
    response_in.end = end;
    Run();
  }
  void SendRequestTrailers(const Fields& fields) {
    request_in.trailers = Trailers(fields);
    request_in.end = true;
    Run();
  }
  void SendResponseTrailers(const Fields& fields) {
    response_in.trailers = Trailers(fields);
    response_in.end = true;
    Run();
  }
  // As the codec does: from now on the response cannot be replaced.
  void MarkResponseSent() { response_sent_ = true; }
  absl::string_view FormatValue(uint32_t) override { return ""; }
  void SendInformational(const http::ResponseHead&) override {}
  void Reroute() override { ++reroutes; }
  int reroutes = 0;
  // What RerouteAfresh finds: changes the route.
  absl::AnyInvocable<void(filter::StreamContext&)> on_afresh;

 private:
  http::HeaderMap* Trailers(const Fields& fields) {
    auto* trailers = new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
    for (const auto& [name, value] : fields) trailers->Add(name, value);
    return trailers;
  }
  bool PumpOnce() {
    bool moved = StartReply();
    moved |= chain_->RunWoken();
    moved |= StartReply();
    if (afresh_.filter != nullptr) {
      const Afresh wanted = std::exchange(afresh_, {});
      if (on_afresh) on_afresh(*this);
      chain_->RemakeBehind(*wanted.filter, *wanted.factory, factories_);
      Wake(*wanted.filter);
      moved = true;
    }
    for (const auto direction : {filter::Direction::kRequest, filter::Direction::kResponse}) {
      if (!std::exchange(resume_[static_cast<int>(direction)], false)) continue;
      chain_->Resume(direction);
      moved = true;
    }
    moved |= chain_->MoveRequest();
    if (!reply_pending_ && !aborted_) moved |= chain_->MoveResponse();
    return moved || reply_pending_;
  }
  bool StartReply() {
    if (!std::exchange(reply_pending_, false)) return false;
    chain_->StartLocalReply();
    return true;
  }

  std::vector<std::unique_ptr<Attachment>> kept_;
  filter::FilterFactories factories_;
  filter::WorkerParts parts_;
  std::optional<filter::FilterChain> chain_;
  bool completed_ = false;
  bool spun_ = false;
};

}  // namespace proxenos::testing
