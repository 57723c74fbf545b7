// Choosing of pages, and of the form that the client likes.
#include "source/filters/http/shield/error_pages.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace proxenos::filters::shield {
namespace {

using http::HeaderId;

// More elements of an Accept are not looked at.
constexpr int kMaxRanges = 64;

// How much one element of Accept likes a type: the more exact element counts.
struct Liking {
  int exactness = 0;   // 0: no element is about the type; 1: "*/*"; 2: "text/*"; 3: "text/html".
  double quality = 0;  // 0 to 1.
};

// The value of ";q=", 1 without one. What is no number counts as not wanted.
double QualityOf(absl::string_view parameters) {
  while (!parameters.empty()) {
    const size_t end = parameters.find(';');
    const absl::string_view one = absl::StripAsciiWhitespace(parameters.substr(0, end));
    if (absl::StartsWithIgnoreCase(one, "q=")) {
      double quality = 0;
      if (!absl::SimpleAtod(one.substr(2), &quality) || !(quality >= 0 && quality <= 1)) return 0;
      return quality;
    }
    if (end == absl::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return 1;
}

void Regard(absl::string_view element, const ErrorPage::Body& body, Liking& liking) {
  const size_t end = element.find(';');
  const absl::string_view range = absl::StripAsciiWhitespace(element.substr(0, end));
  const size_t slash = range.find('/');
  if (slash == absl::string_view::npos) return;
  const absl::string_view type = range.substr(0, slash);
  const absl::string_view subtype = range.substr(slash + 1);
  int exactness = 0;
  if (type == "*" && subtype == "*") {
    exactness = 1;
  } else if (absl::EqualsIgnoreCase(type, body.type)) {
    exactness = subtype == "*" ? 2 : absl::EqualsIgnoreCase(subtype, body.subtype) ? 3 : 0;
  }
  if (exactness <= liking.exactness) return;
  liking.exactness = exactness;
  liking.quality = end == absl::string_view::npos ? 1 : QualityOf(element.substr(end + 1));
}

double QualityFor(const ErrorPage::Body& body, const http::HeaderMap& request) {
  Liking liking;
  int ranges = 0;
  for (const http::Header& header : request) {
    if (header.id != HeaderId::kAccept) continue;
    absl::string_view rest = header.value();
    while (!rest.empty() && ranges++ < kMaxRanges) {
      const size_t comma = rest.find(',');
      Regard(rest.substr(0, comma), body, liking);
      rest = comma == absl::string_view::npos ? absl::string_view() : rest.substr(comma + 1);
    }
  }
  return liking.quality;
}

}  // namespace

const ErrorPage::Body& ErrorPage::Choose(const http::HeaderMap& request) const {
  const Body* best = &bodies.front();
  if (bodies.size() == 1) return *best;
  double quality = QualityFor(*best, request);
  for (const Body& body : bodies) {
    const double other = QualityFor(body, request);
    if (other > quality) {
      best = &body;
      quality = other;
    }
  }
  return *best;
}

void ErrorPages::Add(ErrorPage page) { pages_.push_back(std::move(page)); }

void ErrorPages::Cover(uint16_t first, uint16_t last, bool local, bool origin) {
  const auto index = static_cast<uint8_t>(pages_.size());
  for (int status = first; status <= last; ++status) {
    const auto at = static_cast<size_t>(status - kFirstStatus);
    if (local && local_[at] == 0) local_[at] = index;
    if (origin && origin_[at] == 0) origin_[at] = index;
  }
}

bool IsOfBody(const http::Header& header) {
  switch (header.id) {
    case HeaderId::kContentEncoding:
    case HeaderId::kContentLength:
    case HeaderId::kContentType:
    case HeaderId::kEtag:
    case HeaderId::kLastModified:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kGrpcStatus:
    case HeaderId::kGrpcMessage:
      return true;
    default:
      break;
  }
  // Content-Security-Policy is about the page too, and Link names what it needs.
  const absl::string_view name = header.name();
  return absl::StartsWith(name, "content-") || name == "accept-ranges" || name == "digest" ||
         name == "repr-digest" || name == "link" || name == "sourcemap" || name == "x-sourcemap";
}

}  // namespace proxenos::filters::shield
