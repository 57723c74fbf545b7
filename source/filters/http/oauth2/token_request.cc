// Forms and answers.
#include "source/filters/http/oauth2/token_request.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/url.h"
#include "source/json/parse.h"

namespace proxenos::filters::oauth2 {
namespace {

// Tokens that a browser could keep in cookies are smaller by far.
constexpr uint64_t kMaxAnswerBytes = 64 * 1024;
// Some thirty years: more would be a mistake, and could overflow.
constexpr int64_t kLongestAge = 1'000'000'000;
constexpr char kAssertionType[] =
    "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    "&client_assertion=";

// Some servers write the number as a text.
int64_t SecondsIn(const json::Object& object, absl::string_view name, int64_t otherwise) {
  const auto found = object.find(name);
  if (found == object.end() || found->second.is_null()) return otherwise;
  int64_t seconds = 0;
  if (const std::string* text = found->second.text()) {
    return absl::SimpleAtoi(*text, &seconds) ? seconds : 0;
  }
  return found->second.integer().value_or(0);
}

}  // namespace

std::optional<Grant> ParseGrant(uint16_t status, absl::string_view body, const Settings& settings) {
  if (status != 200) return std::nullopt;
  const std::optional<json::Object> object = json::ParseObject(body);
  if (!object.has_value()) return std::nullopt;
  Grant grant;
  grant.tokens.access = std::string(json::FindText(*object, "access_token"));
  grant.tokens.id = std::string(json::FindText(*object, "id_token"));
  grant.tokens.refresh = std::string(json::FindText(*object, "refresh_token"));
  grant.expires_in_s =
      std::min(SecondsIn(*object, "expires_in", settings.default_expires_s), kLongestAge);
  if (grant.tokens.access.empty() || grant.expires_in_s <= 0) return std::nullopt;
  for (const std::string* token : {&grant.tokens.access, &grant.tokens.id, &grant.tokens.refresh}) {
    if (!IsTokenText(*token)) return std::nullopt;
  }
  return grant;
}

TokenRequest::TokenRequest(const filter::Environment& environment, const Settings& settings,
                           absl::AnyInvocable<void()> on_done)
    : environment_(environment),
      settings_(settings),
      call_(
          environment, {settings.token_endpoint, settings.retries, kMaxAnswerBytes},
          [this](rpc::HttpCall& call) { return Fill(call); }, std::move(on_done)) {}

bool TokenRequest::StartWithCode(const Code& code) {
  return Start(absl::StrCat("grant_type=authorization_code&code=", code.code,
                            "&redirect_uri=", EncodeComponent(code.redirect_uri),
                            "&code_verifier=", EncodeComponent(code.verifier)));
}

bool TokenRequest::StartWithRefreshToken(absl::string_view token) {
  return Start(absl::StrCat("grant_type=refresh_token&refresh_token=", EncodeComponent(token)));
}

bool TokenRequest::Start(std::string body) {
  if (!Authenticate(body)) return false;
  body_ = std::move(body);
  return call_.Start();
}

bool TokenRequest::Authenticate(std::string& body) {
  const std::string client = EncodeComponent(settings_.client_id);
  if (settings_.auth_type == AuthType::kTlsClient) {
    absl::StrAppend(&body, "&client_id=", client);
    return true;
  }
  const std::shared_ptr<const tls::GenericValues> secret = settings_.token_secret->Get();
  if (secret == nullptr) return false;
  if (settings_.auth_type == AuthType::kBasic) {
    authorization_ = absl::StrCat(
        "Basic ", absl::Base64Escape(absl::StrCat(settings_.client_id, ":", secret->value)));
    return true;
  }
  absl::StrAppend(&body, "&client_id=", client);
  if (settings_.auth_type == AuthType::kUrlEncodedBody) {
    absl::StrAppend(&body, "&client_secret=", EncodeComponent(secret->value));
    return true;
  }
  Assertion assertion;
  assertion.algorithm = settings_.assertion_algorithm;
  assertion.key_pem = secret->value;
  const auto key = secret->named.find("private_key");
  const auto key_id = secret->named.find("key_id");
  if (key != secret->named.end()) assertion.key_pem = key->second;
  if (key_id != secret->named.end()) assertion.key_id = key_id->second;
  assertion.client_id = settings_.client_id;
  assertion.audience = settings_.assertion_audience;
  assertion.issued_s = environment_.loop.wall_now() / 1'000'000;
  assertion.lifetime_s = settings_.assertion_lifetime_s;
  const std::optional<std::string> text = SignAssertion(assertion);
  if (text.has_value()) absl::StrAppend(&body, kAssertionType, *text);
  return text.has_value();
}

buffer::Buffer TokenRequest::Fill(rpc::HttpCall& call) const {
  http::RequestHead& head = call.request();
  head.method_text = "POST";
  head.authority = settings_.token_endpoint.authority;
  head.path = settings_.token_endpoint.path;
  head.headers.Set(http::HeaderId::kContentType, "application/x-www-form-urlencoded");
  head.headers.Set(http::HeaderId::kAccept, "application/json");
  if (!authorization_.empty()) head.headers.Set(http::HeaderId::kAuthorization, authorization_);
  buffer::Buffer body;
  body.Append(absl::string_view(body_));
  return body;
}

std::optional<Grant> TokenRequest::TakeGrant() {
  rpc::HttpCall& call = call_.call();
  if (call.end() != rpc::HttpCall::End::kAnswer) return std::nullopt;
  return ParseGrant(call.response().status, call.body().ToString(), settings_);
}

}  // namespace proxenos::filters::oauth2
