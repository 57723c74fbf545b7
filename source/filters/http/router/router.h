// Router: the terminal HTTP filter: turns the chosen route into an upstream exchange, with timeout,
// retries and the changes that the route asks for. Room 6 of a request.
//
// All that happens to an attempt arrives as state (its Exchange, a timer's flag); OnWake acts on
// it. router.cc sends, router_response.cc takes what comes, router_failure.cc what does not;
// hedging.cc has several attempts under way at once.
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "source/base/rc.h"
#include "source/base/recycled.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/router/host_choice.h"
#include "source/filters/http/router/retry.h"
#include "source/filters/http/router/route_counts.h"
#include "source/filters/http/router/router_part.h"
#include "source/filters/http/router/sent_body.h"
#include "source/filters/http/router/timeouts.h"
#include "source/filters/http/router/websocket_bridge.h"
#include "source/route/rewrite.h"
#include "source/upstream/exchange.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::filters::router {

class AttemptFilters;
class AttemptLog;
struct FailureWords;
struct UpstreamLogs;  // upstream_logs.h

// envoy.extensions.filters.http.router.v3.Router
struct RouterConfig {
  bool suppress_envoy_headers = false;
  bool start_child_span = false;
  bool suppress_grpc_codes = false;            // suppress_grpc_request_failure_code_stats
  bool respect_expected_timeout = false;       // respect_expected_rq_timeout
  bool rejects_early_data = false;             // reject_connect_request_early_data
  std::vector<http::HeaderId> strict_headers;  // strict_check_headers
  // Of each attempt; null: there are none.
  std::shared_ptr<const UpstreamLogs> upstream_logs;
  // Of clusters that have none of their own; null: there are none.
  std::shared_ptr<const filter::UpstreamFilters> upstream_filters;
};

class Router final : public filter::HttpFilter {
 public:
  // `part` outlives it; null: requests are neither copied nor redirected (tests).
  Router(const RouterConfig& config, filter::StreamContext& stream, RouterPart* part = nullptr);
  ~Router() override;

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override;
  bool terminal() const override { return true; }

 private:
  friend class AttemptLog;

  // The per_try_idle_timeout of one attempt: since its request was complete, or anything came.
  struct IdleWait {
    explicit IdleWait(Router& router, base::Nanos limit);
    void Restart() { timer.ArmIn(limit); }
    event::Timer timer;
    const base::Nanos limit;
    bool over = false;
  };

  // One try at a host.
  struct Attempt final : public upstream::Exchange, public base::Recycled<Attempt> {
    Attempt(Router& router, http::ResponseHead& head_storage);
    ~Attempt() override;
    void OnProgress() override;
    Router& router;
    std::unique_ptr<AttemptFilters> filters;  // Null: nothing stands before the host.
    std::unique_ptr<AttemptLog> log;          // Null: nobody logs it.
    std::unique_ptr<IdleWait> idle;           // Null: there is no per_try_idle_timeout.
    base::MonoTime started = 0;
    std::optional<event::Timer> response_timer;  // The per-try timeout.
    std::optional<event::Timer> duration_timer;  // The cluster's max_stream_duration.
    upstream::TrackedStats::Sizes sizes;
    bool head_sent = false;
    bool timed_out = false;    // By response_timer.
    bool expired = false;      // By duration_timer.
    bool load_report = false;  // It came with a load report.
    bool slow = false;         // Its host was told on for not answering in time.
    bool retried = false;      // Another attempt has followed this one, which goes on.
    bool budget_told = false;  // What it took of its time is not counted: the request's was over.
  };

  // Sending.
  void Forward();
  // Nothing more is to come before the answer: also of an upgrade, whose host answers the head.
  bool request_complete() const;
  void OnRequestComplete();
  void StartAttempt();
  void SendHead();
  // The host has its say in the head: once it is known.
  void AddressHost();
  // And the connection.
  void SuitConnection(http::RequestHead& head, const upstream::ClientConnection& connection);
  void SendHeadOver(upstream::ClientStream& stream, const http::RequestHead& head,
                    const filter::Parts& out);
  // The connection stands: bytes go over it as they are, the client is told so.
  void OpenPipe();
  void SendMore();
  void SendMirrors();
  // By way of the upstream filters, where the attempt has some.
  void MakeFilters();
  void SendThroughFilters();
  // True: something went.
  bool SendFromFilters();
  // Takes what the attempt has of the response through them. False: the attempt is over.
  bool ReceiveThroughFilters();
  // What the host was sent, or will be.
  const http::RequestHead& sent_head() const;
  // Sets `fired` and wakes the router when `after` is over.
  void Arm(std::optional<event::Timer>& timer, base::Nanos after, bool& fired);
  // Whether what was sent of the request's body, what is to follow in `out`, and its end are as the
  // head said that went to the host.
  bool FitsLength(const http::Framing& framing, const filter::Parts& out) const;
  // They are not: the host gets no more.
  void RefuseLength();
  // Whether the request's body may go to the host yet.
  bool MaySendBody() const;
  void FinishAttempt(uint16_t status);
  // Counts a status that the cluster's requests came to.
  void CountStatus(uint16_t status);
  // A field of the request that strict_check_headers would have otherwise: then it was answered.
  bool RefuseStrictly();
  // What the attempt's log tells of its end.
  void NoteFlag(uint32_t flag);
  // Whose circuit breakers and connections the request uses.
  upstream::RoutingPriority priority() const {
    return forward_->high_priority ? upstream::RoutingPriority::kHigh
                                   : upstream::RoutingPriority::kDefault;
  }
  // Nobody wants to know any more what comes of the attempt, if there is one.
  void AbandonAttempt();
  void ReleaseRequest();
  void ForgetWaits();

  // Several attempts at once.
  struct Hedges;
  struct Earlier;
  // The time of the latest attempt is over: another one follows, if one may, and this goes on.
  void OnSlow();
  void SetAside();
  // Acts on what came of the attempts that were set aside; one of them may become attempt_.
  void WakeHedges();
  // It is the attempt that counts; the others are given up.
  void Prefer(Earlier&& chosen);
  void Drop(Earlier&& broken);
  // Whether an attempt that was set aside may still answer.
  bool hedged() const;
  // Returns how many there were.
  size_t AbandonHedges();
  // Where the next attempt's response goes; and from there to the stream's.
  http::ResponseHead& NextHead();
  void TakeHead();

  // Taking what comes.
  void JudgeHost();
  // What the host says of its own load: once, in its head or its trailers.
  void ReadLoadReport(const http::HeaderMap& headers);
  void DeliverInformational();
  void OnResponseHead();
  // Whether the request begins anew, elsewhere, since the response is a redirect.
  bool FollowRedirect();
  void DeliverHead();
  void TakeBody();
  // What the request took of its timeout.
  void CountBudget();
  void DeliverBody();

  // Taking what does not.
  void OnFailure();
  void OnReset();
  void OnTimeout();
  // Whether the route's timeout still runs: something is to come of the host.
  bool AwaitsHost() const;
  // Whether the host is done in time but for a client that takes a long response slowly.
  bool HeldBackByClient();
  void OnTryTimeout();
  // No try is left: `late` of them were under way.
  void GiveUp(size_t late, absl::string_view details);
  void OnExpired();
  // Cuts the response off behind what came of it.
  void BreakOff(absl::string_view details, uint32_t flag);
  void Fail(uint16_t status, absl::string_view body, absl::string_view details, uint32_t flags);
  void FailUnanswered(const FailureWords& words, absl::string_view body, absl::string_view cause);
  void FailOverloaded();
  // Whether the runtime takes the request from its cluster; then it was answered.
  bool InMaintenance();
  // Whether the request is one of those that drop_overloads refuses; then it was answered.
  bool DropForOverload();
  bool ShedsLoad();
  absl::string_view ResetText(absl::string_view reason);
  bool MayRepeat() const;
  // Whether another attempt may follow `reason` (RetryOn bits); counts and schedules it if so.
  bool TryRetry(uint32_t reason);
  // Whether there may be one more attempt at all, whatever the reason; counts it if so.
  bool AcquireRetry();
  // What came is not to be tried again: as in Envoy, the retry that led there was a good one, and
  // its place is free.
  void EndRetries();
  // How long to wait before a retry where no host says so.
  base::Nanos BackOff();
  void ScheduleRetry(base::Nanos wait);

  const RouterConfig& config_;
  filter::StreamContext& stream_;
  RouterPart* const part_;
  const route::Forward* forward_ = nullptr;
  route::ClusterPick pick_;
  base::Rc<upstream::WorkerCluster> cluster_;
  RequestCounts counts_;
  std::shared_ptr<const upstream::Host> host_;  // Of the last attempt: its name is in the log.
  std::unique_ptr<Attempt> attempt_;            // The latest one.
  std::unique_ptr<Hedges> hedges_;              // Null: it has always been the only one.
  std::optional<event::Timer> timeout_;
  std::optional<event::Timer> back_off_;  // Before a retry.
  Retry retry_;
  Timeouts timeouts_;
  SentBody sent_body_;
  WebSocketBridge websocket_;
  HostChoice choice_;
  uint64_t taken_ = 0;            // By the client, when timeout_ was over the last time.
  bool mirrored_ = false;         // Copies of the request went out.
  bool pipe_ = false;             // The payload alone goes to the host: connect_config.
  bool request_counted_ = false;  // Holds one of the cluster's max_requests.
  bool retry_counted_ = false;    // Holds one of the cluster's max_retries.
  bool timed_out_ = false;
  bool back_off_over_ = false;
  bool waiting_to_retry_ = false;
  bool response_started_ = false;  // The head is in response_in.
  bool reset_seen_ = false;        // Of a response that had begun: acted on the next time.
  bool repeated_ = false;          // It was sent again because the host did not act on it.
  bool wants_fresh_ = false;       // A kept connection died under it: no other is tried.
  bool late_ = false;              // The last attempt took longer than one may.
  // x-envoy-upstream-rq-timeout-alt-response: what is late is told by 204.
  bool late_is_no_content_ = false;
};

}  // namespace proxenos::filters::router
