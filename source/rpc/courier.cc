// One message, one call.
#include "source/rpc/courier.h"

#include <iterator>

#include "source/base/check.h"

namespace proxenos::rpc {
namespace {

// What is read of an answer.
constexpr uint64_t kMaxAnswerBytes = 64 * 1024;

Courier::Outcome OutcomeOf(const HttpCall& call) {
  if (call.end() == HttpCall::End::kTooLarge) return Courier::Outcome::kRefused;
  if (call.end() != HttpCall::End::kAnswer) return Courier::Outcome::kFailed;
  return call.response().status / 100 == 2 ? Courier::Outcome::kTaken : Courier::Outcome::kRefused;
}

}  // namespace

Courier::~Courier() = default;

bool Courier::Send(absl::string_view message) {
  DCHECK(!busy());
  base::Rc<upstream::WorkerCluster> cluster = clusters_.Find(route_.cluster());
  if (!cluster) return false;
  const Place place = calls_.emplace(calls_.end());
  if (!route_.grpc.has_value()) {
    Post(std::move(cluster), message, place);
    return true;
  }
  place->grpc.emplace(std::move(cluster), route_.grpc->options, message,
                      [this, place](const UnaryCall::Result& result) {
                        const bool none = result.status == Status::kUnavailable ||
                                          result.status == Status::kDeadlineExceeded;
                        Finish(place, result.status == Status::kOk ? Outcome::kTaken
                                      : none                       ? Outcome::kFailed
                                                                   : Outcome::kRefused);
                      });
  return true;
}

void Courier::Post(base::Rc<upstream::WorkerCluster> cluster, absl::string_view message,
                   Place place) {
  const HttpService& service = *route_.http;
  place->http = std::make_unique<HttpCall>(
      std::move(cluster), HttpCall::Limits{service.timeout, kMaxAnswerBytes},
      [this, place] { Finish(place, OutcomeOf(*place->http)); });
  HttpCall& call = *place->http;
  http::RequestHead& head = call.request();
  head.method_text = "POST";
  head.path = service.path;
  head.authority = service.authority;
  // Before ours: what says how the body is to be read is not the configuration's to change.
  for (const auto& [name, value] : route_.headers) head.headers.Add(name, value);
  head.headers.Set(http::HeaderId::kContentType, route_.content_type);
  buffer::Buffer body;
  body.Append(message);
  call.Start(std::move(body));
}

// A call may end in its own callback.
void Courier::Finish(Place place, Outcome outcome) {
  calls_.erase(place);
  on_outcome_(outcome);
}

}  // namespace proxenos::rpc
