// Making keys.
#include "source/cache/key.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/random.h"
#include "source/base/xxhash64.h"
#include "source/buffer/arena.h"
#include "source/http/path.h"

namespace proxenos::cache {
namespace {

using http::HeaderId;

// Origins behind gateways that write fields into an environment (CGI and its heirs) cannot tell "_"
// from "-": `name` counts as `dashed` with either.
bool IsNamed(absl::string_view name, absl::string_view dashed) {
  return name.size() == dashed.size() &&
         std::equal(name.begin(), name.end(), dashed.begin(),
                    [](char a, char b) { return a == b || (a == '_' && b == '-'); });
}

// Fields that say which host, scheme or path the client asked for: whoever sets them alone would
// else poison what others get. (X-Forwarded-Proto as it is written is in the scheme already.)
constexpr absl::string_view kKeyed[] = {"x-forwarded-scheme",
                                        "x-forwarded-protocol",
                                        "x-forwarded-ssl",
                                        "x-forwarded-server",
                                        "x-forwarded-prefix",
                                        "x-forwarded-path",
                                        "x-forwarded-uri",
                                        "x-forwarded-host",
                                        "x-forwarded-port",
                                        "x-forwarded-proto",
                                        "x-host",
                                        "x-original-host",
                                        "x-original-uri",
                                        "x-original-proto",
                                        "x-original-scheme",
                                        "x-http-host-override",
                                        "x-url-scheme",
                                        "x-scheme",
                                        "x-script-name",
                                        "x-envoy-original-path",
                                        "x-envoy-original-host",
                                        "front-end-https"};

bool IsKeyed(const http::Header& header) {
  switch (header.id) {
    case HeaderId::kXForwardedHost:
    case HeaderId::kXForwardedPort:
    case HeaderId::kXEnvoyOriginalPath:
      return true;
    case HeaderId::kUnknown: {
      const absl::string_view name = header.name();
      return (name[0] == 'x' || name[0] == 'f') &&
             std::any_of(std::begin(kKeyed), std::end(kKeyed),
                         [name](absl::string_view one) { return IsNamed(name, one); });
    }
    default:
      return false;
  }
}

// Differs from process to process, so that nobody can choose URLs that collide.
uint64_t HashOf(absl::string_view text) {
  static const uint64_t seed = base::RandomSeed();
  return base::XxHash64(text, seed);
}

absl::string_view WithoutDefaultPort(absl::string_view scheme, absl::string_view authority) {
  return http::StripPort(authority, scheme == "https" ? 443 : 80);
}

// Whether the URL has the authority just as the client wrote it. An origin sees what was written,
// and may turn away or redirect what it does not expect: so that is not what others are given.
bool IsPlain(absl::string_view scheme, absl::string_view authority) {
  return WithoutDefaultPort(scheme, authority).size() == authority.size() &&
         std::none_of(authority.begin(), authority.end(),
                      [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Of Forwarded (RFC 7239) what says host or scheme: what it says of the client would make a key for
// each of them.
void AppendForwarded(absl::string_view value, std::string* text) {
  for (const absl::string_view part : absl::StrSplit(value, absl::ByAnyChar(",;"))) {
    const std::string lower = absl::AsciiStrToLower(part);
    if (absl::StrContains(lower, "host") || absl::StrContains(lower, "proto")) {
      absl::StrAppend(text, "forwarded:", lower, "\n");
    }
  }
}

constexpr absl::string_view kCluster = "cluster:";

}  // namespace

Key::Key(std::string url) : url_(std::move(url)), hash_(HashOf(url_)) {}

Key::Key(const http::RequestHead& head, absl::string_view cluster, const KeyOptions& options)
    : Key(UrlText(head.scheme, head.authority, head.path, options)) {
  if (!cluster.empty()) extra_ = absl::StrCat(kCluster, cluster, "\n");
  if (!options.without_host && !IsPlain(head.scheme, head.authority)) {
    absl::StrAppend(&extra_, "host:", head.authority, "\n");
  }
  for (const http::Header& header : head.headers) {
    if (header.id == HeaderId::kForwarded) {
      AppendForwarded(header.value(), &extra_);
    } else if (IsKeyed(header)) {
      absl::StrAppend(&extra_, header.name(), ":", header.value(), "\n");
    }
  }
}

bool HasClientFields(absl::string_view extra) {
  if (absl::StartsWith(extra, kCluster)) extra.remove_prefix(extra.find('\n') + 1);
  return !extra.empty();
}

std::string UrlText(absl::string_view scheme, absl::string_view authority, absl::string_view path,
                    const KeyOptions& options) {
  std::string text;
  const absl::string_view host = WithoutDefaultPort(scheme, authority);
  text.reserve(scheme.size() + host.size() + path.size() + 3);
  if (!options.without_scheme) absl::StrAppend(&text, scheme, "://");
  if (!options.without_host) {
    for (const char c : host) text.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  absl::StrAppend(&text, path);
  return text;
}

std::string ResolveSameOrigin(const http::RequestHead& head, absl::string_view reference,
                              const KeyOptions& options) {
  reference = reference.substr(0, reference.find('#'));
  for (const char c : reference) {
    if (c <= 0x20 || c == 0x7f) return std::string();
  }
  absl::string_view rest = reference;
  const size_t colon = rest.find(':');
  if (colon != absl::string_view::npos && rest.find_first_of("/?") > colon) {  // It has a scheme.
    if (!absl::EqualsIgnoreCase(rest.substr(0, colon), head.scheme)) return std::string();
    rest.remove_prefix(colon + 1);
    if (!absl::StartsWith(rest, "//")) return std::string();
  }
  if (absl::StartsWith(rest, "//")) {
    rest.remove_prefix(2);
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (!absl::EqualsIgnoreCase(WithoutDefaultPort(head.scheme, rest.substr(0, end)),
                                WithoutDefaultPort(head.scheme, head.authority))) {
      return std::string();
    }
    rest.remove_prefix(end);
    if (rest.empty() || rest.front() != '/') {
      return UrlText(head.scheme, head.authority, absl::StrCat("/", rest), options);
    }
  }
  std::string path(rest);
  const absl::string_view base = http::WithoutQuery(head.path);
  if (rest.empty()) {
    path = std::string(head.path);
  } else if (rest.front() == '?') {
    path = absl::StrCat(base, rest);
  } else if (rest.front() != '/') {
    path = absl::StrCat(base.substr(0, base.rfind('/') + 1), rest);
  }
  buffer::Arena arena;
  http::PathOptions normal;
  normal.normalize = true;  // Dot segments, as the request for it would have them.
  const http::PathResult result = http::NormalizePath(path, normal, arena);
  if (result.verdict == http::PathVerdict::kReject) return std::string();
  return UrlText(head.scheme, head.authority, result.path, options);
}

bool DisguisesItself(const http::HeaderMap& headers) {
  for (const http::Header& header : headers) {
    const absl::string_view name = header.name();
    if (header.id != HeaderId::kUnknown || !absl::StartsWith(name, "x")) continue;
    if (IsNamed(name, "x-http-method-override") || IsNamed(name, "x-http-method") ||
        IsNamed(name, "x-method-override") || IsNamed(name, "x-original-url") ||
        IsNamed(name, "x-rewrite-url")) {
      return true;
    }
  }
  return false;
}

}  // namespace proxenos::cache
