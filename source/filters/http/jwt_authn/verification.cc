// The tree of requirements, and one token.
#include "source/filters/http/jwt_authn/verification.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "source/filter/header_change.h"

namespace proxenos::filters::jwt_authn {
namespace {

constexpr absl::string_view kSpace = "envoy.filters.http.jwt_authn";

// How much a failure says of a token: nothing when there was none, little when it is another
// issuer's.
int WeightOf(Failure failure) {
  if (failure == Failure::kMissing) return 0;
  return failure == Failure::kUnknownIssuer ? 1 : 2;
}

// Audiences are compared without scheme and final slash.
absl::string_view Bare(absl::string_view audience) {
  if (!absl::ConsumePrefix(&audience, "https://")) absl::ConsumePrefix(&audience, "http://");
  absl::ConsumeSuffix(&audience, "/");
  return audience;
}

bool AnyAllowed(const std::vector<std::string>& allowed, const std::vector<std::string>& told) {
  for (const std::string& one : told) {
    for (const std::string& other : allowed) {
      if (Bare(one) == Bare(other)) return true;
    }
  }
  return allowed.empty();
}

std::string HeaderText(const json::Value& claim) {
  if (claim.text() != nullptr) return *claim.text();
  const std::string text = json::ToJson(claim);
  // What has a structure would not survive as the value of a field.
  return claim.list() != nullptr || claim.object() != nullptr ? absl::Base64Escape(text) : text;
}

}  // namespace

Verification::Verification(const Settings& settings, const Requirement& requirement, JwtPart& part,
                           filter::StreamContext& stream, absl::AnyInvocable<void()> on_keys)
    : settings_(settings),
      requirement_(requirement),
      part_(part),
      stream_(stream),
      on_keys_(std::move(on_keys)) {}

void Verification::OnKeys() {
  fetched_.push_back(awaited_);
  on_keys_();
}

Verification::Result Verification::Run() {
  accepted_.clear();
  return Check(requirement_);
}

Verification::Result Verification::Check(const Requirement& requirement) {
  switch (requirement.kind) {
    case Requirement::Kind::kProvider:
      return CheckProvider(*requirement.provider,
                           requirement.audiences.value_or(requirement.provider->audiences));
    case Requirement::Kind::kAny:
      return CheckAny(requirement.children);
    case Requirement::Kind::kAll:
      for (const Requirement& child : requirement.children) {
        const Result result = Check(child);
        if (result != Failure::kNone) return result;
      }
      return Failure::kNone;
    case Requirement::Kind::kAllowMissing:
      return CheckWhatThereIs(/*failures_pass=*/false);
    case Requirement::Kind::kAllowMissingOrFailed:
      return CheckWhatThereIs(/*failures_pass=*/true);
  }
  return Failure::kMissing;
}

Verification::Result Verification::CheckAny(const std::vector<Requirement>& children) {
  bool missing_passes = false, failed_passes = false;
  Failure said = Failure::kMissing;
  for (const Requirement& child : children) {
    missing_passes |= child.kind == Requirement::Kind::kAllowMissing;
    failed_passes |= child.kind == Requirement::Kind::kAllowMissingOrFailed;
    if (child.kind == Requirement::Kind::kAllowMissing ||
        child.kind == Requirement::Kind::kAllowMissingOrFailed) {
      continue;
    }
    const size_t before = accepted_.size();
    const Result result = Check(child);
    if (!result.has_value() || *result == Failure::kNone) return result;
    accepted_.resize(before);
    if (WeightOf(*result) >= WeightOf(said)) said = *result;
  }
  // A token of an issuer that nobody knows is there, and the origin might believe it.
  if (failed_passes || (missing_passes && said == Failure::kMissing)) return Failure::kNone;
  return said;
}

// All tokens must be good: which one the origin looks at is not ours to know.
Verification::Result Verification::CheckProvider(const Provider& provider,
                                                 const std::vector<std::string>& audiences) {
  const std::vector<Found> tokens = FindTokens(provider.places, stream_.request);
  if (tokens.empty()) return Failure::kMissing;
  for (const Found& found : tokens) {
    const Result result = CheckToken(provider, audiences, found);
    if (result != Failure::kNone) return result;
  }
  return Failure::kNone;
}

const Provider* Verification::ProviderOf(const Token& token, const Place& place) const {
  for (const auto& provider : settings_.providers) {
    const auto& places = provider->places;
    if ((provider->issuer.empty() || provider->issuer == token.issuer) &&
        std::find(places.begin(), places.end(), place) != places.end()) {
      return provider.get();
    }
  }
  return nullptr;
}

Verification::Result Verification::CheckWhatThereIs(bool failures_pass) {
  std::vector<Place> places;
  for (const auto& provider : settings_.providers) {
    for (const Place& place : provider->places) {
      if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
    }
  }
  for (const Found& found : FindTokens(places, stream_.request)) {
    Token token;
    Failure failure = ParseToken(found.text, &token);
    const Provider* provider = nullptr;
    if (failure == Failure::kNone) {
      provider = ProviderOf(token, *found.place);
      if (provider == nullptr) {
        if (failures_pass) continue;
        return Failure::kUnknownIssuer;
      }
      // `places` ends with this call; the provider's own place is the same.
      const auto own = std::find(provider->places.begin(), provider->places.end(), *found.place);
      const Result result = CheckToken(*provider, provider->audiences, {&*own, found.text});
      if (!result.has_value()) return result;
      failure = *result;
    }
    if (failure != Failure::kNone && !failures_pass) return failure;
  }
  return Failure::kNone;
}

Failure Verification::CheckClaims(const Provider& provider,
                                  const std::vector<std::string>& audiences,
                                  const Token& token) const {
  const int64_t now_s = stream_.environment.loop.wall_now() / 1'000'000;
  if (!provider.issuer.empty() && provider.issuer != token.issuer) return Failure::kUnknownIssuer;
  if (provider.subjects.has_value() && !provider.subjects->Matches(token.subject)) {
    return Failure::kSubject;
  }
  const bool bounded = provider.require_expiration || provider.max_lifetime_s.has_value();
  if (bounded && !token.expires.has_value()) return Failure::kNoExpiration;
  if (provider.max_lifetime_s.has_value() && *token.expires - now_s > *provider.max_lifetime_s) {
    return Failure::kLifetime;
  }
  const Failure time = CheckTime(token, now_s, provider.skew_s);
  if (time != Failure::kNone) return time;
  return AnyAllowed(audiences, token.audiences) ? Failure::kNone : Failure::kAudience;
}

Verification::Result Verification::CheckSignature(const Provider& provider, const Token& token) {
  if (!provider.remote.has_value()) {
    return provider.local == nullptr ? provider.local_failure : provider.local->Verify(token);
  }
  JwksSource& source = *part_.of(provider).source;
  const KeySet* keys = source.keys();
  if (keys != nullptr) return keys->Verify(token);
  if (std::find(fetched_.begin(), fetched_.end(), &provider) != fetched_.end()) {
    return Failure::kFetch;
  }
  awaited_ = &provider;
  source.Await(*this);
  return std::nullopt;
}

Verification::Result Verification::CheckToken(const Provider& provider,
                                              const std::vector<std::string>& audiences,
                                              const Found& found) {
  JwtPart::Keys& keys = part_.of(provider);
  const uint64_t version = keys.source == nullptr ? 0 : keys.source->version();
  // Keys that are too old are no reason to believe what they verified.
  const bool fresh = keys.source == nullptr || keys.source->keys() != nullptr;
  if (keys.verified.enabled() && fresh) {
    if (auto token = keys.verified.Find(found.text, version)) {
      part_.stats().jwt_cache_hit.Inc();
      const Failure failure = CheckClaims(provider, audiences, *token);
      if (failure == Failure::kNone) accepted_.push_back({&provider, found.place, token});
      if (failure == Failure::kExpired) keys.verified.Remove(found.text);
      return failure;
    }
    part_.stats().jwt_cache_miss.Inc();
  }
  Token parsed;
  Failure failure = ParseToken(found.text, &parsed);
  if (failure == Failure::kNone) failure = CheckClaims(provider, audiences, parsed);
  if (failure != Failure::kNone) return failure;
  const Result result = CheckSignature(provider, parsed);
  if (result != Failure::kNone) return result;
  auto token = std::make_shared<const Token>(std::move(parsed));
  accepted_.push_back({&provider, found.place, token});
  if (keys.verified.enabled() && fresh) keys.verified.Insert(found.text, std::move(token));
  return Failure::kNone;
}

void Verification::Apply() {
  bool reroute = false;
  for (const Accepted& accepted : accepted_) {
    AddHeaders(accepted);
    KeepMetadata(accepted);
    reroute |=
        accepted.provider->clear_route_cache &&
        (!accepted.provider->claims.empty() || !accepted.provider->payload_in_metadata.empty());
  }
  // Removal comes last: two providers may have accepted the same token.
  for (const Accepted& accepted : accepted_) {
    if (!accepted.provider->forward) RemoveToken(*accepted.place, stream_.request);
  }
  if (reroute) stream_.Reroute();
}

void Verification::AddHeaders(const Accepted& accepted) {
  using How = filter::HeaderChange::How;
  const Provider& provider = *accepted.provider;
  if (!provider.forward_payload_header.empty()) {
    std::string payload = accepted.token->payload_base64;
    while (provider.pad_payload && payload.size() % 4 != 0) payload += '=';
    filter::Apply({How::kAdd, provider.forward_payload_header, std::move(payload)},
                  stream_.request);
  }
  for (const Provider::ClaimHeader& claim : provider.claims) {
    const json::Value* value = json::FindPath(accepted.token->payload, claim.claim);
    if (value == nullptr || value->is_null()) continue;
    filter::Apply({How::kAdd, claim.header, HeaderText(*value)}, stream_.request);
  }
}

void Verification::KeepMetadata(const Accepted& accepted) {
  const Provider& provider = *accepted.provider;
  if (!provider.payload_in_metadata.empty()) {
    json::Object payload = accepted.token->payload;
    for (const std::string& claim : provider.space_delimited_claims) {
      const auto it = payload.find(claim);
      if (it == payload.end() || it->second.text() == nullptr) continue;
      json::List words;
      for (const absl::string_view word :
           absl::StrSplit(*it->second.text(), ' ', absl::SkipEmpty())) {
        words.emplace_back(std::string(word));
      }
      it->second = json::Value(std::move(words));
    }
    stream_.info.metadata.Set(kSpace, provider.payload_in_metadata,
                              json::Value(std::move(payload)));
  }
  if (!provider.header_in_metadata.empty()) {
    stream_.info.metadata.Set(kSpace, provider.header_in_metadata,
                              json::Value(accepted.token->header));
  }
}

}  // namespace proxenos::filters::jwt_authn
