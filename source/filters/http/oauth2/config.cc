// Compiles the configuration of logins.
#include "source/filters/http/oauth2/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/extensions/filters/http/oauth2/v3/oauth.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/oauth2/filter.h"
#include "source/filters/http/oauth2/settings.h"
#include "source/filters/http/oauth2/url.h"
#include "source/http/query.h"
#include "source/match/match_config.h"
#include "source/route/matcher_config.h"
#include "source/rpc/call_retries_config.h"
#include "source/rpc/service_config.h"
#include "source/tls/secret_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::oauth2 {
namespace {

namespace v3 = envoy::extensions::filters::http::oauth2::v3;
using Proto = v3::OAuth2Config;

constexpr char kRetryOn[] = "5xx,gateway-error,connect-failure,reset";

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    auto& part = static_cast<OAuth2Part&>(*stream.worker_part(*this));
    const auto* of_route = filter::FindSettings<Settings>(stream, *this);
    if (of_route != nullptr) {
      return std::make_unique<OAuth2>(of_route, part.OfRoute(of_route->stat_prefix), stream);
    }
    return std::make_unique<OAuth2>(settings_.get(), part.own(), stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<OAuth2Part>(
        registry, stat_prefix, settings_ == nullptr ? std::string() : settings_->stat_prefix);
  }

 private:
  const std::shared_ptr<const Settings> settings_;  // Null: only routes have some.
};

class Compiler {
 public:
  Compiler(const Proto& proto, const config::Path& path, config::Errors& errors)
      : proto_(proto), path_(path), errors_(errors) {}

  // Null when there were errors.
  std::shared_ptr<const Settings> Compile() {
    const size_t before = errors_.count();
    AddEndpoints();
    AddUris();
    AddCredentials();
    AddCookies();
    AddTimes();
    AddFlags();
    s_.pass_through = Matchers(proto_.pass_through_matcher(), "pass_through_matcher");
    s_.deny_redirect = Matchers(proto_.deny_redirect_matcher(), "deny_redirect_matcher");
    s_.allow_failed = Matchers(proto_.allow_failed_matcher(), "allow_failed_matcher");
    CheckAuthorization();
    s_.stat_prefix = proto_.stat_prefix();
    if (errors_.count() != before) return nullptr;
    return std::make_shared<const Settings>(std::move(s_));
  }

 private:
  void AddEndpoints() {
    if (!proto_.has_token_endpoint()) errors_.Add(path_.Field("token_endpoint"), "expected one");
    s_.token_endpoint =
        rpc::CompileHttpUri(proto_.token_endpoint(), path_.Field("token_endpoint"), errors_);
    if (proto_.has_retry_policy()) {
      s_.retries = rpc::CompileCallRetries(proto_.retry_policy(), kRetryOn,
                                           path_.Field("retry_policy"), errors_);
    }
    s_.authorization_url = AuthorizationUrl();
    for (const std::string& resource : proto_.resources()) {
      absl::StrAppend(&s_.resources, "&resource=", EncodeComponent(resource));
    }
    s_.end_session_endpoint = proto_.end_session_endpoint();
    if (s_.end_session_endpoint.empty()) return;
    CheckUrl(s_.end_session_endpoint, "end_session_endpoint");
    const auto& scopes = proto_.auth_scopes();
    if (std::find(scopes.begin(), scopes.end(), "openid") == scopes.end()) {
      errors_.Add(path_.Field("end_session_endpoint"), "expected openid among auth_scopes");
    }
  }

  void CheckUrl(const std::string& url, const char* field) {
    if (!ParseUrl(url)) errors_.AddValue(path_.Field(field), url, "an absolute URL of http(s)");
  }

  // Parameters of the endpoint that we set ourselves are not repeated.
  std::string AuthorizationUrl() {
    CheckUrl(proto_.authorization_endpoint(), "authorization_endpoint");
    std::string url = proto_.authorization_endpoint();
    for (const char* name : {"client_id", "response_type", "scope", "state", "redirect_uri",
                             "code_challenge", "code_challenge_method"}) {
      url = http::RemoveQueryParameter(url, name);
    }
    const auto& scopes = proto_.auth_scopes();
    const std::string scope = scopes.empty() ? "user" : absl::StrJoin(scopes, " ");
    return absl::StrCat(url, absl::StrContains(url, '?') ? "&" : "?",
                        "client_id=", EncodeComponent(proto_.credentials().client_id()),
                        "&response_type=code&scope=", EncodeComponent(scope), "&");
  }

  std::optional<access_log::Formatter> Format(const std::string& text, const config::Path& path) {
    auto format = access_log::Formatter::Compile(text);
    if (format.ok()) return *std::move(format);
    errors_.AddLines(path, format.status());
    return std::nullopt;
  }

  void AddUris() {
    s_.redirect_uri = Format(proto_.redirect_uri(), path_.Field("redirect_uri"));
    if (s_.redirect_uri && s_.redirect_uri->is_constant()) {
      CheckUrl(proto_.redirect_uri(), "redirect_uri");
    }
    if (!proto_.original_request_uri().empty()) {
      s_.original_request_uri =
          Format(proto_.original_request_uri(), path_.Field("original_request_uri"));
    }
    s_.redirect_path =
        match::CompileStringMatcher(proto_.redirect_path_matcher().path(), errors_,
                                    path_.Field("redirect_path_matcher").Field("path"));
    s_.signout_path = match::CompileStringMatcher(proto_.signout_path().path(), errors_,
                                                  path_.Field("signout_path").Field("path"));
    s_.allowed_domains.assign(proto_.allowed_redirect_domains().begin(),
                              proto_.allowed_redirect_domains().end());
    const auto& after = proto_.post_logout_redirect_uri();
    s_.post_logout.told = !after.disabled();
    if (after.has_uri()) {
      s_.post_logout.uri =
          Format(after.uri(), path_.Field("post_logout_redirect_uri").Field("uri"));
    }
  }

  void AddCredentials() {
    const auto& credentials = proto_.credentials();
    const config::Path at = path_.Field("credentials");
    s_.client_id = credentials.client_id();
    s_.auth_type = proto_.auth_type() == Proto::BASIC_AUTH        ? AuthType::kBasic
                   : proto_.auth_type() == Proto::TLS_CLIENT_AUTH ? AuthType::kTlsClient
                   : proto_.auth_type() == Proto::PRIVATE_KEY_JWT ? AuthType::kPrivateKeyJwt
                                                                  : AuthType::kUrlEncodedBody;
    s_.hmac_secret = tls::SecretCells::OfProcess().Name(
        tls::NameSecret(credentials.hmac_secret(), tls::SecretKind::kGeneric));
    if (s_.auth_type == AuthType::kTlsClient) return;
    if (!credentials.has_token_secret()) {
      errors_.Add(at.Field("token_secret"), "expected one, unless auth_type is TLS_CLIENT_AUTH");
      return;
    }
    s_.token_secret = tls::SecretCells::OfProcess().Name(
        tls::NameSecret(credentials.token_secret(), tls::SecretKind::kGeneric));
    const auto& jwt = proto_.private_key_jwt_config();
    s_.assertion_algorithm =
        v3::PrivateKeyJwtConfig::SigningAlgorithm_Name(jwt.signing_algorithm());
    s_.assertion_audience =
        jwt.assertion_audience().empty() ? proto_.token_endpoint().uri() : jwt.assertion_audience();
    if (jwt.has_assertion_lifetime()) s_.assertion_lifetime_s = jwt.assertion_lifetime().seconds();
  }

  void AddCookie(CookieKind kind, const std::string& name, const char* otherwise,
                 const v3::CookieConfig& config) {
    static constexpr const char* kSameSite[] = {"", ";SameSite=Strict", ";SameSite=Lax",
                                                ";SameSite=None"};
    const std::string& domain = s_.cookie_domain;
    const std::string at_domain = domain.empty() ? "" : absl::StrCat(";domain=", domain);
    const std::string path = config.path().empty() ? "/" : config.path();
    Cookie& cookie = s_.cookies[static_cast<size_t>(kind)];
    cookie.name = name.empty() ? otherwise : name;
    cookie.before_age = absl::StrCat(at_domain, ";path=", path, ";Max-Age=");
    cookie.after_age = absl::StrCat(";secure;HttpOnly", kSameSite[config.same_site() & 3],
                                    config.partitioned() ? ";Partitioned" : "");
    // Browsers take nothing back of names with such prefixes that is not secure.
    const bool secure =
        absl::StartsWith(cookie.name, "__Secure-") || absl::StartsWith(cookie.name, "__Host-");
    cookie.deletion = absl::StrCat("; path=", path, "; expires=Thu, 01 Jan 1970 00:00:00 GMT",
                                   at_domain, secure || config.partitioned() ? "; Secure" : "",
                                   config.partitioned() ? "; Partitioned" : "");
  }

  void AddCookies() {
    const auto& names = proto_.credentials().cookie_names();
    const auto& configs = proto_.cookie_configs();
    s_.cookie_domain = proto_.credentials().cookie_domain();
    AddCookie(CookieKind::kHmac, names.oauth_hmac(), "OauthHMAC",
              configs.oauth_hmac_cookie_config());
    AddCookie(CookieKind::kExpires, names.oauth_expires(), "OauthExpires",
              configs.oauth_expires_cookie_config());
    AddCookie(CookieKind::kBearer, names.bearer_token(), "BearerToken",
              configs.bearer_token_cookie_config());
    AddCookie(CookieKind::kIdToken, names.id_token(), "IdToken", configs.id_token_cookie_config());
    AddCookie(CookieKind::kRefresh, names.refresh_token(), "RefreshToken",
              configs.refresh_token_cookie_config());
    AddCookie(CookieKind::kNonce, names.oauth_nonce(), "OauthNonce",
              configs.oauth_nonce_cookie_config());
    AddCookie(CookieKind::kVerifier, names.code_verifier(), "CodeVerifier",
              configs.code_verifier_cookie_config());
    CheckCookieNames();
  }

  void CheckCookieNames() {
    for (size_t i = 0; i < kCookieKinds; ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (s_.cookies[i].name != s_.cookies[j].name) continue;
        errors_.AddValue(path_.Field("credentials").Field("cookie_names"), s_.cookies[i].name,
                         "another name for each cookie");
      }
    }
  }

  int64_t Seconds(bool given, const google::protobuf::Duration& proto, const char* field,
                  int64_t otherwise) {
    if (!given) return otherwise;
    return upstream::CompileDuration(proto, errors_, path_.Field(field)) / base::kSecond;
  }

  void AddTimes() {
    s_.default_expires_s = Seconds(proto_.has_default_expires_in(), proto_.default_expires_in(),
                                   "default_expires_in", s_.default_expires_s);
    s_.default_refresh_expires_s = Seconds(
        proto_.has_default_refresh_token_expires_in(), proto_.default_refresh_token_expires_in(),
        "default_refresh_token_expires_in", s_.default_refresh_expires_s);
    s_.csrf_expires_s = Seconds(proto_.has_csrf_token_expires_in(), proto_.csrf_token_expires_in(),
                                "csrf_token_expires_in", s_.csrf_expires_s);
    s_.verifier_expires_s = Seconds(proto_.has_code_verifier_token_expires_in(),
                                    proto_.code_verifier_token_expires_in(),
                                    "code_verifier_token_expires_in", s_.verifier_expires_s);
  }

  void AddFlags() {
    s_.id_token_header = absl::AsciiStrToLower(proto_.forward_id_token().header());
    s_.forward_bearer_token = proto_.forward_bearer_token();
    s_.preserve_authorization = proto_.preserve_authorization_header();
    s_.use_refresh_token = !proto_.has_use_refresh_token() || proto_.use_refresh_token().value();
    s_.set_access_token_cookie = !proto_.disable_access_token_set_cookie();
    s_.set_id_token_cookie = !proto_.disable_id_token_set_cookie();
    s_.set_refresh_token_cookie = !proto_.disable_refresh_token_set_cookie();
    s_.encrypt_tokens = !proto_.disable_token_encryption();
    s_.id_token_lives_as_access_token = proto_.use_access_token_expiry_for_id_token_cookie();
  }

  template <typename Protos>
  std::vector<route::HeaderMatcher> Matchers(const Protos& protos, const char* field) {
    std::vector<route::HeaderMatcher> matchers;
    for (int i = 0; i < protos.size(); ++i) {
      auto one = route::CompileHeaderMatcher(protos[i], errors_,
                                             path_.Field(field).Index(static_cast<size_t>(i)));
      if (one) matchers.push_back(*std::move(one));
    }
    return matchers;
  }

  // One header has one owner, and no client may steer by it whether it is asked who it is.
  void CheckAuthorization() {
    const bool id_on_it = s_.id_token_header == "authorization";
    if (s_.forward_bearer_token + s_.preserve_authorization + id_on_it > 1) {
      errors_.Add(path_,
                  "expected at most one of forward_bearer_token, preserve_authorization_header and "
                  "forward_id_token on the header authorization");
    }
    if (s_.id_token_header.empty()) return;
    const config::Path at = path_.Field("forward_id_token").Field("header");
    if (s_.id_token_header[0] == ':' || s_.id_token_header == "host") {
      errors_.AddValue(at, s_.id_token_header, "a header that may be changed");
    }
    for (const auto& matcher : proto_.pass_through_matcher()) {
      if (!absl::EqualsIgnoreCase(matcher.name(), s_.id_token_header)) continue;
      errors_.AddValue(at, s_.id_token_header, "a header that pass_through_matcher does not name");
    }
  }

  const Proto& proto_;
  const config::Path& path_;
  config::Errors& errors_;
  Settings s_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::OAuth2PerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const config::Path at = path.Field("config");
  return Compiler(proto.config(), at, errors).Compile();
}

}  // namespace

const route::OverrideKind kOAuth2Override{"envoy.extensions.filters.http.oauth2.v3.OAuth2PerRoute",
                                          CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateOAuth2(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors) {
  v3::OAuth2 proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  std::shared_ptr<const Settings> settings;
  if (proto.has_config()) {
    const config::Path at = path.Field("config");
    settings = Compiler(proto.config(), at, errors).Compile();
    if (settings == nullptr) return nullptr;
  }
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::oauth2
