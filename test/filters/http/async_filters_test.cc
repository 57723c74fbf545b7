// What holds for every filter that waits for somebody, whoever it is: an answer may come late, come
// after nobody waits for it any more, or never; the stream may end in each phase of the wait; and
// nothing is left of a call then. One line a filter.
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/extensions/filters/http/ext_proc/v3/ext_proc.pb.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "envoy/extensions/filters/http/jwt_authn/v3/config.pb.h"
#include "envoy/extensions/filters/http/lua/v3/lua.pb.h"
#include "envoy/extensions/filters/http/oauth2/v3/oauth.pb.h"
#include "envoy/extensions/filters/http/ratelimit/v3/rate_limit.pb.h"
#include "envoy/service/auth/v3/external_auth.pb.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "gtest/gtest.h"
#include "source/config/typed_config.h"
#include "source/filter/composite_config.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/state.h"
#include "source/tls/secret_cell.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace f = envoy::extensions::filters::http;
using testing::AsyncStream;
using testing::CallsOutlive;
using testing::Http2OriginStream;
using testing::SideService;

constexpr base::Nanos kTimeout = 200 * base::kMillisecond;
constexpr char kNanos[] = "timeout { nanos: 200000000 } ";

// A filter and what it waits for.
struct Subject {
  std::string name;
  std::function<google::protobuf::Any()> config;
  std::function<RequestLine()> request;
  // The service's good answer; null: it waits for time alone, kTimeout long.
  std::function<void(Http2OriginStream&)> answer;
  std::string when_answered = "passed";
  std::string when_silent;  // Once kTimeout is over.
  CallsOutlive outlive = CallsOutlive::kNothing;
  bool asks_with_head = false;  // The question has no end.
};

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

void ReplyGrpc(Http2OriginStream& asked, const std::string& message) {
  asked.Reply(200, {{"content-type", "application/grpc"}}, Frame(message), {{"grpc-status", "0"}});
}

RequestLine AnyRequest() { return {.method = "GET", .path = "/"}; }

Subject ExtAuthzGrpc() {
  return {"ext_authz_grpc",
          [] {
            return Pack<f::ext_authz::v3::ExtAuthz>(absl::StrCat(
                "grpc_service { envoy_grpc { cluster_name: 'service' } ", kNanos, "}"));
          },
          AnyRequest,
          [](Http2OriginStream& asked) { ReplyGrpc(asked, ""); },
          "passed",
          "403 "};
}

Subject ExtAuthzHttp() {
  return {"ext_authz_http",
          [] {
            return Pack<f::ext_authz::v3::ExtAuthz>(absl::StrCat(
                "http_service { server_uri { uri: 'http://a/' cluster: 'service' ", kNanos, "} }"));
          },
          AnyRequest,
          [](Http2OriginStream& asked) { asked.Reply(200); },
          "passed",
          "403 "};
}

Subject ExtProc() {
  Subject subject{"ext_proc",
                  [] {
                    return Pack<f::ext_proc::v3::ExternalProcessor>(
                        "grpc_service { envoy_grpc { cluster_name: 'service' } } "
                        "message_timeout { nanos: 200000000 }");
                  },
                  AnyRequest,
                  [](Http2OriginStream& asked) {
                    envoy::service::ext_proc::v3::ProcessingResponse response;
                    response.mutable_request_headers();
                    asked.SendHead(200, {{"content-type", "application/grpc"}}, false);
                    asked.SendBody(Frame(response.SerializeAsString()), false);
                  },
                  "passed",
                  "504 "};
  subject.asks_with_head = true;
  return subject;
}

Subject LuaCall() {
  return {"lua_http_call",
          [] {
            f::lua::v3::Lua proto;
            proto.mutable_default_source_code()->set_inline_string(
                "function envoy_on_request(h) local f = h:httpCall('service', {[':method'] = "
                "'GET', [':path'] = '/', [':authority'] = 'a'}, nil, 200) "
                "if f[':status'] ~= '200' then h:respond({[':status'] = f[':status']}) end end");
            google::protobuf::Any any;
            any.PackFrom(proto);
            return any;
          },
          AnyRequest,
          [](Http2OriginStream& asked) { asked.Reply(200); },
          "passed",
          "504 "};
}

Subject RateLimit() {
  return {"ratelimit",
          [] {
            return Pack<f::ratelimit::v3::RateLimit>(
                "domain: 'd' timeout { nanos: 200000000 } failure_mode_deny: true "
                "rate_limit_service { grpc_service { envoy_grpc { cluster_name: 'service' } } } "
                "rate_limits { actions { generic_key { descriptor_value: 'one' } } }");
          },
          AnyRequest,
          [](Http2OriginStream& asked) {
            envoy::service::ratelimit::v3::RateLimitResponse response;
            response.set_overall_code(envoy::service::ratelimit::v3::RateLimitResponse::OK);
            ReplyGrpc(asked, response.SerializeAsString());
          },
          "passed",
          "500 "};
}

Subject JwtKeys() {
  Subject subject{
      "jwt_authn_remote_keys",
      [] {
        return Pack<f::jwt_authn::v3::JwtAuthentication>(absl::StrCat(
            "providers { key: 'p' value { remote_jwks { http_uri { uri: 'http://k/' "
            "cluster: 'service' ",
            kNanos, "} } } } rules { match { prefix: '/' } requires { provider_name: 'p' } }"));
      },
      [] {
        return RequestLine{.method = "GET",
                           .path = "/",
                           // {"alg":"RS256"}.{}.x
                           .fields = {{"authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.eA"}}};
      },
      [](Http2OriginStream& asked) { asked.Reply(200, {}, R"({"keys":[]})"); },
      "401 Jwks remote fetch is failed",
      "401 Jwks remote fetch is failed"};
  subject.outlive = CallsOutlive::kTheStream;
  return subject;
}

// A login at its end; the secrets stay for the process.
Subject OAuth2() {
  static const std::vector<tls::SecretCellPtr> cells = [] {
    std::vector<tls::SecretCellPtr> named;
    for (const char* name : {"async-token", "async-hmac"}) {
      tls::SecretRef ref;
      ref.name = name;
      named.push_back(tls::SecretCells::OfProcess().Name(ref));
      named.back()->Publish(
          std::make_shared<const tls::GenericValues>(tls::GenericValues{"secret", {}}));
    }
    return named;
  }();
  static_cast<void>(cells);
  return {
      "oauth2",
      [] {
        return Pack<f::oauth2::v3::OAuth2>(absl::StrCat(
            "config { token_endpoint { uri: 'https://idp/token' cluster: 'service' ", kNanos,
            "} authorization_endpoint: 'https://idp/authorize' "
            "redirect_uri: 'https://host/callback' "
            "redirect_path_matcher { path { exact: '/callback' } } "
            "signout_path { path { exact: '/signout' } } credentials { client_id: 'me' "
            "token_secret { name: 'async-token' } hmac_secret { name: 'async-hmac' } } }"));
      },
      [] {
        const oauth2::State state = oauth2::MakeState("https://host/page", "secret");
        return RequestLine{
            .method = "GET",
            .path = absl::StrCat("/callback?code=1&state=", oauth2::Seal(state, "secret")),
            .fields = {{"cookie", absl::StrCat("OauthNonce.", state.flow_id, "=", state.csrf_token,
                                               "; CodeVerifier.", state.flow_id, "=",
                                               oauth2::Encrypt("verifier", "secret"))}}};
      },
      [](Http2OriginStream& asked) {
        asked.Reply(200, {}, R"({"access_token":"a","expires_in":60})");
      },
      "302 ",
      "401 OAuth flow failed."};
}

Subject FaultDelay() {
  return {"fault_delay",
          [] {
            return Pack<f::fault::v3::HTTPFault>(
                "delay { fixed_delay { nanos: 200000000 } percentage { numerator: 100 } }");
          },
          AnyRequest,
          nullptr,
          "",
          "passed"};
}

// The same, chosen by a composite.
Subject Composed(Subject subject) {
  const auto config = subject.config;
  subject.name = absl::StrCat("composite_", subject.name);
  subject.config = [config] {
    f::composite::v3::ExecuteFilterAction action;
    action.mutable_typed_config()->set_name("chosen");
    *action.mutable_typed_config()->mutable_typed_config() = config();
    f::composite::v3::Composite composite;
    auto* always = composite.mutable_matcher()->mutable_on_no_match()->mutable_action();
    always->set_name("always");
    always->mutable_typed_config()->PackFrom(action);
    google::protobuf::Any any;
    any.PackFrom(composite);
    return any;
  };
  return subject;
}

std::vector<Subject> Subjects() {
  std::vector<Subject> all = {ExtAuthzGrpc(), ExtAuthzHttp(), ExtProc(), RateLimit(),
                              JwtKeys(),      OAuth2(),       LuaCall(), FaultDelay()};
  const size_t bare = all.size();
  for (size_t i = 0; i < bare; ++i) all.push_back(Composed(all[i]));
  return all;
}

// All that the place in the chain holds.
filter::FilterFactories MakeFactories(const google::protobuf::Any& config) {
  const filter::FilterKind* kind =
      filter::FindKind(server::BuiltinFilters(), config::TypedConfigType(config));
  const filter::FilterPlace place{server::BuiltinFilters(), "f"};
  config::Errors errors;
  filter::FilterFactories made;
  for (auto& one : filter::CreateFilters(*kind, config, place, config::Path("f"), errors)) {
    made.push_back(std::move(one));
  }
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return made;
}

class AsyncFiltersTest : public ::testing::TestWithParam<Subject> {
 protected:
  AsyncStream Make() {
    const RequestLine line = GetParam().request();
    routes_ = MakeRoutes(RouteToOrigin());
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        MakeFactories(GetParam().config()), [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          stream.request.scheme = "https";
          stream.info.connection = &connection_;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "service");
          made.service = service.get();
          made.service->origin.on_head = GetParam().asks_with_head;
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  // The same, with its request sent; waits.
  AsyncStream Begin() {
    AsyncStream made = Make();
    made.stream->SendRequest(true);
    EXPECT_EQ(Outcome(*made.stream), "waits");
    return made;
  }
  bool asks() const { return GetParam().answer != nullptr; }
  bool HasAsked(const AsyncStream& subject) const {
    auto& origin = subject.service->origin;
    return origin.stream_count() > 0 && (GetParam().asks_with_head || origin.stream(0).complete());
  }
  Http2OriginStream& Asked(AsyncStream& subject) {
    EXPECT_TRUE(subject.stream->Until([&] { return HasAsked(subject); }));
    return subject.service->origin.stream(0);
  }
  static std::string Outcome(FilterHarness& stream) {
    if (stream.request_out.head) return "passed";
    return stream.response_out.head ? ResponseText(stream) : "waits";
  }
  static std::string Decided(FilterHarness& stream) {
    stream.Until([&stream] { return Outcome(stream) != "waits"; });
    return Outcome(stream);
  }
  static void TurnSome(FilterHarness& stream) {
    for (int i = 0; i < 20; ++i) stream.TurnIn(base::kMillisecond);
  }

  filter::ConnectionInfo connection_;
  std::shared_ptr<const route::RouteTable> routes_;
};

TEST_P(AsyncFiltersTest, LateAnswerIsAnAnswer) {
  if (!asks()) return;
  AsyncStream subject = Begin();
  Http2OriginStream& asked = Asked(subject);
  subject.stream->Advance(kTimeout - base::kMillisecond);
  TurnSome(*subject.stream);
  EXPECT_EQ(Outcome(*subject.stream), "waits");
  GetParam().answer(asked);
  EXPECT_EQ(Decided(*subject.stream), GetParam().when_answered);
  EXPECT_FALSE(subject.stream->spun());
}

TEST_P(AsyncFiltersTest, SilenceEndsInTime) {
  AsyncStream subject = Begin();
  if (asks()) Asked(subject);
  subject.stream->Advance(kTimeout - base::kMillisecond);
  TurnSome(*subject.stream);
  EXPECT_EQ(Outcome(*subject.stream), "waits");
  subject.stream->Advance(2 * base::kMillisecond);
  EXPECT_EQ(Decided(*subject.stream), GetParam().when_silent);
  subject.stream->EndStream();
  if (GetParam().outlive == CallsOutlive::kNothing) subject.service->ExpectNothingLeft();
}

TEST_P(AsyncFiltersTest, NobodyHearsOfAnAnswerThatCameTooLate) {
  if (!asks()) return;
  AsyncStream subject = Begin();
  Http2OriginStream& asked = Asked(subject);
  subject.stream->Advance(kTimeout + base::kMillisecond);
  const std::string decided = Decided(*subject.stream);
  EXPECT_EQ(decided, GetParam().when_silent);
  if (!asked.closed()) GetParam().answer(asked);
  TurnSome(*subject.stream);
  EXPECT_EQ(Outcome(*subject.stream), decided);
  EXPECT_FALSE(subject.stream->aborted());
}

TEST_P(AsyncFiltersTest, WhatComesBehindAnAnswerChangesNothing) {
  if (!asks()) return;
  AsyncStream subject = Begin();
  Http2OriginStream& asked = Asked(subject);
  GetParam().answer(asked);
  const std::string decided = Decided(*subject.stream);
  EXPECT_EQ(decided, GetParam().when_answered);
  if (!asked.closed()) asked.Reset(http2::ErrorCode::kInternalError);
  TurnSome(*subject.stream);
  EXPECT_EQ(Outcome(*subject.stream), decided);
}

TEST_P(AsyncFiltersTest, ServicesThatBreakOffAreNotWaitedFor) {
  if (!asks()) return;
  AsyncStream subject = Begin();
  Asked(subject).Reset(http2::ErrorCode::kInternalError);
  EXPECT_NE(Decided(*subject.stream), "waits");
  EXPECT_NE(Outcome(*subject.stream), "passed");
}

TEST_P(AsyncFiltersTest, StreamsEndInEveryPhaseOfAnAnsweredWait) {
  if (!asks()) return;
  testing::EndInEveryPhase(
      [this] {
        AsyncStream made = Make();
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          GetParam().answer(asked);
        };
        made.stream->SendRequest(true);
        return made;
      },
      [](FilterHarness& stream) { return Outcome(stream) != "waits"; }, GetParam().outlive);
}

TEST_P(AsyncFiltersTest, StreamsEndInEveryPhaseOfAWaitWithoutEnd) {
  // Turns until the question has come, and some more.
  constexpr int kPhases = 15;
  int phases = 0;
  testing::EndInEveryPhase([this] { return Begin(); },
                           [&phases](FilterHarness& stream) {
                             EXPECT_EQ(Outcome(stream), "waits");
                             return ++phases % kPhases == 0;
                           },
                           GetParam().outlive);
}

INSTANTIATE_TEST_SUITE_P(Filters, AsyncFiltersTest, ::testing::ValuesIn(Subjects()),
                         [](const auto& subject) { return subject.param.name; });

}  // namespace
}  // namespace proxenos::filters
