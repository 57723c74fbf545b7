// The table of trailer fields.
#include "source/http/trailer_rule.h"

namespace proxenos::http {

TrailerRule RuleOfTrailer(HeaderId id) {
  // x-envoy-*, which all stand behind this one: what proxies tell and ask each other. From outside
  // they are taken out of a head.
  if (id >= HeaderId::kXEnvoyAttemptCount) return TrailerRule::kDrop;
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kContentLength:
    case HeaderId::kExpect:
    case HeaderId::kHost:
    case HeaderId::kHttp2Settings:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return TrailerRule::kRefuse;
    case HeaderId::kAuthorization:
    case HeaderId::kCacheControl:
    case HeaderId::kContentEncoding:
    case HeaderId::kContentType:
    case HeaderId::kCookie:
    case HeaderId::kForwarded:
    case HeaderId::kIfMatch:
    case HeaderId::kIfModifiedSince:
    case HeaderId::kIfNoneMatch:
    case HeaderId::kIfRange:
    case HeaderId::kLocation:
    case HeaderId::kPragma:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kRange:
    case HeaderId::kSetCookie:
    case HeaderId::kVary:
    case HeaderId::kWwwAuthenticate:
    case HeaderId::kXForwardedClientCert:
    case HeaderId::kXForwardedFor:
    case HeaderId::kXForwardedHost:
    case HeaderId::kXForwardedPort:
    case HeaderId::kXForwardedProto:
      return TrailerRule::kDrop;
    default:
      return TrailerRule::kPass;
  }
}

}  // namespace proxenos::http
