// OAuth2World: a browser, the filter, and an authorization server on the stream's own loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "envoy/extensions/filters/http/oauth2/v3/oauth.pb.h"
#include "gtest/gtest.h"
#include "source/http/path.h"
#include "source/tls/secret_cell.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {

namespace oauth2_v3 = envoy::extensions::filters::http::oauth2::v3;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

inline constexpr char kAnswer[] =
    R"({"access_token":"A1","id_token":"I1","refresh_token":"R1","expires_in":60})";

// OAuth2Config as text, with `more` behind.
inline std::string OAuth2Text(const std::string& more = "", const std::string& credentials = "") {
  return absl::StrCat(R"(
    token_endpoint { uri: 'https://idp.test/token?x' cluster: 'idp' timeout { seconds: 1 } }
    authorization_endpoint: 'https://idp.test/authorize?keep=1&client_id=not'
    redirect_uri: 'https://%REQ(:authority)%/callback'
    redirect_path_matcher { path { exact: '/callback' } }
    signout_path { path { exact: '/signout' } }
    credentials { client_id: 'me & you' token_secret { name: 'token' }
                  hmac_secret { name: 'hmac' } )",
                      credentials, "} ", more);
}

class OAuth2World : public ::testing::Test {
 protected:
  OAuth2World() {
    SetSecret(*token_, "pass word");
    SetSecret(*hmac_, "hmac key");
  }

  static tls::SecretCellPtr Cell(const std::string& name) {
    tls::SecretRef ref;
    ref.name = name;
    ref.kind = tls::SecretKind::kGeneric;
    return tls::SecretCells::OfProcess().Name(ref);
  }
  static void SetSecret(const tls::SecretCell& cell, const std::string& value) {
    cell.Publish(std::make_shared<const tls::GenericValues>(tls::GenericValues{value, {}}));
  }

  // `config`: OAuth2Config of the filter; `of_route`: that of the route. Empty: none.
  AsyncStream Make(const std::string& config, const RequestLine& line,
                   const std::string& of_route = "") {
    AsyncStream made{};
    const std::string text = config.empty() ? "" : absl::StrCat("config {", config, "}");
    auto table = RouteToOrigin();
    auto* route = table.mutable_virtual_hosts(0)->mutable_routes(0);
    if (!of_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] =
          Pack<oauth2_v3::OAuth2PerRoute>(absl::StrCat("config {", of_route, "}"));
    }
    routes_ = MakeRoutes(table);
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<oauth2_v3::OAuth2>(text))},
        [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          stream.request.scheme = "https";
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "idp");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }

  // The browser asks; it sends the cookies it has.
  void Ask(const std::string& path, Fields fields = {}, const std::string& config = OAuth2Text(),
           const std::string& of_route = "") {
    std::string cookies;
    for (const auto& [name, value] : cookies_) {
      absl::StrAppend(&cookies, cookies.empty() ? "" : "; ", name, "=", value);
    }
    if (!cookies.empty()) fields.emplace_back("cookie", cookies);
    subject_ = Make(config, {.method = "GET", .path = path, .fields = std::move(fields)}, of_route);
    stream().Advance(passed_);
    stream().Turn();
    stream().SendRequest(true);
    TakeCookies();
  }
  // What the browser keeps of the response.
  void TakeCookies() {
    if (!stream().response_out.head) return;
    for (const http::Header& field : stream().response.headers) {
      if (field.id != http::HeaderId::kSetCookie) continue;
      const absl::string_view pair = field.value().substr(0, field.value().find(';'));
      const size_t equals = pair.find('=');
      const std::string name(pair.substr(0, equals));
      cookies_.erase(name);
      if (pair.substr(equals + 1) != "deleted")
        cookies_[name] = std::string(pair.substr(equals + 1));
    }
  }
  // The question to the token endpoint, once it is whole.
  Http2OriginStream& Asked(size_t count = 1) {
    auto& origin = subject_.service->origin;
    EXPECT_TRUE(stream().Until(
        [&] { return origin.stream_count() >= count && origin.stream(count - 1).complete(); }));
    return origin.stream(count - 1);
  }
  void Decided() {
    EXPECT_TRUE(stream().Until([this] { return passed() || stream().response_out.head; }));
    TakeCookies();
  }
  // A whole login; its last response is at hand.
  void LogIn(const std::string& config = OAuth2Text(), const std::string& answer = kAnswer) {
    Ask("/page?a=b", {}, config);
    Ask(Callback(), {}, config);
    Asked().Reply(200, {{"content-type", "application/json"}}, answer);
    Decided();
  }
  // Where the authorization server sends the browser, after the response at hand.
  std::string Callback(const std::string& more = "&code=c%2F1") {
    return absl::StrCat("/callback?state=", Parameter("state"), more);
  }
  std::string Location() { return Value(stream().response.headers, "location"); }
  std::string Parameter(const std::string& name) {
    absl::string_view value;
    const std::string location = Location();
    EXPECT_TRUE(http::FindQueryParameter(location, name, &value)) << name << " in " << location;
    return std::string(value);
  }
  // The name of the one cookie that begins so.
  std::string CookieLike(const std::string& start) {
    for (const auto& [name, value] : cookies_) {
      if (absl::StartsWith(name, start)) return name;
    }
    ADD_FAILURE() << "no cookie " << start;
    return "";
  }
  std::string Form(const Http2OriginStream& asked, const std::string& name) {
    absl::string_view value;
    return http::FindQueryParameter(absl::StrCat("/?", asked.body()), name, &value)
               ? std::string(value)
               : "-";
  }

  FilterHarness& stream() { return *subject_.stream; }
  bool passed() { return stream().request_out.head; }
  uint16_t status() { return stream().response_out.head ? stream().response.status : 0; }
  std::string details() { return std::string(stream().info.details); }
  uint64_t Stat(const std::string& name) { return stream().Stat(name); }
  std::string Sent(const std::string& name) { return Value(stream().request.headers, name); }

  const tls::SecretCellPtr token_ = Cell("token");
  const tls::SecretCellPtr hmac_ = Cell("hmac");
  std::map<std::string, std::string> cookies_;
  base::Nanos passed_ = 0;  // Time since the test began, as the next stream sees it.
  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};
};

}  // namespace proxenos::filters
