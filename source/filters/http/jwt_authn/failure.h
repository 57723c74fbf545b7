// Failure: why a token is not accepted. The texts are what clients of Envoy are told.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::filters::jwt_authn {

// X(enumerator, "text")
#define PX_JWT_FAILURES(X)                                                         \
  X(kNone, "OK")                                                                   \
  X(kMissing, "Jwt is missing")                                                    \
  X(kExpired, "Jwt is expired")                                                    \
  X(kNotYetValid, "Jwt not yet valid")                                             \
  X(kBadFormat,                                                                    \
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 "      \
    "sections")                                                                    \
  X(kHeaderBase64, "Jwt header is an invalid Base64url encoded")                   \
  X(kHeaderJson, "Jwt header is an invalid JSON")                                  \
  X(kHeaderAlg, "Jwt header [alg] field is required and must be a string")         \
  X(kAlgNotImplemented, "Jwt header [alg] is not supported")                       \
  X(kHeaderKid, "Jwt header [kid] field is not a string")                          \
  X(kHeaderCritical, "Jwt header [crit] names an extension that is not supported") \
  X(kPayloadBase64, "Jwt payload is an invalid Base64url encoded")                 \
  X(kPayloadJson, "Jwt payload is an invalid JSON")                                \
  X(kPayloadIss, "Jwt payload [iss] field is not a string")                        \
  X(kPayloadSub, "Jwt payload [sub] field is not a string")                        \
  X(kPayloadIat, "Jwt payload [iat] field is not an integer or not positive")      \
  X(kPayloadNbf, "Jwt payload [nbf] field is not an integer or not positive")      \
  X(kPayloadExp, "Jwt payload [exp] field is not an integer or not positive")      \
  X(kPayloadAud, "Jwt payload [aud] field is not a string or string list")         \
  X(kSignatureBase64, "Jwt signature is an invalid Base64url encoded")             \
  X(kUnknownIssuer, "Jwt issuer is not configured")                                \
  X(kSubject, "Jwt subject is not allowed")                                        \
  X(kNoExpiration, "Jwt payload [exp] field is required")                          \
  X(kLifetime, "Jwt lifetime exceeds the allowed maximum")                         \
  X(kAudience, "Audiences in Jwt are not allowed")                                 \
  X(kVerification, "Jwt verification fails")                                       \
  X(kFetch, "Jwks remote fetch is failed")                                         \
  X(kJwksJson, "Jwks is an invalid JSON")                                          \
  X(kNoKeys, "Jwks doesn't have any valid public key")                             \
  X(kNoMatchingKey, "Jwks doesn't have key to match kid or alg from Jwt")

enum class Failure : uint8_t {
#define PX_JWT_X(id, text) id,
  PX_JWT_FAILURES(PX_JWT_X)
#undef PX_JWT_X
};

absl::string_view TextOf(Failure failure);

}  // namespace proxenos::filters::jwt_authn
