// One request after another to one host.
#include "source/health/http_probe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/limits.h"
#include "source/health/payload.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/exchange.h"

namespace proxenos::health {

using upstream::CheckHeader;
using upstream::Exchange;
using upstream::HttpCheck;

// One request and what came of it.
struct HttpProbe::Question final : public Exchange {
  explicit Question(HttpProbe& owner)
      : Exchange(answer), probe(owner), request(arena), answer(arena) {
    body_limit = base::limits::kStreamBufferBytes;
  }
  void OnProgress() override { probe.cluster_.loop().Schedule(&probe); }

  HttpProbe& probe;
  buffer::Arena arena;  // Before what uses it.
  http::RequestHead request;
  http::ResponseHead answer;
  buffer::Buffer to_send;
  std::string received;  // Of the body, as much as is looked at.
  bool sent = false;
};

HttpProbe::HttpProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
                     std::shared_ptr<const upstream::Host> target, std::string host_name,
                     OnDone on_done)
    : Probe(std::move(on_done)),
      check_(check.http),
      cluster_(cluster),
      target_(std::move(target)),
      host_name_(std::move(host_name)) {}

HttpProbe::~HttpProbe() {
  question_.reset();
  cluster_.get()->ForgetHost(target_->id());
}

void HttpProbe::Start() {
  DCHECK(question_ == nullptr);
  question_ = std::make_unique<Question>(*this);
  FillHead(question_->request);
  question_->to_send.Append(check_.send);
  question_->wanted_host = &target_;
  cluster_.get()->Acquire(*question_);
  question_->wanted_host = nullptr;
  cluster_.loop().Schedule(this);
}

void HttpProbe::GiveUp() {
  question_.reset();
  // Where the host may still be busy with the last question, another would wait behind it.
  cluster_.get()->ForgetHost(target_->id());
}

void HttpProbe::FillHead(http::RequestHead& head) const {
  head.method_text = check_.method;
  head.method = http::ParseMethod(check_.method);
  head.path = check_.path;
  head.authority = host_name_;
  const bool secure = cluster_.SocketOf(*target_).tls != upstream::TransportSocket::kPlaintext;
  head.scheme = secure ? "https" : "http";
  http::HeaderMap& headers = head.headers;
  headers.Add("user-agent", "Envoy/HC");
  for (const CheckHeader& each : check_.headers) {
    if (each.name == "host") {
      head.authority = each.value;
      continue;
    }
    const bool there = headers.Find(each.name) != nullptr;
    switch (each.action) {
      case CheckHeader::Action::kAppend:
        headers.Add(each.name, each.value);
        break;
      case CheckHeader::Action::kAddIfAbsent:
        if (!there) headers.Add(each.name, each.value);
        break;
      case CheckHeader::Action::kOverwrite:
        headers.Set(each.name, each.value);
        break;
      case CheckHeader::Action::kOverwriteIfPresent:
        if (there) headers.Set(each.name, each.value);
        break;
    }
  }
  for (const std::string& name : check_.removed_headers) headers.Remove(name);
  if (check_.send.empty()) return;
  head.framing = http::Framing{http::Framing::kLength, check_.send.size()};
  headers.Set("content-length", absl::StrCat(check_.send.size()));
}

void HttpProbe::SendRequest() {
  upstream::ClientStream* stream = question_->stream.get();
  if (stream == nullptr) return;
  if (!question_->sent) {
    question_->sent = true;
    stream->SendHead(question_->request, /*end=*/question_->to_send.empty());
  }
  if (!stream->request_complete()) stream->SendBody(question_->to_send, /*end=*/true, nullptr);
}

void HttpProbe::TakeBody() {
  buffer::Buffer& body = question_->body;
  if (body.empty()) return;
  const uint64_t size = body.size();
  const uint64_t room = check_.receive.empty() ? 0 : check_.response_bytes;
  if (question_->received.size() < room) {
    absl::StrAppend(&question_->received, body.ToString().substr(0, room));
    question_->received.resize(std::min<size_t>(question_->received.size(), room));
  }
  body.Clear();
  question_->BodyTaken(size);
}

void HttpProbe::Run() {
  if (question_ == nullptr) return;
  Question& question = *question_;
  if (question.state == Exchange::State::kPending) return;
  ProbeResult result = ProbeResult::Failed(Failure::kNetwork);
  if (question.state != Exchange::State::kFailed && question.state != Exchange::State::kReset) {
    SendRequest();
    TakeBody();
    if (!question.end) return;
    result = Judge();
  }
  // The next question may be asked at once.
  const std::unique_ptr<Question> over = std::move(question_);
  Done(result);
}

ProbeResult HttpProbe::Judge() const {
  const auto within = [](const HttpCheck::Statuses& ranges, uint16_t status) {
    return std::any_of(ranges.begin(), ranges.end(), [status](const auto& range) {
      return status >= range.first && status < range.second;
    });
  };
  const http::ResponseHead& answer = question_->answer;
  ProbeResult result;
  result.http_status = answer.status;
  const bool expected = within(check_.expected, answer.status);
  result.passed =
      expected && (check_.receive.empty() || ContainsInOrder(question_->received, check_.receive));
  if (result.passed && check_.service_name.has_value()) {
    const http::Header* name = answer.headers.Find("x-envoy-upstream-healthchecked-cluster");
    result.passed = check_.service_name->Matches(name == nullptr ? "" : name->value());
  }
  if (result.passed) {
    result.degraded = answer.headers.Has(http::HeaderId::kXEnvoyDegraded);
    return result;
  }
  result.retriable = !expected && within(check_.retriable, answer.status);
  result.asks_exclusion = answer.headers.Has(http::HeaderId::kXEnvoyImmediateHealthCheckFail);
  return result;
}

}  // namespace proxenos::health
