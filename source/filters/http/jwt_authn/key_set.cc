// Reading of key sets, and the choice of a key.
#include "source/filters/http/jwt_authn/key_set.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "source/json/parse.h"

namespace proxenos::filters::jwt_authn {
namespace {

// A member in base64url, wherever its lines are wrapped; empty when there is none.
std::string Decoded(const json::Object& key, absl::string_view name) {
  std::string text(json::FindText(key, name));
  std::erase_if(text, [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); });
  std::string bytes;
  return DecodeBase64Url(text, &bytes) ? bytes : std::string();
}

// People wrap the long lines of keys, within texts too, where JSON has no line breaks (RFC 8259,
// section 7). Envoy takes them, and its documentation shows such. Elsewhere they are blanks anyhow.
std::string WithoutLineBreaks(absl::string_view text) {
  std::string flat(text);
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return flat;
}

std::optional<PublicKey> ReadKey(const json::Object& key) {
  const absl::string_view kind = json::FindText(key, "kty");
  if (kind == "RSA") return PublicKey::FromRsa(Decoded(key, "n"), Decoded(key, "e"));
  if (kind == "EC") {
    return PublicKey::FromEc(json::FindText(key, "crv"), Decoded(key, "x"), Decoded(key, "y"));
  }
  if (kind == "OKP" && json::FindText(key, "crv") == "Ed25519") {
    return PublicKey::FromEd25519(Decoded(key, "x"));
  }
  if (kind == "oct") return PublicKey::FromSecret(Decoded(key, "k"));
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const KeySet> KeySet::Parse(absl::string_view text, Failure* failure) {
  *failure = Failure::kJwksJson;
  const std::optional<json::Object> object = json::ParseObject(WithoutLineBreaks(text));
  if (!object.has_value()) return nullptr;
  *failure = Failure::kNoKeys;
  KeySet set;
  const auto keys = object->find("keys");
  if (keys == object->end()) {  // Certificates by their kid.
    for (const auto& [kid, pem] : *object) {
      if (pem.text() == nullptr || set.keys_.size() == kMaxKeys) continue;
      auto key = PublicKey::FromCertificate(*pem.text());
      if (key.has_value()) set.keys_.push_back({kid, "", *std::move(key)});
    }
  } else if (keys->second.list() != nullptr) {
    for (const json::Value& one : *keys->second.list()) {
      const json::Object* members = one.object();
      if (members == nullptr || set.keys_.size() == kMaxKeys) continue;
      const absl::string_view use = json::FindText(*members, "use");
      if (!use.empty() && use != "sig") continue;
      auto key = ReadKey(*members);
      if (!key.has_value()) continue;
      set.keys_.push_back({std::string(json::FindText(*members, "kid")),
                           std::string(json::FindText(*members, "alg")), *std::move(key)});
    }
  }
  if (set.keys_.empty()) return nullptr;
  *failure = Failure::kNone;
  return std::make_shared<const KeySet>(std::move(set));
}

Failure KeySet::Verify(const Token& token) const {
  bool any = false;
  for (const Key& key : keys_) {
    if (!token.kid.empty() && !key.kid.empty() && token.kid != key.kid) continue;
    if (!key.alg.empty() && key.alg != token.alg) continue;
    if (!key.key.Suits(token.alg)) continue;
    any = true;
    if (key.key.Verifies(token.alg, token.signed_text, token.signature)) return Failure::kNone;
  }
  return any ? Failure::kVerification : Failure::kNoMatchingKey;
}

}  // namespace proxenos::filters::jwt_authn
