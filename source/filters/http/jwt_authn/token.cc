// Three sections between two dots.
#include "source/filters/http/jwt_authn/token.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "source/json/parse.h"

namespace proxenos::filters::jwt_authn {
namespace {

constexpr absl::string_view kTexts[] = {
#define PX_JWT_X(id, text) text,
    PX_JWT_FAILURES(PX_JWT_X)
#undef PX_JWT_X
};

constexpr absl::string_view kAlgorithms[] = {"ES256", "ES384", "ES512", "HS256", "HS384",
                                             "HS512", "RS256", "RS384", "RS512", "PS256",
                                             "PS384", "PS512", "EdDSA"};

// A text that may be missing; false when it is something else.
bool ReadText(const json::Object& object, absl::string_view name, std::string* out) {
  const auto it = object.find(name);
  if (it == object.end()) return true;
  if (it->second.text() == nullptr) return false;
  *out = *it->second.text();
  return true;
}

// NumericDate (RFC 7519, section 2): fractions are cut off.
bool ReadTime(const json::Object& object, absl::string_view name, std::optional<int64_t>* out) {
  const auto it = object.find(name);
  if (it == object.end()) return true;
  const std::optional<double> number = it->second.number();
  if (!number.has_value() || *number < 0 || *number >= 0x1p62) return false;
  *out = it->second.integer().value_or(static_cast<int64_t>(*number));
  return true;
}

bool ReadAudiences(const json::Object& payload, std::vector<std::string>* out) {
  const auto it = payload.find("aud");
  if (it == payload.end()) return true;
  if (it->second.text() != nullptr) {
    out->push_back(*it->second.text());
    return true;
  }
  if (it->second.list() == nullptr) return false;
  for (const json::Value& one : *it->second.list()) {
    if (one.text() == nullptr) return false;
    out->push_back(*one.text());
  }
  return true;
}

Failure ReadHeader(absl::string_view section, Token* token) {
  std::string bytes;
  if (!DecodeBase64Url(section, &bytes)) return Failure::kHeaderBase64;
  std::optional<json::Object> header = json::ParseObject(bytes);
  if (!header.has_value()) return Failure::kHeaderJson;
  token->header = *std::move(header);
  if (!ReadText(token->header, "alg", &token->alg) || token->alg.empty()) {
    return Failure::kHeaderAlg;
  }
  if (std::find(std::begin(kAlgorithms), std::end(kAlgorithms), token->alg) ==
      std::end(kAlgorithms)) {
    return Failure::kAlgNotImplemented;
  }
  if (!ReadText(token->header, "kid", &token->kid)) return Failure::kHeaderKid;
  // What must be understood and is not makes the token invalid (RFC 7515, section 4.1.11).
  return token->header.contains("crit") ? Failure::kHeaderCritical : Failure::kNone;
}

Failure ReadPayload(absl::string_view section, Token* token) {
  std::string bytes;
  if (!DecodeBase64Url(section, &bytes)) return Failure::kPayloadBase64;
  std::optional<json::Object> payload = json::ParseObject(bytes);
  if (!payload.has_value()) return Failure::kPayloadJson;
  token->payload = *std::move(payload);
  token->payload_base64 = std::string(section);
  if (!ReadText(token->payload, "iss", &token->issuer)) return Failure::kPayloadIss;
  if (!ReadText(token->payload, "sub", &token->subject)) return Failure::kPayloadSub;
  if (!ReadTime(token->payload, "iat", &token->issued)) return Failure::kPayloadIat;
  if (!ReadTime(token->payload, "nbf", &token->not_before)) return Failure::kPayloadNbf;
  if (!ReadTime(token->payload, "exp", &token->expires)) return Failure::kPayloadExp;
  return ReadAudiences(token->payload, &token->audiences) ? Failure::kNone : Failure::kPayloadAud;
}

}  // namespace

absl::string_view TextOf(Failure failure) { return kTexts[static_cast<size_t>(failure)]; }

bool DecodeBase64Url(absl::string_view text, std::string* bytes) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
  return plain && absl::WebSafeBase64Unescape(text, bytes);
}

Failure ParseToken(absl::string_view text, Token* token) {
  const size_t first = text.find('.');
  const size_t second = first == absl::string_view::npos ? first : text.find('.', first + 1);
  if (second == absl::string_view::npos || text.find('.', second + 1) != absl::string_view::npos) {
    return Failure::kBadFormat;
  }
  Failure failure = ReadHeader(text.substr(0, first), token);
  if (failure != Failure::kNone) return failure;
  failure = ReadPayload(text.substr(first + 1, second - first - 1), token);
  if (failure != Failure::kNone) return failure;
  token->signed_text = std::string(text.substr(0, second));
  return DecodeBase64Url(text.substr(second + 1), &token->signature) ? Failure::kNone
                                                                     : Failure::kSignatureBase64;
}

Failure CheckTime(const Token& token, int64_t now_s, int64_t skew_s) {
  if (token.not_before.has_value() && *token.not_before > now_s + skew_s) {
    return Failure::kNotYetValid;
  }
  if (token.expires.has_value() && now_s > *token.expires + skew_s) return Failure::kExpired;
  return Failure::kNone;
}

}  // namespace proxenos::filters::jwt_authn
