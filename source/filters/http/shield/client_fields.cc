// Addresses in lists and in Forwarded.
#include "source/filters/http/shield/client_fields.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/http/chars.h"

namespace proxenos::filters::shield {
namespace {

constexpr absl::string_view kUnknown = "unknown";

// "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80", "fe80::1%eth0".
std::optional<net::Address> ParseAddress(absl::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (const size_t colon = text.find(':');
             colon != absl::string_view::npos && colon == text.rfind(':')) {
    text = text.substr(0, colon);
  }
  auto address = net::Address::FromIp(text.substr(0, text.find('%')), 0);
  if (!address.ok()) return std::nullopt;
  return *std::move(address);
}

void AppendMasked(const net::Address& address, AddressMask mask, std::string& out) {
  char text[net::Address::kMaxIpText];
  const size_t size = Masked(address, mask).FormatIp(text);
  out.append(text, size);
}

// Goes through a Forwarded field once, writing what may leave.
class ForwardedMasker {
 public:
  ForwardedMasker(absl::string_view value, AddressMask mask, std::string& out)
      : rest_(value), mask_(mask), out_(out) {}

  bool Run() {
    size_t elements = 0;
    while (true) {
      if (++elements > kMaxAddresses || !Element()) return false;
      if (rest_.empty()) return true;
      rest_.remove_prefix(1);  // The comma.
      out_.append(", ");
    }
  }

 private:
  void SkipBlanks() {
    while (!rest_.empty() && http::IsBlank(rest_.front())) rest_.remove_prefix(1);
  }
  bool At(char c) const { return !rest_.empty() && rest_.front() == c; }

  // Pairs between semicolons, up to a comma or the end.
  bool Element() {
    while (true) {
      SkipBlanks();
      if (!rest_.empty() && !At(',') && !At(';') && !Pair()) return false;
      SkipBlanks();
      if (rest_.empty() || At(',')) return true;
      if (!At(';')) return false;
      rest_.remove_prefix(1);
      out_.push_back(';');
    }
  }

  absl::string_view Token() {
    size_t size = 0;
    while (size < rest_.size() && http::IsTokenChar(rest_[size])) ++size;
    const absl::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  // What is between the quotes, as it stands; the escapes taken out in `plain`.
  std::optional<absl::string_view> Quoted(std::string& plain) {
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        const absl::string_view raw = rest_.substr(0, i + 1);
        rest_.remove_prefix(i + 1);
        return raw;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      plain.push_back(rest_[i]);
    }
    return std::nullopt;
  }

  bool Pair() {
    const absl::string_view name = Token();
    if (name.empty() || !At('=')) return false;
    rest_.remove_prefix(1);
    absl::StrAppend(&out_, name, "=");
    std::string plain;
    absl::string_view raw;
    if (At('"')) {
      const auto quoted = Quoted(plain);
      if (!quoted) return false;
      raw = *quoted;
    } else {
      raw = Unquoted();
      if (raw.empty()) return false;
      plain = std::string(raw);
    }
    if (absl::EqualsIgnoreCase(name, "for")) {
      Node(plain);
    } else {
      out_.append(raw.data(), raw.size());
    }
    return true;
  }

  // Many write addresses with their colons and brackets without the quotes that these need.
  absl::string_view Unquoted() {
    size_t size = 0;
    while (size < rest_.size() &&
           (http::IsTokenChar(rest_[size]) || absl::StrContains(":[]/", rest_[size]))) {
      ++size;
    }
    const absl::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

  void Node(absl::string_view plain) {
    const auto address = ParseAddress(plain);
    if (!address) {
      out_.append(IsObfuscated(plain) ? std::string(plain) : std::string(kUnknown));
      return;
    }
    std::string masked;
    AppendMasked(*address, mask_, masked);
    const bool quotes = absl::StrContains(masked, ':');
    absl::StrAppend(&out_, quotes ? "\"[" : "", masked, quotes ? "]\"" : "");
  }

  static bool IsObfuscated(absl::string_view text) {
    if (text.size() < 2 || text.front() != '_') return false;
    for (const char c : text.substr(1)) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && !absl::StrContains("._-", c)) {
        return false;
      }
    }
    return true;
  }

  absl::string_view rest_;
  const AddressMask mask_;
  std::string& out_;
};

}  // namespace

bool MaskList(absl::string_view value, AddressMask mask, std::string& out) {
  for (size_t count = 0; count < kMaxAddresses; ++count) {
    const size_t comma = value.find(',');
    const absl::string_view entry = absl::StripAsciiWhitespace(value.substr(0, comma));
    const auto address = ParseAddress(entry);
    if (address) {
      AppendMasked(*address, mask, out);
    } else if (!entry.empty()) {
      out.append(kUnknown.data(), kUnknown.size());
    }
    if (comma == absl::string_view::npos) return true;
    value.remove_prefix(comma + 1);
    out.append(value.empty() || !http::IsBlank(value.front()) ? "," : ", ");
  }
  return false;
}

bool MaskForwarded(absl::string_view value, AddressMask mask, std::string& out) {
  return ForwardedMasker(value, mask, out).Run();
}

void ClientFields::Apply(http::HeaderMap& headers) const {
  if (remove) {
    headers.RemoveIf([this](const http::Header& header) { return names.Has(header); });
    return;
  }
  std::string text;
  bool dropped = false;
  for (http::Header& header : headers) {
    if (!names.Has(header)) continue;
    text.clear();
    const bool good = header.id == http::HeaderId::kForwarded
                          ? MaskForwarded(header.value(), mask, text)
                          : MaskList(header.value(), mask, text);
    dropped |= !good;
    const absl::string_view kept = good ? headers.arena().Copy(text) : absl::string_view();
    header.value_data = kept.data();
    header.value_size = static_cast<uint32_t>(kept.size());
  }
  if (!dropped) return;
  headers.RemoveIf(
      [this](const http::Header& header) { return header.value().empty() && names.Has(header); });
}

}  // namespace proxenos::filters::shield
