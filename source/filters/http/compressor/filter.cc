// Which messages are compressed, and what their heads then say.
#include "source/filters/http/compressor/filter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/filter/find_part.h"
#include "source/http/content_coding.h"

namespace proxenos::filters::compressor {
namespace {

using filter::Verdict;
using http::HeaderId;

// What Envoy compresses unless told otherwise.
constexpr absl::string_view kTypes[] = {
    "text/html",
    "text/plain",
    "text/css",
    "application/javascript",
    "application/x-javascript",
    "text/javascript",
    "text/x-javascript",
    "text/ecmascript",
    "text/js",
    "text/jscript",
    "text/x-js",
    "application/ecmascript",
    "application/x-json",
    "application/xml",
    "application/json",
    "image/svg+xml",
    "text/xml",
    "application/xhtml+xml",
};

// The compressors of the connection's streams: those of one stream have to agree who acts.
class Siblings final : public filter::ConnectionPart {
 public:
  struct Entry {
    const filter::StreamContext* stream;
    const Settings* settings;
    absl::string_view coding;
  };

  static Siblings& Of(const filter::ConnectionInfo& connection) {
    static constexpr char kKeeper = 0;
    if (auto* known = filter::FindPart<Siblings>(connection, &kKeeper)) return *known;
    connection.parts.emplace_back(&kKeeper, std::make_unique<Siblings>());
    return *static_cast<Siblings*>(connection.parts.back().second.get());
  }

  void Add(Entry entry) { entries_.push_back(entry); }
  void Remove(const filter::StreamContext& stream) {
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.stream == &stream; }),
                   entries_.end());
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  // In the order of each stream's chain. As many as streams are open times filters.
  std::vector<Entry> entries_;
};

template <typename Head>
bool LongEnough(const Head& head, const Rules& rules) {
  return head.framing.kind != http::Framing::kLength || head.framing.length >= rules.min_length;
}

template <typename Head>
void StartCoding(Head& head, absl::string_view coding) {
  http::ForgetLength(head.framing, head.headers);
  head.headers.AddView(HeaderId::kContentEncoding, "content-encoding", coding);
}

// A part of a representation is a part of the bytes that it was asked of (RFC 9110, section 14.4).
bool IsPart(const http::ResponseHead& head) {
  return head.status == 206 || head.headers.Find("content-range") != nullptr;
}

bool IsWeak(absl::string_view etag) { return absl::StartsWith(etag, "W/"); }

}  // namespace

bool Rules::TakesType(absl::string_view content_type) const {
  content_type = absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  if (content_type.empty()) return true;
  if (!types.empty()) return types.Matches(content_type);
  return std::any_of(std::begin(kTypes), std::end(kTypes), [&](absl::string_view type) {
    return absl::EqualsIgnoreCase(type, content_type);
  });
}

Compressor::Compressor(const Settings& settings, const RouteSettings* route,
                       const filter::FilterFactory& factory, filter::StreamContext& stream)
    : settings_(settings),
      route_(route),
      stream_(stream),
      part_(static_cast<CompressorPart*>(stream.worker_part(factory))) {
  if (stream.info.connection == nullptr || !ResponseEnabled()) return;
  Siblings::Of(*stream.info.connection).Add({&stream, &settings, coding()});
  registered_ = true;
}

void Compressor::OnComplete() {
  if (registered_) Siblings::Of(*stream_.info.connection).Remove(stream_);
}

bool Compressor::ResponseEnabled() const {
  if (route_ != nullptr && (route_->disabled || route_->enables_response)) return !route_->disabled;
  return settings_.response.enabled.Get(stream_.environment.runtime);
}

bool Compressor::RemovesAcceptEncoding() const {
  if (route_ != nullptr && route_->remove_accept_encoding) return *route_->remove_accept_encoding;
  return settings_.remove_accept_encoding;
}

Verdict Compressor::OnRequestHeaders(http::RequestHead& head, bool end) {
  for (const http::Header& header : head.headers) {
    if (header.id != HeaderId::kAcceptEncoding) continue;
    accept_ = has_accept_ ? stream_.arena.Copy(absl::StrCat(accept_, ",", header.value()))
                          : header.value();
    has_accept_ = true;
  }
  if (ResponseEnabled() && RemovesAcceptEncoding()) head.headers.Remove(HeaderId::kAcceptEncoding);

  if (!settings_.request || (route_ != nullptr && route_->disabled)) return Verdict::kContinue;
  const Rules& rules = *settings_.request;
  if (!rules.enabled.Get(stream_.environment.runtime)) return Verdict::kContinue;
  const bool long_enough = LongEnough(head, rules);
  request_active_ =
      !end && long_enough && head.framing.kind != http::Framing::kTunnel && head.upgrade.empty() &&
      rules.TakesType(head.headers.Get(HeaderId::kContentType)) &&
      !http::ForbidsTransform(head.headers) && !head.headers.Has(HeaderId::kContentEncoding);
  if (part_ != nullptr) {
    (request_active_ ? part_->request->compressed : part_->request->not_compressed).Inc();
    if (!long_enough) part_->request->content_length_too_small.Inc();
  }
  if (request_active_) StartCoding(head, coding());
  return Verdict::kContinue;
}

bool Compressor::Compressible(const http::ResponseHead& head) const {
  const auto& skipped = settings_.uncompressed_statuses;
  if (head.status < 200 ||
      std::find(skipped.begin(), skipped.end(), head.status) != skipped.end()) {
    return false;
  }
  if (head.framing.kind == http::Framing::kTunnel || !head.upgrade.empty()) return false;
  if (!settings_.response.TakesType(head.headers.Get(HeaderId::kContentType)) ||
      head.headers.Has(HeaderId::kContentEncoding) || http::ForbidsTransform(head.headers)) {
    return false;
  }
  if (!settings_.disable_on_etag || settings_.weaken_etag || !head.headers.Has(HeaderId::kEtag)) {
    return true;
  }
  if (part_ != nullptr) part_->negotiation->not_compressed_etag.Inc();
  return false;
}

bool Compressor::IsChosen(const http::ResponseHead& head) {
  absl::InlinedVector<Offer, 4> offers;
  const absl::string_view type = head.headers.Get(HeaderId::kContentType);
  const auto offer = [&](absl::string_view name, bool first) {
    for (const Offer& known : offers) {
      if (known.coding == name) return;
    }
    offers.push_back({name, first});
  };
  if (stream_.info.connection == nullptr) {
    offer(coding(), settings_.first);
  } else {
    for (const Siblings::Entry& entry : Siblings::Of(*stream_.info.connection).entries()) {
      if (entry.stream != &stream_ || !entry.settings->response.TakesType(type)) continue;
      offer(entry.coding, entry.settings->first);
    }
  }
  const Choice choice = Choose(has_accept_ ? &accept_ : nullptr, offers);
  const bool mine = choice.offer != Choice::kNone && offers[choice.offer].coding == coding();
  if (part_ == nullptr) return mine;
  NegotiationStats& stats = *part_->negotiation;
  switch (choice.reason) {
    case Reason::kNoHeader:
      stats.no_accept_header.Inc();
      break;
    case Reason::kIdentity:
      stats.header_identity.Inc();
      break;
    case Reason::kWildcard:
      stats.header_wildcard.Inc();
      break;
    case Reason::kCompressor:
      (mine ? stats.header_compressor_used : stats.header_compressor_overshadowed).Inc();
      break;
    case Reason::kNotValid:
      stats.header_not_valid.Inc();
      break;
  }
  return mine;
}

Verdict Compressor::OnResponseHeaders(http::ResponseHead& head, bool end) {
  response_active_ = false;
  response_encoder_.reset();  // Of a response whose place this one takes.
  if (!ResponseEnabled()) return Verdict::kContinue;
  const bool part = IsPart(head);
  const bool long_enough = part || LongEnough(head, settings_.response);
  const bool compressible = long_enough && Compressible(head);
  response_active_ = compressible && !part && IsChosen(head) && !end;
  if (part_ != nullptr) {
    (response_active_ ? part_->response->compressed : part_->response->not_compressed).Inc();
    if (!long_enough) part_->response->content_length_too_small.Inc();
  }
  if (!compressible) return Verdict::kContinue;
  // Who keeps the response for others has to know, compressed or not; of a part as of its whole
  // (RFC 9110, section 15.3.7).
  http::AddVary("accept-encoding", "Accept-Encoding", head.headers);
  if (!response_active_) return Verdict::kContinue;
  const absl::string_view etag = head.headers.Get(HeaderId::kEtag);
  if (!etag.empty() && !IsWeak(etag)) {
    // A strong validator is of these bytes and no others (RFC 9110, section 8.8.1).
    if (settings_.weaken_etag) {
      head.headers.Set(HeaderId::kEtag, absl::StrCat("W/", etag));
    } else {
      head.headers.Remove(HeaderId::kEtag);
    }
  }
  head.headers.Remove("accept-ranges");
  StartCoding(head, coding());
  return Verdict::kContinue;
}

void Compressor::Encode(std::unique_ptr<compression::Encoder>& state, buffer::Buffer& body,
                        bool end, Bytes bytes) {
  buffer::Buffer raw = std::move(body);
  if (raw.empty() && !end) return;
  if (state == nullptr) state = compression::MakeEncoder(encoder());
  const uint64_t size = raw.size();
  if (!state->Encode(raw, end ? compression::Flush::kEnd : compression::Flush::kPiece, body)) {
    stream_.Abort("compression_failed", filter::kLocalReset);
    return;
  }
  if (end) state.reset();
  if (bytes.before == nullptr) return;
  bytes.before->Add(size);
  bytes.after->Add(body.size());
}

Verdict Compressor::OnRequestBody(buffer::Buffer& body, bool end) {
  if (!request_active_) return Verdict::kContinue;
  Bytes bytes;
  if (part_ != nullptr) {
    bytes = {&part_->request->total_uncompressed_bytes, &part_->request->total_compressed_bytes};
  }
  Encode(request_encoder_, body, end, bytes);
  return Verdict::kContinue;
}

Verdict Compressor::OnResponseBody(buffer::Buffer& body, bool end) {
  if (!response_active_) return Verdict::kContinue;
  Bytes bytes;
  if (part_ != nullptr) {
    bytes = {&part_->response->total_uncompressed_bytes, &part_->response->total_compressed_bytes};
  }
  Encode(response_encoder_, body, end, bytes);
  return Verdict::kContinue;
}

Verdict Compressor::OnRequestTrailers(http::HeaderMap&) {
  return OnRequestBody(stream_.added_body, /*end=*/true);
}

Verdict Compressor::OnResponseTrailers(http::HeaderMap&) {
  return OnResponseBody(stream_.added_body, /*end=*/true);
}

}  // namespace proxenos::filters::compressor
