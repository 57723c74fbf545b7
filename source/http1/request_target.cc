// Request targets.
#include "source/http1/request_target.h"

#include <cstring>

#include "absl/strings/match.h"
#include "source/http/authority.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::IsAuthority;
using http::IsHostAndPort;
using http::Method;

CodecError ParseAbsolute(absl::string_view target, http::RequestHead& head) {
  size_t scheme_size = 0;
  if (absl::StartsWithIgnoreCase(target, "http://")) {
    head.scheme = "http";
    scheme_size = 7;
  } else if (absl::StartsWithIgnoreCase(target, "https://")) {
    head.scheme = "https";
    scheme_size = 8;
  } else {
    return CodecError::kBadTarget;
  }
  const absl::string_view rest = target.substr(scheme_size);
  const size_t authority_size = rest.find_first_of("/?");
  head.authority = rest.substr(0, authority_size);
  if (!IsAuthority(head.authority)) return CodecError::kBadTarget;
  if (authority_size == absl::string_view::npos) {
    // RFC 9112, 3.2.4: an OPTIONS for the whole server loses its asterisk on the way to a proxy.
    head.path = head.method == Method::kOptions ? "*" : "/";
    return CodecError::kNone;
  }
  const absl::string_view path = rest.substr(authority_size);
  head.path = path;
  if (path.front() == '?') {
    char* copy = static_cast<char*>(head.headers.arena().Allocate(path.size() + 1));
    copy[0] = '/';
    std::memcpy(copy + 1, path.data(), path.size());
    head.path = absl::string_view(copy, path.size() + 1);
  }
  return CodecError::kNone;
}

}  // namespace

CodecError ParseTarget(absl::string_view target, bool allow_absolute_url, http::RequestHead& head) {
  if (head.method == Method::kConnect) {
    if (!IsHostAndPort(target)) return CodecError::kBadTarget;
    head.authority = target;
    return CodecError::kNone;
  }
  if (target.front() == '/') {
    head.path = target;
    return CodecError::kNone;
  }
  if (target == "*") {
    if (head.method != Method::kOptions) return CodecError::kBadTarget;
    head.path = target;
    return CodecError::kNone;
  }
  return allow_absolute_url ? ParseAbsolute(target, head) : CodecError::kBadTarget;
}

}  // namespace proxenos::http1
