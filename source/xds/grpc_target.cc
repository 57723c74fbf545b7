// GrpcService to GrpcTarget.
#include "source/xds/grpc_target.h"

#include <arpa/inet.h>

#include <optional>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/config/data_source.h"

namespace proxenos::xds {
namespace {

using envoy::config::core::v3::DataSource;
using envoy::config::core::v3::GrpcService;
using envoy::config::core::v3::HeaderValue;
using envoy::config::core::v3::RetryPolicy;

// gRPC takes no more for one message.
constexpr uint32_t kLargestMessage = INT32_MAX;

base::Nanos NanosOf(const google::protobuf::Duration& duration) {
  return duration.seconds() * base::kSecond + duration.nanos();
}

// Nothing when it is not given.
std::string ReadGiven(bool given, const DataSource& source, const config::Path& path,
                      config::Errors& errors) {
  if (!given) return {};
  return config::ReadDataSource(source, path, errors).value_or("");
}

void CompileCredentials(const GrpcService::GoogleGrpc& service, const config::Path& path,
                        GrpcTarget& target, config::Errors& errors) {
  const auto& credentials = service.channel_credentials();
  const config::Path here = path.Field("channel_credentials");
  switch (credentials.credential_specifier_case()) {
    case GrpcService::GoogleGrpc::ChannelCredentials::CREDENTIAL_SPECIFIER_NOT_SET:
      return;
    case GrpcService::GoogleGrpc::ChannelCredentials::kSslCredentials: {
      const auto& ssl = credentials.ssl_credentials();
      const config::Path at = here.Field("ssl_credentials");
      target.tls = true;
      target.tls_roots =
          ReadGiven(ssl.has_root_certs(), ssl.root_certs(), at.Field("root_certs"), errors);
      target.tls_key =
          ReadGiven(ssl.has_private_key(), ssl.private_key(), at.Field("private_key"), errors);
      target.tls_chain =
          ReadGiven(ssl.has_cert_chain(), ssl.cert_chain(), at.Field("cert_chain"), errors);
      if (target.tls_key.empty() != target.tls_chain.empty()) {
        errors.Add(at, "private_key and cert_chain: both or none must be given");
      }
      return;
    }
    case GrpcService::GoogleGrpc::ChannelCredentials::kGoogleDefault:
      target.google_default = true;
      return;
    case GrpcService::GoogleGrpc::ChannelCredentials::kLocalCredentials:
      target.local = true;
      return;
  }
}

std::optional<CallCredential> CompileCallCredential(
    const GrpcService::GoogleGrpc::CallCredentials& proto) {
  using Proto = GrpcService::GoogleGrpc::CallCredentials;
  using Kind = CallCredential::Kind;
  switch (proto.credential_specifier_case()) {
    case Proto::kAccessToken:
      return CallCredential{Kind::kAccessToken, proto.access_token()};
    case Proto::kGoogleComputeEngine:
      return CallCredential{Kind::kComputeEngine};
    case Proto::kGoogleRefreshToken:
      return CallCredential{Kind::kRefreshToken, proto.google_refresh_token()};
    case Proto::kServiceAccountJwtAccess: {
      const auto& account = proto.service_account_jwt_access();
      return CallCredential{Kind::kServiceAccount, account.json_key(), "",
                            static_cast<int64_t>(account.token_lifetime_seconds())};
    }
    case Proto::kGoogleIam:
      return CallCredential{Kind::kIam, proto.google_iam().authorization_token(),
                            proto.google_iam().authority_selector()};
    default:
      return std::nullopt;
  }
}

void CompileCallCredentials(const GrpcService::GoogleGrpc& service, const config::Path& path,
                            GrpcTarget& target, config::Errors& errors) {
  const config::Path here = path.Field("call_credentials");
  for (int i = 0; i < service.call_credentials_size(); ++i) {
    std::optional<CallCredential> credential = CompileCallCredential(service.call_credentials(i));
    if (credential.has_value()) {
      target.call_credentials.push_back(*std::move(credential));
    } else {
      errors.Add(here.Index(i),
                 "expected one of access_token, google_compute_engine, google_refresh_token, "
                 "service_account_jwt_access and google_iam");
    }
  }
  // gRPC would fail each call instead.
  if (!target.call_credentials.empty() && !target.tls && !target.google_default && !target.local) {
    errors.Add(here, "need channel_credentials that encrypt");
  }
}

void CompileChannelArgs(const GrpcService::GoogleGrpc& service, const config::Path& path,
                        GrpcTarget& target, config::Errors& errors) {
  using Value = GrpcService::GoogleGrpc::ChannelArgs::Value;
  for (const auto& [name, value] : service.channel_args().args()) {
    const config::Path at = path.Field("channel_args").Field("args").Key(name);
    if (value.value_specifier_case() == Value::kStringValue) {
      target.channel_args.emplace_back(name, value.string_value());
    } else if (value.int_value() < INT32_MIN || value.int_value() > INT32_MAX) {
      errors.Add(at.Field("int_value"), "does not fit into 32 bits");
    } else {
      target.channel_args.emplace_back(name, static_cast<int>(value.int_value()));
    }
  }
}

// gRPC aborts the process on metadata that HTTP/2 does not allow, so nothing else may reach it.
bool ValidMetadata(const std::string& name, const std::string& value) {
  if (name.empty() || absl::StartsWith(name, "grpc-")) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')) {
      return false;
    }
  }
  if (absl::EndsWith(name, "-bin")) return true;
  for (const char c : value) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

void CompileMetadata(const GrpcService& service, const config::Path& path, GrpcTarget& target,
                     config::Errors& errors) {
  for (int i = 0; i < service.initial_metadata_size(); ++i) {
    const HeaderValue& header = service.initial_metadata(i);
    const std::string& value = header.raw_value().empty() ? header.value() : header.raw_value();
    const config::Path at = path.Field("initial_metadata").Index(i);
    if (!ValidMetadata(header.key(), value)) {
      errors.AddValue(at, header.key(), "a lower-case gRPC metadata name with a printable value");
    } else if (absl::StrContains(value, "%")) {
      errors.Add(at.Field("value"), "command operators are not implemented here by proxenos");
    } else {
      target.metadata.emplace_back(header.key(), value);
    }
  }
}

void CompileBackoff(const RetryPolicy& retry, const config::Path& path, GrpcTarget& target,
                    config::Errors& errors) {
  if (!retry.has_retry_back_off()) return;
  const auto& back_off = retry.retry_back_off();
  target.backoff_base = NanosOf(back_off.base_interval());
  // Envoy's default for the maximum: ten times the base.
  target.backoff_max =
      back_off.has_max_interval() ? NanosOf(back_off.max_interval()) : 10 * target.backoff_base;
  if (target.backoff_base <= 0 || target.backoff_max < target.backoff_base) {
    errors.Add(path.Field("retry_back_off"),
               "base_interval must be positive and max_interval at least as long");
  }
}

std::string UriOf(const std::string& address) {
  if (absl::StartsWith(address, "@")) return absl::StrCat("unix-abstract:", address.substr(1));
  if (absl::StartsWith(address, "/")) return absl::StrCat("unix:", address);
  if (absl::StartsWith(address, "[")) return absl::StrCat("ipv6:", address);
  const std::string host = address.substr(0, address.rfind(':'));
  in_addr numeric;
  return inet_pton(AF_INET, host.c_str(), &numeric) == 1 ? absl::StrCat("ipv4:", address)
                                                         : absl::StrCat("dns:///", address);
}

void CompileEnvoyGrpc(const GrpcService::EnvoyGrpc& service, ClusterAddresses cluster_addresses,
                      const config::Path& path, GrpcTarget& target, config::Errors& errors) {
  target.cluster = service.cluster_name();
  const FoundAddresses addresses = cluster_addresses(service.cluster_name());
  if (addresses.has_value()) {
    for (const std::string& address : *addresses) target.uris.push_back(UriOf(address));
  } else {
    errors.AddValue(path.Field("cluster_name"), service.cluster_name(),
                    "a cluster of static_resources");
  }
  // Envoy sends the cluster's name where no authority is given.
  target.authority = service.authority().empty() ? service.cluster_name() : service.authority();
  if (service.has_max_receive_message_length()) {
    target.max_message_bytes = service.max_receive_message_length().value();
    if (target.max_message_bytes == 0 || target.max_message_bytes > kLargestMessage) {
      errors.Add(path.Field("max_receive_message_length"), "must be from 1 to 2147483647");
    }
  }
  CompileBackoff(service.retry_policy(), path.Field("retry_policy"), target, errors);
}

}  // namespace

GrpcTarget CompileGrpcTarget(const GrpcService& service, ClusterAddresses cluster_addresses,
                             const config::Path& path, config::Errors& errors) {
  GrpcTarget target;
  switch (service.target_specifier_case()) {
    case GrpcService::kEnvoyGrpc:
      CompileEnvoyGrpc(service.envoy_grpc(), cluster_addresses, path.Field("envoy_grpc"), target,
                       errors);
      break;
    case GrpcService::kGoogleGrpc:
      target.uris.push_back(service.google_grpc().target_uri());
      if (target.uris.front().empty()) {
        errors.Add(path.Field("google_grpc").Field("target_uri"), "must not be empty");
      }
      CompileCredentials(service.google_grpc(), path.Field("google_grpc"), target, errors);
      CompileCallCredentials(service.google_grpc(), path.Field("google_grpc"), target, errors);
      CompileChannelArgs(service.google_grpc(), path.Field("google_grpc"), target, errors);
      break;
    case GrpcService::TARGET_SPECIFIER_NOT_SET:
      errors.Add(path, "one of envoy_grpc and google_grpc must be set");
      break;
  }
  CompileBackoff(service.retry_policy(), path.Field("retry_policy"), target, errors);
  CompileMetadata(service, path, target, errors);
  return target;
}

}  // namespace proxenos::xds
