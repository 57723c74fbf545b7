// Weights, ranks.
#include "source/filters/http/compressor/negotiation.h"

#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace proxenos::filters::compressor {
namespace {

// More codings than there are; what follows is not looked at.
constexpr uint32_t kMaxElements = 64;

// qvalue of RFC 9110, section 12.4.2, in thousandths; -1: it is none.
int ParseWeight(absl::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return -1;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return -1;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight > 1000 ? -1 : weight;
}

struct Element {
  absl::string_view coding;
  int weight = 1000;
};

// False: there is no sense in it.
bool Parse(absl::string_view text, Element* element) {
  const size_t semicolon = text.find(';');
  element->coding = absl::StripAsciiWhitespace(text.substr(0, semicolon));
  element->weight = 1000;
  if (semicolon == absl::string_view::npos) return !element->coding.empty();
  absl::string_view parameter = absl::StripAsciiWhitespace(text.substr(semicolon + 1));
  if (!absl::StartsWithIgnoreCase(parameter, "q")) return !element->coding.empty();
  parameter = absl::StripLeadingAsciiWhitespace(parameter.substr(1));
  if (parameter.empty() || parameter[0] != '=') return !element->coding.empty();
  element->weight = ParseWeight(absl::StripAsciiWhitespace(parameter.substr(1)));
  return element->weight >= 0 && !element->coding.empty();
}

bool Same(absl::string_view accepted, absl::string_view offered) {
  // RFC 9110, section 8.4.1.3: x-gzip is gzip.
  if (offered == "gzip" && absl::EqualsIgnoreCase(accepted, "x-gzip")) return true;
  return absl::EqualsIgnoreCase(accepted, offered);
}

// How a coding was named. Larger is better.
struct Rank {
  int weight = -1;  // -1: it was not.
  bool first = false;
  uint32_t place = 0;  // Among the elements.
  bool wildcard = false;
};

bool Better(const Rank& a, const Rank& b) {
  // Of marked offers the last, which is asked last.
  if (a.weight == b.weight && a.first && b.first) return true;
  return std::make_tuple(a.weight, a.first, b.place) > std::make_tuple(b.weight, b.first, a.place);
}

template <typename Visit>
void ForEachElement(absl::string_view header, Visit visit) {
  for (uint32_t place = 0; place < kMaxElements; ++place) {
    const size_t comma = header.find(',');
    Element element;
    if (Parse(header.substr(0, comma), &element)) visit(element, place);
    if (comma == absl::string_view::npos) return;
    header.remove_prefix(comma + 1);
  }
}

// Where the header names `coding`, or else everything.
Rank RankOf(absl::string_view header, absl::string_view coding) {
  Rank named, any;
  ForEachElement(header, [&](const Element& element, uint32_t place) {
    if (named.weight < 0 && Same(element.coding, coding)) named = {element.weight, false, place};
    if (any.weight < 0 && element.coding == "*") any = {element.weight, false, place, true};
  });
  return named.weight >= 0 ? named : any;
}

}  // namespace

Choice Choose(const absl::string_view* header, absl::Span<const Offer> offers) {
  if (header == nullptr) return {};
  Choice choice{Choice::kNone, Reason::kNotValid};
  Rank best;
  for (size_t i = 0; i < offers.size(); ++i) {
    Rank rank = RankOf(*header, offers[i].coding);
    if (rank.weight <= 0) continue;
    rank.first = offers[i].first;
    if (choice.offer != Choice::kNone && !Better(rank, best)) continue;
    best = rank;
    choice = {i, rank.wildcard ? Reason::kWildcard : Reason::kCompressor};
  }
  // Without a name of its own, identity is what is left when nothing else is wanted.
  const Rank identity = RankOf(*header, "identity");
  if (identity.weight > 0 && !identity.wildcard &&
      (choice.offer == Choice::kNone || Better(identity, best))) {
    return {Choice::kNone, Reason::kIdentity};
  }
  return choice;
}

}  // namespace proxenos::filters::compressor
