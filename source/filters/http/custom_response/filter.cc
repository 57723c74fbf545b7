// Which response, and what takes its place.
#include "source/filters/http/custom_response/filter.h"

#include "source/filter/filter_override.h"

namespace proxenos::filters::custom_response {
namespace {

using filter::Verdict;

const Policy* FindIn(const Settings& settings, const filter::MatchSubject& subject) {
  if (settings.tree == nullptr) return nullptr;
  const match::Found found = settings.tree->Find(subject);
  return found.state == match::Found::State::kAction ? &settings.policies[found.action] : nullptr;
}

}  // namespace

const Policy* CustomResponse::FindPolicy(const http::ResponseHead& head) const {
  filter::MatchSubject subject = filter::MatchSubject::OfRequest(stream_.info, stream_.request);
  subject.response = &head;
  subject.local_reply = stream_.replied();
  const Policy* found = nullptr;
  filter::ForEachOverride(stream_, factory_.name, [&](const route::FilterOverride& one) {
    if (one.settings == nullptr || one.kind != factory_.override_kind) return true;
    found = FindIn(*static_cast<const Settings*>(one.settings.get()), subject);
    return found == nullptr;
  });
  return found != nullptr ? found : FindIn(settings_, subject);
}

Verdict CustomResponse::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (done_ || head.framing.kind == http::Framing::kTunnel) return Verdict::kContinue;
  if (stream_.internal_redirects != nullptr && stream_.internal_redirects->errand != nullptr) {
    ShapeAnswer(*stream_.internal_redirects->errand, head);
    done_ = true;
    return Verdict::kContinue;
  }
  const Policy* policy = FindPolicy(head);
  if (policy == nullptr) return Verdict::kContinue;
  done_ = true;
  if (policy->errand != nullptr) {
    return SendOnErrand(*policy->errand, stream_) ? Verdict::kPause : Verdict::kContinue;
  }
  std::string body = policy->body;
  if (policy->format) {
    stream_.info.response_code = head.status;  // For %RESPONSE_CODE%.
    access_log::FormatInput input;
    input.stream = &stream_.info;
    input.request = &stream_.request;
    input.response = &head;
    input.local_reply_body = policy->body;
    body = policy->format->Make(input);
  }
  const uint16_t status = policy->status == 0 ? head.status : policy->status;
  const absl::string_view details =
      policy->keeps_details ? stream_.info.details : absl::string_view(policy->details);
  stream_.Reply(status, stream_.arena.Copy(body), stream_.arena.Copy(details), 0);
  http::HeaderMap& headers = stream_.response.headers;
  if (policy->format && !body.empty() && !stream_.IsGrpcCall()) {
    headers.Set(http::HeaderId::kContentType, policy->format->content_type);
  }
  for (const filter::HeaderChange& change : policy->changes) filter::Apply(change, headers);
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::custom_response
