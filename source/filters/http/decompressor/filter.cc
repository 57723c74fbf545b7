// Which messages are decompressed, and what stops those that grow too large.
#include "source/filters/http/decompressor/filter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/http/content_coding.h"

namespace proxenos::filters::decompressor {
namespace {

using compression::Coding;
using filter::Direction;
using filter::Verdict;
using http::HeaderId;

constexpr absl::string_view kBroken = "decompressor_broken_content";

bool IsCoding(absl::string_view text, Coding coding) {
  if (coding == Coding::kGzip && absl::EqualsIgnoreCase(text, "x-gzip")) return true;
  return absl::EqualsIgnoreCase(text, compression::NameOf(coding));
}

// Makes Accept-Encoding one field that takes `coding`, whatever it said of that before.
void Accept(absl::string_view coding, http::HeaderMap& headers) {
  std::string list;
  for (const http::Header& header : headers) {
    if (header.id != HeaderId::kAcceptEncoding) continue;
    for (absl::string_view element : absl::StrSplit(header.value(), ',')) {
      element = absl::StripAsciiWhitespace(element);
      const absl::string_view name =
          absl::StripTrailingAsciiWhitespace(element.substr(0, element.find(';')));
      if (name.empty() || absl::EqualsIgnoreCase(name, coding)) continue;
      absl::StrAppend(&list, element, ",");
    }
  }
  headers.Set(HeaderId::kAcceptEncoding, absl::StrCat(list, coding));
}

}  // namespace

template <typename Head>
void Decompressor::Begin(Direction direction, Head& head, bool end) {
  Way& way = ways_[static_cast<int>(direction)];
  way = Way();
  const Settings::Direction& rules =
      direction == Direction::kRequest ? settings_.request : settings_.response;
  if (!rules.enabled.Get(stream_.environment.runtime)) return;
  way.active =
      !end && head.framing.kind != http::Framing::kTunnel &&
      IsCoding(http::OutermostCoding(head.headers), compression::CodingOf(settings_.decoder)) &&
      (rules.ignores_no_transform || !http::ForbidsTransform(head.headers)) &&
      head.headers.Find("content-range") == nullptr;
  if (DecompressionStats* counted = stats(direction)) {
    (way.active ? counted->decompressed : counted->not_decompressed).Inc();
  }
  if (!way.active) return;
  http::RemoveOutermostCoding(head.headers);
  http::ForgetLength(head.framing, head.headers);
  // A strong validator is of the bytes as they came (RFC 9110, section 8.8.1).
  const absl::string_view etag = head.headers.Get(HeaderId::kEtag);
  if (!etag.empty() && !absl::StartsWith(etag, "W/")) {
    head.headers.Set(HeaderId::kEtag, absl::StrCat("W/", etag));
  }
}

filter::BodyNeed Decompressor::RequestBodyNeed(const filter::BodyNeed& declared) const {
  return {declared.mode, 0, /*runs_ahead=*/true};
}

filter::BodyNeed Decompressor::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  return {declared.mode, 0, /*runs_ahead=*/true};
}

bool Decompressor::Take(Direction direction, buffer::Buffer& body, bool end) {
  Way& way = ways_[static_cast<int>(direction)];
  const filter::Parts& in =
      direction == Direction::kRequest ? stream_.request_in : stream_.response_in;
  buffer::Buffer decoded;
  const uint64_t ahead = std::min(way.ahead, body.size());
  decoded.AppendFrom(body, ahead);
  way.ahead -= ahead;
  if (!Decode(direction, body)) return false;
  decoded.Append(std::move(body));
  body = std::move(decoded);
  if (&body == &in.body) way.ahead = body.size();
  if (!end) return true;
  way.active = false;  // Whatever of this comes again.
  return way.decoder == nullptr || way.decoder->complete();
}

bool Decompressor::Decode(Direction direction, buffer::Buffer& body) {
  Way& way = ways_[static_cast<int>(direction)];
  if (body.empty()) return true;
  buffer::Buffer raw = std::move(body);
  if (way.decoder == nullptr) way.decoder = compression::MakeDecoder(settings_.decoder);
  const uint64_t size = raw.size();
  way.taken += size;
  const uint64_t allowed = std::max(way.taken * settings_.max_ratio, kAlwaysAllowed);
  const uint64_t most = std::min(allowed - std::min(allowed, way.made), kMaxPiece);
  if (way.decoder->Decode(raw, most, body) != compression::Decoder::Result::kTaken) return false;
  way.made += body.size();
  if (DecompressionStats* counted = stats(direction)) {
    counted->total_compressed_bytes.Add(size);
    counted->total_uncompressed_bytes.Add(body.size());
  }
  return true;
}

Verdict Decompressor::RefuseRequest(absl::string_view details) {
  ways_[0] = Way();
  stream_.Reply(400, "Bad Request", details, 0);
  return Verdict::kReplied;
}

// The client has its head already: it must not take what it got for the whole.
Verdict Decompressor::BreakResponse(absl::string_view details) {
  ways_[1] = Way();
  stream_.Abort(details, filter::kUpstreamProtocolError);
  return Verdict::kContinue;
}

Verdict Decompressor::OnRequestHeaders(http::RequestHead& head, bool end) {
  Begin(Direction::kRequest, head, end);
  const auto* runtime = stream_.environment.runtime;
  if (!settings_.advertises || !settings_.response.enabled.Get(runtime)) return Verdict::kContinue;
  const absl::string_view coding = compression::NameOf(compression::CodingOf(settings_.decoder));
  Accept(coding, head.headers);
  return Verdict::kContinue;
}

Verdict Decompressor::OnRequestBody(buffer::Buffer& body, bool end) {
  if (!ways_[0].active || Take(Direction::kRequest, body, end)) return Verdict::kContinue;
  return RefuseRequest(kBroken);
}

Verdict Decompressor::OnRequestTrailers(http::HeaderMap&) {
  return OnRequestBody(stream_.added_body, /*end=*/true);
}

Verdict Decompressor::OnResponseHeaders(http::ResponseHead& head, bool end) {
  Begin(Direction::kResponse, head, end);
  return Verdict::kContinue;
}

Verdict Decompressor::OnResponseBody(buffer::Buffer& body, bool end) {
  if (!ways_[1].active || Take(Direction::kResponse, body, end)) return Verdict::kContinue;
  return BreakResponse(kBroken);
}

Verdict Decompressor::OnResponseTrailers(http::HeaderMap&) {
  return OnResponseBody(stream_.added_body, /*end=*/true);
}

}  // namespace proxenos::filters::decompressor
