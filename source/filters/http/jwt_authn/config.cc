// Compiles the configuration of token verification.
#include "source/filters/http/jwt_authn/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "envoy/extensions/filters/http/jwt_authn/v3/config.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filter/stream_condition_config.h"
#include "source/filters/http/jwt_authn/filter.h"
#include "source/filters/http/jwt_authn/settings.h"
#include "source/match/match_config.h"
#include "source/route/route_config.h"
#include "source/rpc/service_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::jwt_authn {
namespace {

namespace v3 = envoy::extensions::filters::http::jwt_authn::v3;

constexpr stats::ScopeShape kScope{
    "http.$.jwt_authn.", "http.jwt_authn.", {"envoy.http_conn_manager_prefix"}};
constexpr stats::ScopeShape kNamedScope{
    "http.$.jwt_authn.$.",
    "http.jwt_authn.",
    {"envoy.http_conn_manager_prefix", "envoy.jwt_authn_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<JwtAuthn>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<JwtPart>(
        settings_, registry.Open<JwtAuthnStats>(
                       stat_prefix_.empty()
                           ? stats::ScopeName(kScope, {stat_prefix})
                           : stats::ScopeName(kNamedScope, {stat_prefix, absl::StripSuffix(
                                                                             stat_prefix_, ".")})));
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

class Compiler {
 public:
  Compiler(const v3::JwtAuthentication& proto, const config::Path& path, config::Errors& errors)
      : proto_(proto), path_(path), errors_(errors) {}

  Settings Compile() {
    std::vector<std::string> names;  // In order, so that indices and errors come in one.
    for (const auto& [name, provider] : proto_.providers()) names.push_back(name);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) AddProvider(name);
    for (const auto& [name, requirement] : proto_.requirement_map()) {
      settings_.named[name] =
          Shared(CompileRequirement(requirement, path_.Field("requirement_map").Key(name), 0));
    }
    for (int i = 0; i < proto_.rules_size(); ++i) {
      AddRule(proto_.rules(i), path_.Field("rules").Index(static_cast<size_t>(i)));
    }
    settings_.state_name = proto_.filter_state_rules().name();
    for (const auto& [state, requirement] : proto_.filter_state_rules().requires_()) {
      settings_.by_state[state] = Shared(CompileRequirement(
          requirement, path_.Field("filter_state_rules").Field("requires").Key(state), 0));
    }
    settings_.bypass_cors_preflight = proto_.bypass_cors_preflight();
    settings_.strip_failure_response = proto_.strip_failure_response();
    return std::move(settings_);
  }

 private:
  // Requirements contain requirements: a configuration may come from a peer.
  static constexpr int kMaxDepth = 32;

  static std::shared_ptr<const Requirement> Shared(Requirement requirement) {
    return std::make_shared<const Requirement>(std::move(requirement));
  }

  void AddRule(const v3::RequirementRule& proto, const config::Path& path) {
    Rule rule{route::CompileRequestMatcher(proto.match(), errors_, path.Field("match"),
                                           filter::CompileStreamConditions),
              nullptr};
    if (proto.has_requires()) {
      rule.requirement = Shared(CompileRequirement(proto.requires_(), path.Field("requires"), 0));
    } else if (!proto.requirement_name().empty()) {
      const auto named = settings_.named.find(proto.requirement_name());
      if (named == settings_.named.end()) {
        errors_.AddValue(path.Field("requirement_name"), proto.requirement_name(),
                         "a name of requirement_map");
      } else {
        rule.requirement = named->second;
      }
    }
    settings_.rules.push_back(std::move(rule));
  }

  const Provider* FindProvider(const std::string& name, const config::Path& path) {
    for (const auto& provider : settings_.providers) {
      if (provider->name == name) return provider.get();
    }
    errors_.AddValue(path, name, "the name of a provider");
    return nullptr;
  }

  Requirement CompileRequirement(const v3::JwtRequirement& proto, const config::Path& path,
                                 int depth) {
    Requirement requirement;
    using Kind = Requirement::Kind;
    if (depth > kMaxDepth) {
      errors_.Add(path,
                  absl::StrCat("expected at most ", kMaxDepth, " requirements in each other"));
      return requirement;
    }
    const auto compile_children = [&](const auto& list, const config::Path& at) {
      for (int i = 0; i < list.requirements_size(); ++i) {
        requirement.children.push_back(
            CompileRequirement(list.requirements(i),
                               at.Field("requirements").Index(static_cast<size_t>(i)), depth + 1));
      }
    };
    switch (proto.requires_type_case()) {
      case v3::JwtRequirement::kProviderName:
        requirement.provider = FindProvider(proto.provider_name(), path.Field("provider_name"));
        break;
      case v3::JwtRequirement::kProviderAndAudiences: {
        const auto& both = proto.provider_and_audiences();
        requirement.provider =
            FindProvider(both.provider_name(), path.Field("provider_and_audiences"));
        requirement.audiences.emplace(both.audiences().begin(), both.audiences().end());
        break;
      }
      case v3::JwtRequirement::kRequiresAny:
        requirement.kind = Kind::kAny;
        compile_children(proto.requires_any(), path.Field("requires_any"));
        break;
      case v3::JwtRequirement::kRequiresAll:
        requirement.kind = Kind::kAll;
        compile_children(proto.requires_all(), path.Field("requires_all"));
        break;
      case v3::JwtRequirement::kAllowMissing:
        requirement.kind = Kind::kAllowMissing;
        break;
      case v3::JwtRequirement::kAllowMissingOrFailed:
        requirement.kind = Kind::kAllowMissingOrFailed;
        break;
      default:  // Nothing is required: whatever comes passes.
        requirement.kind = Kind::kAll;
        break;
    }
    return requirement;
  }

  RemoteKeys CompileRemote(const v3::RemoteJwks& proto, const config::Path& path) {
    RemoteKeys remote;
    remote.service = rpc::CompileHttpUri(proto.http_uri(), path.Field("http_uri"), errors_);
    if (proto.has_cache_duration()) {
      remote.cache_duration =
          upstream::CompileDuration(proto.cache_duration(), errors_, path.Field("cache_duration"));
    }
    remote.async = proto.has_async_fetch();
    if (proto.async_fetch().has_failed_refetch_duration()) {
      remote.failed_refetch =
          upstream::CompileDuration(proto.async_fetch().failed_refetch_duration(), errors_,
                                    path.Field("async_fetch").Field("failed_refetch_duration"));
    }
    const auto& retry = proto.retry_policy();
    const config::Path at = path.Field("retry_policy").Field("retry_back_off");
    if (proto.has_retry_policy()) {
      remote.retries = retry.has_num_retries() ? retry.num_retries().value() : 1;
    }
    if (retry.retry_back_off().has_base_interval()) {
      remote.back_off = upstream::CompileDuration(retry.retry_back_off().base_interval(), errors_,
                                                  at.Field("base_interval"));
      remote.back_off_max = 10 * remote.back_off;
    }
    if (retry.retry_back_off().has_max_interval()) {
      remote.back_off_max = upstream::CompileDuration(retry.retry_back_off().max_interval(),
                                                      errors_, at.Field("max_interval"));
    }
    return remote;
  }

  static std::vector<Place> CompilePlaces(const v3::JwtProvider& proto) {
    std::vector<Place> places;
    for (const auto& header : proto.from_headers()) {
      places.push_back(
          {Place::Kind::kHeader, absl::AsciiStrToLower(header.name()), header.value_prefix()});
    }
    for (const std::string& name : proto.from_params()) {
      places.push_back({Place::Kind::kParameter, name, ""});
    }
    for (const std::string& name : proto.from_cookies()) {
      places.push_back({Place::Kind::kCookie, name, ""});
    }
    if (!places.empty()) return places;
    return {{Place::Kind::kHeader, "authorization", "Bearer "},
            {Place::Kind::kParameter, "access_token", ""}};
  }

  void CompileClaims(const v3::JwtProvider& proto, const config::Path& path, Provider& provider) {
    for (int i = 0; i < proto.claim_to_headers_size(); ++i) {
      const auto& claim = proto.claim_to_headers(i);
      Provider::ClaimHeader compiled{absl::AsciiStrToLower(claim.header_name()), {}};
      for (const auto& segment : claim.claim_path()) compiled.claim.push_back(segment.key());
      if (compiled.claim.empty() == claim.claim_name().empty()) {
        errors_.Add(path.Index(static_cast<size_t>(i)), "expected either claim_name or claim_path");
      }
      if (compiled.claim.empty()) compiled.claim = absl::StrSplit(claim.claim_name(), '.');
      provider.claims.push_back(std::move(compiled));
    }
  }

  void CompileKeys(const v3::JwtProvider& proto, const config::Path& path, Provider& provider) {
    if (proto.has_remote_jwks()) {
      provider.remote = CompileRemote(proto.remote_jwks(), path.Field("remote_jwks"));
    } else if (proto.has_local_jwks()) {
      const config::Path at = path.Field("local_jwks");
      const auto text = config::ReadDataSource(proto.local_jwks(), at, errors_);
      if (text.has_value()) provider.local = KeySet::Parse(*text, &provider.local_failure);
      // As in Envoy, without a text the requests fail that need a key.
      if (provider.local == nullptr && text.has_value() && !text->empty()) {
        const absl::string_view why = TextOf(provider.local_failure);
        errors_.Add(at, std::string(why));
      }
    } else {
      errors_.Add(path, "expected remote_jwks or local_jwks");
    }
  }

  void AddProvider(const std::string& name) {
    const v3::JwtProvider& proto = proto_.providers().at(name);
    const config::Path path = path_.Field("providers").Key(name);
    auto provider = std::make_unique<Provider>();
    provider->name = name;
    provider->index = static_cast<uint32_t>(settings_.providers.size());
    provider->issuer = proto.issuer();
    provider->audiences.assign(proto.audiences().begin(), proto.audiences().end());
    if (proto.has_subjects()) {
      provider->subjects =
          match::CompileStringMatcher(proto.subjects(), errors_, path.Field("subjects"));
    }
    provider->require_expiration = proto.require_expiration();
    if (proto.has_max_lifetime()) provider->max_lifetime_s = proto.max_lifetime().seconds();
    if (proto.clock_skew_seconds() != 0) provider->skew_s = proto.clock_skew_seconds();
    provider->places = CompilePlaces(proto);
    CompileKeys(proto, path, *provider);
    provider->forward = proto.forward();
    provider->forward_payload_header = absl::AsciiStrToLower(proto.forward_payload_header());
    provider->pad_payload = proto.pad_forward_payload_header();
    CompileClaims(proto, path.Field("claim_to_headers"), *provider);
    provider->payload_in_metadata = proto.payload_in_metadata();
    provider->header_in_metadata = proto.header_in_metadata();
    const auto& claims = proto.normalize_payload_in_metadata().space_delimited_claims();
    provider->space_delimited_claims.assign(claims.begin(), claims.end());
    provider->clear_route_cache = proto.clear_route_cache();
    if (proto.has_jwt_cache_config()) {
      const auto& cache = proto.jwt_cache_config();
      provider->cached_tokens = cache.jwt_cache_size() == 0 ? 100 : cache.jwt_cache_size();
      if (cache.jwt_max_token_size() != 0) {
        provider->max_cached_token_bytes = cache.jwt_max_token_size();
      }
    }
    settings_.providers.push_back(std::move(provider));
  }

  const v3::JwtAuthentication& proto_;
  const config::Path& path_;
  config::Errors& errors_;
  Settings settings_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::PerRouteConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const RouteSettings>(
      RouteSettings{proto.disabled(), proto.requirement_name()});
}

}  // namespace

const route::OverrideKind kJwtAuthnOverride{
    "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateJwtAuthn(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors) {
  v3::JwtAuthentication proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = Compiler(proto, path, errors).Compile();
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::jwt_authn
