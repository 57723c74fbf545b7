// Compiles which credential goes where.
#include "source/filters/http/credential_injector/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/extensions/filters/http/credential_injector/v3/credential_injector.pb.h"
#include "envoy/extensions/http/injected_credentials/generic/v3/generic.pb.h"
#include "envoy/extensions/http/injected_credentials/oauth2/v3/oauth2.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/credential_injector/filter.h"
#include "source/http/chars.h"
#include "source/rpc/service_config.h"
#include "source/tls/secret_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::credential_injector {
namespace {

using Proto = envoy::extensions::filters::http::credential_injector::v3::CredentialInjector;
using OAuth2 = envoy::extensions::http::injected_credentials::oauth2::v3::OAuth2;
using Generic = envoy::extensions::http::injected_credentials::generic::v3::Generic;

// By whether it stands before a cluster's hosts (FilterFactory::upstream).
constexpr stats::ScopeShape kScope[] = {
    {"http.$.credential_injector.",
     "http.credential_injector.",
     {"envoy.http_conn_manager_prefix"}},
    {"cluster.$.credential_injector.", "cluster.credential_injector.", {"envoy.cluster_name"}}};

constexpr stats::ScopeShape kTokenScope[] = {{"http.$.credential_injector.oauth2.",
                                              "http.credential_injector.oauth2.",
                                              {"envoy.http_conn_manager_prefix"}},
                                             {"cluster.$.credential_injector.oauth2.",
                                              "cluster.credential_injector.oauth2.",
                                              {"envoy.cluster_name"}}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    auto& part = static_cast<CredentialInjectorPart&>(*stream.worker_part(*this));
    return std::make_unique<CredentialInjector>(settings_, part, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<CredentialInjectorPart>(settings_.client.get());
    part->stats =
        registry.Open<CredentialInjectorStats>(stats::ScopeName(kScope[upstream], {stat_prefix}));
    if (settings_.client != nullptr) {
      part->token_stats =
          registry.Open<TokenStats>(stats::ScopeName(kTokenScope[upstream], {stat_prefix}));
    }
    return part;
  }

 private:
  const Settings settings_;
};

void CompileGeneric(const Generic& proto, const config::Path& path, config::Errors& errors,
                    Settings& settings) {
  settings.secret = tls::SecretCells::OfProcess().Name(
      tls::NameSecret(proto.credential(), tls::SecretKind::kGeneric));
  if (!proto.header().empty()) settings.header = absl::AsciiStrToLower(proto.header());
  if (settings.header[0] == ':' || settings.header == "host") {
    errors.AddValue(path.Field("header"), proto.header(), "a header that may be changed");
  }
  settings.prefix = proto.header_value_prefix();
  if (!std::all_of(settings.prefix.begin(), settings.prefix.end(), http::IsValueChar)) {
    errors.Add(path.Field("header_value_prefix"), "has characters that no header may have");
  }
}

void CompileOAuth2(const OAuth2& proto, const config::Path& path, config::Errors& errors,
                   Settings& settings) {
  ClientCredentials client;
  const config::Path endpoint = path.Field("token_endpoint");
  client.endpoint = rpc::CompileHttpUri(proto.token_endpoint(), endpoint, errors);
  client.client_id = proto.client_credentials().client_id();
  client.secret = tls::SecretCells::OfProcess().Name(
      tls::NameSecret(proto.client_credentials().client_secret(), tls::SecretKind::kGeneric));
  client.in_body = proto.client_credentials().auth_type() == OAuth2::URL_ENCODED_BODY;
  if (!proto.scopes().empty()) {
    absl::StrAppend(&client.form, "&scope=", FormEncoded(absl::StrJoin(proto.scopes(), " ")));
  }
  for (const OAuth2::EndpointParameter& one : proto.endpoint_params()) {
    absl::StrAppend(&client.form, "&", FormEncoded(one.name()), "=", FormEncoded(one.value()));
  }
  if (proto.has_token_fetch_retry_interval()) {
    client.retry_interval = upstream::CompileDuration(proto.token_fetch_retry_interval(), errors,
                                                      path.Field("token_fetch_retry_interval"));
  }
  settings.prefix = "Bearer ";
  settings.client = std::make_unique<const ClientCredentials>(std::move(client));
}

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateCredentialInjector(const google::protobuf::Any& config,
                                                                const config::Path& path,
                                                                config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings;
  settings.overwrite = proto.overwrite();
  settings.allow_without = proto.allow_request_without_credential();
  const google::protobuf::Any& credential = proto.credential().typed_config();
  const config::Path at = path.Field("credential").Field("typed_config");
  if (config::TypedConfigType(credential) == OAuth2::descriptor()->full_name()) {
    OAuth2 oauth2;
    if (!config::UnpackTypedConfigTo(credential, oauth2, at, errors)) return nullptr;
    CompileOAuth2(oauth2, at, errors, settings);
  } else {
    Generic generic;
    if (!config::UnpackTypedConfigTo(credential, generic, at, errors)) return nullptr;
    CompileGeneric(generic, at, errors, settings);
  }
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::credential_injector
