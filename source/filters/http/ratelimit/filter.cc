// Asking and acting on the answer.
#include "source/filters/http/ratelimit/filter.h"

#include <algorithm>
#include <utility>

#include "source/access_log/rate_limit_format.h"
#include "source/filter/filter_override.h"
#include "source/filter/routed_cluster.h"
#include "source/filters/http/ratelimit/questions.h"
#include "source/rpc/status.h"

namespace proxenos::filters::ratelimit {

using filter::HeaderChange;
using filter::Verdict;

RateLimit::RateLimit(const Settings& settings, const filter::FilterFactory& factory,
                     filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<RateLimitPart*>(stream.worker_part(factory))),
      route_(filter::FindSettings<RouteSettings>(stream, factory)) {}

bool RateLimit::IsOfType() const {
  if (settings_.type == Settings::RequestType::kBoth) return true;
  const bool internal = stream_.request.headers.Get(http::HeaderId::kXEnvoyInternal) == "true";
  return internal == (settings_.type == Settings::RequestType::kInternal);
}

std::vector<filter::Descriptor> RateLimit::Descriptors() const {
  const route::RateLimits& own = route_ != nullptr && !route_->rate_limits.empty()
                                     ? route_->rate_limits
                                     : settings_.rate_limits;
  if (own.empty()) {
    const auto host_limits =
        route_ == nullptr ? filter::HostLimits::kOverride : route_->host_limits;
    return filter::DescriptorsOfRoute(settings_.stage, host_limits, /*without_disabled=*/false,
                                      stream_);
  }
  std::vector<filter::Descriptor> descriptors;
  const auto render = [this](const route::RateLimitFormat& format) {
    return access_log::RenderRateLimitFormat(format, stream_);
  };
  filter::AppendDescriptors(own, {settings_.stage, /*without_disabled=*/false, render}, stream_,
                            &descriptors);
  return descriptors;
}

bool RateLimit::CountsAtEnd() const {
  const auto any = [](const route::RateLimits& limits) {
    return std::any_of(limits.begin(), limits.end(),
                       [](const route::RateLimit& limit) { return limit.on_stream_done; });
  };
  return any(settings_.rate_limits) || (route_ != nullptr && any(route_->rate_limits)) ||
         any(stream_.route->forward()->rate_limits) ||
         any(stream_.route->virtual_host->rate_limits);
}

Verdict RateLimit::OnRequestHeaders(http::RequestHead&, bool) {
  const route::Forward* forward = stream_.route == nullptr ? nullptr : stream_.route->forward();
  if (forward == nullptr || !IsOfType() ||
      !settings_.enabled.Holds(stream_.environment.runtime,
                               stream_.environment.loop.random().Next())) {
    return Verdict::kContinue;
  }
  ends_ = CountsAtEnd();
  const std::vector<Question> questions = QuestionsOf(Descriptors(), /*done=*/false, stream_);
  if (questions.empty()) return Verdict::kContinue;
  cluster_ = filter::RoutedCluster(stream_);
  base::Rc<upstream::WorkerCluster> service =
      stream_.environment.clusters.Find(settings_.service.cluster);
  if (!service) {
    decision_.emplace();
    return Act();
  }
  call_ = std::make_unique<rpc::UnaryCall>(
      std::move(service), settings_.service.options, MakeRequest(domain(), questions),
      [this](rpc::UnaryCall::Result result) {
        decision_ =
            result.status == rpc::Status::kOk ? ReadResponse(result.answer.ToString()) : Decision{};
        stream_.Wake(*this);
      });
  waiting_ = true;
  return Verdict::kPause;
}

const std::string& RateLimit::domain() const {
  return route_ != nullptr && !route_->domain.empty() ? route_->domain : settings_.domain;
}

// What is counted once the request is over is told and not asked: the call outlives the stream, and
// nobody reads its answer.
void RateLimit::OnComplete() {
  call_.reset();
  if (!ends_ || part_ == nullptr || part_->reports.size() >= part_->kMostReports) return;
  const std::vector<Question> questions = QuestionsOf(Descriptors(), /*done=*/true, stream_);
  if (questions.empty()) return;
  base::Rc<upstream::WorkerCluster> service =
      stream_.environment.clusters.Find(settings_.service.cluster);
  if (!service) return;
  std::list<std::unique_ptr<rpc::UnaryCall>>& reports = part_->reports;
  const auto place = reports.emplace(reports.end());
  *place = std::make_unique<rpc::UnaryCall>(
      std::move(service), settings_.service.options, MakeRequest(domain(), questions),
      [&reports, place](rpc::UnaryCall::Result) { reports.erase(place); });
}

void RateLimit::OnWake() {
  if (!waiting_ || !decision_.has_value() || call_ == nullptr) return;
  waiting_ = false;
  if (Act() == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

RateLimitStats* RateLimit::stats() {
  return part_ == nullptr || cluster_.empty() ? nullptr : &part_->by_cluster.Of(cluster_);
}

Verdict RateLimit::Act() {
  call_.reset();
  if (!decision_->metadata.empty()) {
    stream_.info.metadata.Merge("envoy.filters.http.ratelimit", std::move(decision_->metadata));
  }
  if (decision_->verdict == Decision::Verdict::kError) return Fail();
  response_headers_ = std::move(decision_->response_headers);
  if (settings_.x_ratelimit_headers) {
    if (auto fields = LimitFieldsOf(*decision_)) {
      const auto add = [this](const char* name, std::string value) {
        response_headers_.push_back({HeaderChange::How::kAdd, name, std::move(value)});
      };
      add("x-ratelimit-limit", std::move(fields->limit));
      add("x-ratelimit-remaining", std::move(fields->remaining));
      add("x-ratelimit-reset", std::move(fields->reset));
    }
  }
  if (decision_->verdict == Decision::Verdict::kOverLimit) {
    if (RateLimitStats* counted = stats()) {
      counted->over_limit.Inc();
      auto cluster = stream_.environment.clusters.Find(cluster_);
      if (cluster) cluster->stats().upstream_rq.Inc(429);
    }
    if (settings_.marks_response) {
      response_headers_.push_back({HeaderChange::How::kSet, "x-envoy-ratelimited", "true"});
    }
    if (settings_.enforced.Holds(stream_.environment.runtime,
                                 stream_.environment.loop.random().Next())) {
      Refuse();
      return Verdict::kReplied;
    }
  } else if (RateLimitStats* counted = stats()) {
    counted->ok.Inc();
  }
  for (const HeaderChange& change : decision_->request_headers) {
    filter::Apply(change, stream_.request);
  }
  return Verdict::kContinue;
}

void RateLimit::Refuse() {
  stream_.Reply(settings_.status, stream_.arena.Copy(decision_->body), "request_rate_limited",
                filter::kRateLimited);
  http::HeaderMap& headers = stream_.response.headers;
  if (settings_.resource_exhausted && stream_.IsGrpcCall()) {
    rpc::SetStatus(rpc::Status::kResourceExhausted, headers);
  }
  access_log::Apply(settings_.response_headers, stream_, headers);
  // The type of the body that the service wrote is for the service to say.
  for (const HeaderChange& change : response_headers_) {
    if (change.name == "content-type") headers.Remove(http::HeaderId::kContentType);
  }
  if (settings_.retry_after && !decision_->statuses.empty()) {
    headers.Set(http::HeaderId::kRetryAfter, LimitFieldsOf(*decision_)->reset);
  }
}

Verdict RateLimit::Fail() {
  if (RateLimitStats* counted = stats()) counted->error.Inc();
  if (!settings_.failure_deny.Holds(stream_.environment.runtime,
                                    stream_.environment.loop.random().Next())) {
    if (RateLimitStats* counted = stats()) counted->failure_mode_allowed.Inc();
    return Verdict::kContinue;
  }
  stream_.Reply(settings_.status_on_error, "", "rate_limiter_error",
                filter::kRateLimitServiceError);
  return Verdict::kReplied;
}

// Of the refusal too.
Verdict RateLimit::OnResponseHeaders(http::ResponseHead& head, bool) {
  for (const HeaderChange& change : response_headers_) filter::Apply(change, head.headers);
  response_headers_.clear();
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::ratelimit
