// The two directions.
#include "source/filters/http/shield/filter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "source/filter/filter_override.h"
#include "source/http/content_coding.h"

namespace proxenos::filters::shield {

using filter::Verdict;

namespace {

// Filter state: "SCHEME:AUTHORITY", what the client asked for before the first internal redirect.
constexpr absl::string_view kFirstPlace = "proxenos.shield.first_place";

}  // namespace

Shield::Shield(const Settings& settings, const filter::FilterFactory& factory,
               filter::StreamContext& stream)
    : settings_(settings), factory_(factory), stream_(stream), policy_(FindPolicy()) {
  Print();
}

const Settings* Shield::FindPolicy() const {
  const auto* of_route = filter::FindSettings<RouteSettings>(stream_, factory_);
  if (of_route == nullptr) return &settings_;
  return of_route->policy ? &*of_route->policy : nullptr;
}

// What is printed of the client is masked from the stream's begin on: a filter in front may refuse
// it, and that is logged too.
void Shield::Print() {
  if (policy_ != nullptr && policy_->client) {
    MaskPrinted(policy_->client->mask, stream_.info);
  } else {
    UnmaskPrinted(stream_.info);
  }
}

void Shield::MaskRequest(http::HeaderMap& headers) {
  if (policy_ == nullptr || !policy_->client || std::exchange(masked_, true)) return;
  policy_->client->Apply(headers);
}

ClientPlace Shield::FindClient(const http::RequestHead& head) const {
  const absl::string_view before = stream_.info.original_path;
  ClientPlace client{head.scheme, head.authority, before.empty() ? head.path : before};
  if (stream_.internal_redirects == nullptr) return client;
  const std::string* first = stream_.info.state.Find(kFirstPlace);
  if (first == nullptr) return client;
  const absl::string_view kept = stream_.arena.Copy(*first);
  const size_t colon = std::min(kept.find(':'), kept.size() - 1);
  client.scheme = kept.substr(0, colon);
  client.authority = kept.substr(colon + 1);
  return client;
}

Verdict Shield::OnRequestHeaders(http::RequestHead& head, bool) {
  if (const Settings* policy = FindPolicy(); policy != policy_) {
    policy_ = policy;
    Print();
  }
  MaskRequest(head.headers);
  client_ = FindClient(head);
  return Verdict::kContinue;
}

// The filter state goes the whole way with the request.
void Shield::OnComplete() {
  if (stream_.internal_redirects == nullptr || client_.authority.empty()) return;
  stream_.info.state.Set(kFirstPlace, absl::StrCat(client_.scheme, ":", client_.authority));
}

// The request stays where it is, and its fields are logged.
void Shield::OnLocalReply() { MaskRequest(stream_.request.headers); }

void Shield::CleanHead(http::ResponseHead& head) {
  if (policy_->origin_fields) {
    head.headers.RemoveIf(
        [this](const http::Header& header) { return policy_->origin_fields->Has(header); });
  }
  if (!policy_->origin_urls || !policy_->origin_urls->Concerns(head.headers)) return;
  const OriginPlace origin{stream_.request.authority, stream_.info.upstream_host_name,
                           stream_.info.upstream_remote};
  policy_->origin_urls->Apply(client_, origin, head.headers);
}

Verdict Shield::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (policy_ == nullptr || page_sent_) return Verdict::kContinue;
  const bool local = stream_.replied();
  if (!local) CleanHead(head);
  if (head.framing.kind == http::Framing::kTunnel) return Verdict::kContinue;
  const ErrorPage* page = policy_->pages.Find(head.status, local);
  if (page == nullptr) return Verdict::kContinue;
  SendPage(*page, head);
  return Verdict::kReplied;
}

Verdict Shield::OnResponseTrailers(http::HeaderMap& trailers) {
  if (policy_ != nullptr && policy_->origin_fields && !stream_.replied()) {
    trailers.RemoveIf(
        [this](const http::Header& header) { return policy_->origin_fields->Has(header); });
  }
  return Verdict::kContinue;
}

void Shield::SendPage(const ErrorPage& page, const http::ResponseHead& head) {
  page_sent_ = true;
  const uint16_t status = page.status == 0 ? head.status : page.status;
  const absl::string_view details = stream_.info.details;
  if (stream_.IsGrpcCall()) {
    // A page is no message for whoever calls.
    stream_.Reply(status, "", details, 0);
    return;
  }
  absl::InlinedVector<http::Header, 16> kept;
  for (const http::Header& header : head.headers) {
    if (!IsOfBody(header)) kept.push_back(header);
  }
  const ErrorPage::Body& body = page.Choose(stream_.request.headers);
  stream_.Reply(status, body.text, details, 0);
  http::HeaderMap& headers = stream_.response.headers;
  if (!body.text.empty()) headers.Set(http::HeaderId::kContentType, body.content_type);
  for (const http::Header& header : kept) {
    headers.AddView(header.id, header.name(), header.value());
  }
  if (page.bodies.size() > 1) http::AddVary("accept", "Accept", headers);
}

}  // namespace proxenos::filters::shield
