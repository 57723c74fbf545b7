// Forms, answers, and when to ask again.
#include "source/filters/http/credential_injector/token_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/http/chars.h"
#include "source/http/percent.h"
#include "source/json/parse.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filters::credential_injector {
namespace {

// An answer with a token is small; what is larger is something else.
constexpr uint64_t kMaxAnswerBytes = 64 * 1024;
// Some thirty years: more would be a mistake, and could overflow.
constexpr int64_t kLongestLifetime = 1'000'000'000;
// A server that says less would be asked without end.
constexpr base::Nanos kShortestWait = base::kSecond;

// Some servers write the number as a text.
int64_t SecondsOf(const json::Object& object) {
  const auto found = object.find("expires_in");
  if (found == object.end()) return 0;
  int64_t seconds = 0;
  if (const std::string* text = found->second.text()) {
    return absl::SimpleAtoi(*text, &seconds) ? seconds : 0;
  }
  const std::optional<double> number = found->second.number();
  if (!number.has_value() || !(*number >= 1)) return 0;
  return *number >= static_cast<double>(kLongestLifetime) ? kLongestLifetime
                                                          : static_cast<int64_t>(*number);
}

}  // namespace

std::string FormEncoded(absl::string_view text) {
  return http::PercentEncoded(text, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("-._~").find(c) != absl::string_view::npos;
  });
}

Grant ParseGrant(absl::string_view body) {
  Grant grant;
  const std::optional<json::Object> object = json::ParseObject(body);
  if (!object.has_value()) return grant;
  const absl::string_view token = json::FindText(*object, "access_token");
  const int64_t seconds = std::min(SecondsOf(*object), kLongestLifetime);
  // It is put into a field as it is: it must not end it.
  if (seconds <= 0 || !std::all_of(token.begin(), token.end(), http::IsValueChar)) return grant;
  grant.token = std::string(token);
  grant.lifetime = seconds * base::kSecond;
  return grant;
}

TokenSource::TokenSource(const ClientCredentials& config, const filter::Environment& environment,
                         TokenStats& stats)
    : config_(config),
      environment_(environment),
      stats_(stats),
      again_(environment.loop.timers(), [this] { Fetch(); }) {
  Fetch();
}

absl::string_view TokenSource::token() const {
  return environment_.loop.now() < expires_ ? absl::string_view(token_) : absl::string_view();
}

void TokenSource::FetchIn(base::Nanos wait) { again_.ArmIn(std::max(wait, kShortestWait)); }

void TokenSource::TryAgain(Failed why) {
  (stats_.*why).Inc();
  FetchIn(config_.retry_interval);
}

void TokenSource::Fetch() {
  const std::shared_ptr<const tls::GenericValues> secret = config_.secret->Get();
  if (secret == nullptr || secret->value.empty()) {
    return TryAgain(&TokenStats::token_fetch_failed_on_client_secret);
  }
  base::Rc<upstream::WorkerCluster> cluster = environment_.clusters.Find(config_.endpoint.cluster);
  if (!cluster) return TryAgain(&TokenStats::token_fetch_failed_on_cluster_not_found);
  stats_.token_requested.Inc();
  call_ = std::make_unique<rpc::HttpCall>(
      std::move(cluster), rpc::HttpCall::Limits{config_.endpoint.timeout, kMaxAnswerBytes},
      [this] { OnAnswer(); });
  http::RequestHead& head = call_->request();
  head.method_text = "POST";
  head.path = config_.endpoint.path;
  head.authority = config_.endpoint.authority;
  head.headers.Set(http::HeaderId::kContentType, "application/x-www-form-urlencoded");
  head.headers.Set(http::HeaderId::kAccept, "application/json");
  std::string form = "grant_type=client_credentials";
  if (config_.in_body) {
    absl::StrAppend(&form, "&client_id=", FormEncoded(config_.client_id),
                    "&client_secret=", FormEncoded(secret->value));
  } else {
    const std::string who = absl::Base64Escape(absl::StrCat(config_.client_id, ":", secret->value));
    head.headers.Set(http::HeaderId::kAuthorization,
                     call_->arena().Copy(absl::StrCat("Basic ", who)));
  }
  form += config_.form;
  buffer::Buffer body;
  body.Append(absl::string_view(form));
  call_->Start(std::move(body));
}

void TokenSource::OnAnswer() {
  const std::unique_ptr<rpc::HttpCall> call = std::move(call_);
  if (const Failed why = Take(*call)) return TryAgain(why);
  stats_.token_fetched.Inc();
}

TokenSource::Failed TokenSource::Take(rpc::HttpCall& call) {
  if (call.end() != rpc::HttpCall::End::kAnswer) {
    return &TokenStats::token_fetch_failed_on_stream_reset;
  }
  if (call.response().status != 200) return &TokenStats::token_fetch_failed_on_bad_response_code;
  Grant grant = ParseGrant(call.body().ToString());
  if (grant.token.empty()) return &TokenStats::token_fetch_failed_on_bad_token;
  token_ = std::move(grant.token);
  expires_ = environment_.loop.now() + grant.lifetime;
  FetchIn(grant.lifetime / 2);
  return nullptr;
}

}  // namespace proxenos::filters::credential_injector
