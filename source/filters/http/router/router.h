// Router: the terminal HTTP filter: turns the chosen route into an upstream exchange, with timeout,
// retries and the changes that the route asks for. Room 6 of a request.
//
// All that happens to an attempt arrives as state (its Exchange, a timer's flag); OnWake acts on
// it. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>

#include "source/base/rc.h"
#include "source/base/recycled.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/router/retry.h"
#include "source/route/rewrite.h"
#include "source/upstream/exchange.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::filters::router {

struct FailureWords;

// envoy.extensions.filters.http.router.v3.Router
struct RouterConfig {
  bool suppress_envoy_headers = false;
};

class Router final : public filter::HttpFilter, public base::Recycled<Router> {
 public:
  Router(const RouterConfig& config, filter::StreamContext& stream);
  ~Router() override;

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override;
  bool terminal() const override { return true; }

 private:
  // One try at a host.
  struct Attempt final : public upstream::Exchange, public base::Recycled<Attempt> {
    explicit Attempt(Router& router);
    void OnProgress() override;
    Router& router;
    bool head_sent = false;
    base::MonoTime started = 0;
  };

  void Answer(const route::Route& route);
  void Redirect(const route::Route& route);
  void Forward(const route::Route& route);
  // Applies the route's rewrites and header mutations to the request.
  void PrepareRequest(const route::Route& route);
  void KeepOriginalHost(absl::string_view before);
  void OnRequestComplete();
  void ReadTimeouts();
  void StartAttempt();
  void SendHead();
  void SendMore();
  // Whether the request's body may go to the host yet.
  bool MaySendBody() const;
  void ForgetWaits();
  absl::string_view ResetText(absl::string_view reason);
  void Fail(uint16_t status, absl::string_view body, absl::string_view details, uint32_t flags);
  void FailUnanswered(const FailureWords& words, absl::string_view body, absl::string_view cause);
  void OnFailure();
  void OnReset();
  bool MayRepeat() const;
  void DeliverInformational();
  void OnResponseHead();
  void DeliverHead();
  void TakeBody();
  void DeliverBody();
  void OnTimeout();

  // Whether another attempt may follow `reason` (RetryOn bits); counts and schedules it if so.
  bool TryRetry(uint32_t reason);
  bool RequestUnsent() const { return !body_sent_; }
  void FinishAttempt(uint16_t status);
  void ReleaseRequest();
  absl::string_view Format(uint32_t index);

  const RouterConfig& config_;
  filter::StreamContext& stream_;
  const route::Forward* forward_ = nullptr;
  route::ClusterPick pick_;
  base::Rc<upstream::WorkerCluster> cluster_;
  std::shared_ptr<const upstream::Host> host_;  // Of the last attempt: its name is in the log.
  std::unique_ptr<Attempt> attempt_;
  std::optional<event::Timer> timeout_;
  std::optional<event::Timer> try_timer_;  // Per-try timeout, or the back-off before a retry.
  Retry retry_;
  base::Nanos timeout_ns_ = 0;
  base::Nanos per_try_timeout_ns_ = 0;
  bool request_counted_ = false;  // Holds one of the cluster's max_requests.
  bool retry_counted_ = false;    // Holds one of the cluster's max_retries.
  bool timed_out_ = false;
  bool try_timed_out_ = false;
  bool back_off_over_ = false;
  bool waiting_to_retry_ = false;
  bool body_sent_ = false;         // Bytes of the body have left: no attempt can follow.
  bool response_started_ = false;  // The head is in response_in.
  bool reset_seen_ = false;        // Of a response that had begun: acted on the next time.
  bool repeated_ = false;          // It was sent again because the host did not act on it.
};

}  // namespace proxenos::filters::router
