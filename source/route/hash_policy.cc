// The same hashes as Envoy's, so that both send a client to the same host.
#include "source/route/hash_policy.h"

#include <algorithm>
#include <bit>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/xxhash64.h"

namespace proxenos::route {
namespace {

using base::XxHash64;

std::optional<uint64_t> HashHeader(const HashPolicy& policy, const http::RequestHead& head) {
  std::vector<std::string> values;
  policy.field.ForEach(head, [&](absl::string_view value) {
    values.emplace_back(value);
    if (!policy.pattern.has_value()) return;
    auto replaced = policy.pattern->ReplaceAll(value, policy.substitution);
    if (replaced.has_value()) values.back() = *std::move(replaced);
  });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());  // Their order does not matter.
  uint64_t hash = 0;
  for (const std::string& value : values) hash = XxHash64(value, hash);
  return hash;
}

// RFC 6265, section 5.4. The first of that name; quotes around it are not part of it.
std::optional<absl::string_view> FindCookie(const http::RequestHead& head, absl::string_view name) {
  for (const http::Header& header : head.headers) {
    if (header.name() != "cookie") continue;
    absl::string_view rest = header.value();
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      absl::string_view pair = absl::StripAsciiWhitespace(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = pair.find('=');
      if (equals == absl::string_view::npos || pair.substr(0, equals) != name) continue;
      pair.remove_prefix(equals + 1);
      if (pair.size() >= 2 && pair.front() == '"' && pair.back() == '"') {
        pair = pair.substr(1, pair.size() - 2);
      }
      return pair;
    }
  }
  return std::nullopt;
}

std::string SetCookie(const HashPolicy& policy, absl::string_view value) {
  std::string text = absl::StrCat(policy.name, "=\"", value, "\"");
  if (*policy.ttl > 0) absl::StrAppend(&text, "; Max-Age=", *policy.ttl / base::kSecond);
  if (!policy.path.empty()) absl::StrAppend(&text, "; Path=", policy.path);
  for (const auto& [name, attribute] : policy.attributes) {
    absl::StrAppend(&text, "; ", name, attribute.empty() ? "" : "=", attribute);
  }
  return text + "; HttpOnly";
}

std::optional<uint64_t> HashCookie(const HashPolicy& policy, const http::RequestHead& head,
                                   absl::FunctionRef<HashAddresses()> addresses,
                                   absl::FunctionRef<void(std::string)> set_cookie) {
  const auto found = FindCookie(head, policy.name);
  if (found.has_value() && !found->empty()) return XxHash64(*found);
  if (!policy.ttl.has_value()) return std::nullopt;
  const HashAddresses of = addresses();
  const std::string value =
      absl::StrCat(absl::Hex(XxHash64(absl::StrCat(of.client, of.proxy)), absl::kZeroPad16));
  set_cookie(SetCookie(policy, value));
  return XxHash64(value);
}

std::optional<uint64_t> HashParameter(const HashPolicy& policy, absl::string_view path) {
  const size_t question = path.find('?');
  if (question == absl::string_view::npos) return std::nullopt;
  absl::string_view rest = path.substr(question + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const absl::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != policy.name) continue;
    return XxHash64(equals == pair.size() ? absl::string_view() : pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> HashOf(absl::Span<const HashPolicy> policies, const http::RequestHead& head,
                               const HashSources& sources,
                               absl::FunctionRef<void(std::string)> set_cookie) {
  std::optional<uint64_t> hash;
  for (const HashPolicy& policy : policies) {
    std::optional<uint64_t> part;
    switch (policy.kind) {
      case HashPolicy::Kind::kHeader:
        part = HashHeader(policy, head);
        break;
      case HashPolicy::Kind::kCookie:
        part = HashCookie(policy, head, sources.addresses, set_cookie);
        break;
      case HashPolicy::Kind::kSourceIp:
        if (const std::string ip = sources.addresses().client_ip; !ip.empty()) part = XxHash64(ip);
        break;
      case HashPolicy::Kind::kQueryParameter:
        part = HashParameter(policy, head.path);
        break;
      case HashPolicy::Kind::kFilterState:
        if (const auto text = sources.state(policy.name)) part = XxHash64(*text);
        break;
    }
    if (part.has_value()) hash = std::rotl(hash.value_or(0), 1) ^ *part;
    if (policy.terminal && hash.has_value()) break;
  }
  return hash;
}

}  // namespace proxenos::route
