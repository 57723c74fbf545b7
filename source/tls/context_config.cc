// DownstreamTlsContext and UpstreamTlsContext.
#include "source/tls/context_config.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/base/log.h"
#include "source/config/typed_config.h"
#include "source/tls/context_assembly.h"
#include "source/tls/secret_config.h"

namespace proxenos::tls {
namespace {

using config::Errors;
using config::Path;
using envoy::config::core::v3::TransportSocket;
namespace v3 = envoy::extensions::transport_sockets::tls::v3;

constexpr char kRawBuffer[] = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
constexpr char kRawBufferName[] = "envoy.transport_sockets.raw_buffer";
// RFC 7301, section 3.1: the length of a name is one byte, that of all of them two.
constexpr size_t kMaxProtocolBytes = 255;
constexpr size_t kMaxAllProtocolsBytes = 65535;

Version VersionOf(v3::TlsParameters::TlsProtocol protocol, Version automatic) {
  switch (protocol) {
    case v3::TlsParameters::TLSv1_0:
      return Version::kTls10;
    case v3::TlsParameters::TLSv1_1:
      return Version::kTls11;
    case v3::TlsParameters::TLSv1_2:
      return Version::kTls12;
    case v3::TlsParameters::TLSv1_3:
      return Version::kTls13;
    default:
      return automatic;
  }
}

Compliance PolicyOf(int policy) {
  switch (policy) {
    case v3::TlsParameters::FIPS_202205:
      return Compliance::kFips202205;
    case v3::TlsParameters::CNSA2_202603:
      return Compliance::kCnsa2;
    case v3::TlsParameters::CNSA1_202603:
      return Compliance::kCnsa1;
    default:
      return Compliance::kNone;
  }
}

SecretRef OfFiles(const v3::Secret& secret, SecretKind kind) {
  SecretRef ref;
  ref.from = SecretRef::From::kFiles;
  ref.kind = kind;
  ref.bytes = secret.SerializeAsString();
  return ref;
}

// CommonTlsContext into the options and secrets of either role.
class CommonCompiler {
 public:
  CommonCompiler(ContextOptions& options, ContextSecrets& secrets, Path path, Errors& errors)
      : options_(options), secrets_(secrets), path_(std::move(path)), errors_(errors) {}

  void Compile(const v3::CommonTlsContext& proto) {
    Parameters(proto.tls_params());
    Certificates(proto);
    ValidationOf(proto);
    Protocols(proto);
    KeyLogOf(proto.key_log());
  }

 private:
  void Parameters(const v3::TlsParameters& proto);
  void Certificates(const v3::CommonTlsContext& proto);
  void ValidationOf(const v3::CommonTlsContext& proto);
  void Inline(const v3::CertificateValidationContext& proto, const Path& path);
  void Protocols(const v3::CommonTlsContext& proto);
  void KeyLogOf(const v3::TlsKeyLog& proto);

  ContextOptions& options_;
  ContextSecrets& secrets_;
  const Path path_;
  Errors& errors_;
};

void CommonCompiler::Parameters(const v3::TlsParameters& proto) {
  const Path path = path_.Field("tls_params");
  options_.min_version = VersionOf(proto.tls_minimum_protocol_version(), Version::kTls12);
  options_.max_version = VersionOf(proto.tls_maximum_protocol_version(), Version::kTls13);
  if (options_.min_version > options_.max_version) {
    errors_.Add(path,
                "tls_minimum_protocol_version (TLSv1_2 unless set) is above "
                "tls_maximum_protocol_version: no handshake could succeed");
  }
  options_.cipher_suites = absl::StrJoin(proto.cipher_suites(), ":");
  options_.groups.assign(proto.ecdh_curves().begin(), proto.ecdh_curves().end());
  options_.signature_algorithms.assign(proto.signature_algorithms().begin(),
                                       proto.signature_algorithms().end());
  if (!proto.compliance_policies().empty()) {
    options_.compliance = PolicyOf(proto.compliance_policies(0));
  }
}

void CommonCompiler::Certificates(const v3::CommonTlsContext& proto) {
  if (proto.tls_certificates().empty()) {
    for (const v3::SdsSecretConfig& each : proto.tls_certificate_sds_secret_configs()) {
      secrets_.identities.push_back(NameSecret(each, SecretKind::kIdentity));
    }
    return;
  }
  if (!proto.tls_certificate_sds_secret_configs().empty()) {
    PX_LOG(kConfig, kWarn, options_.name,
           ": tls_certificate_sds_secret_configs have no effect beside tls_certificates");
  }
  const auto& all = proto.tls_certificates();
  // One that is watched makes secrets of all of them: the first is the default, so order counts.
  const bool watched = std::any_of(all.begin(), all.end(),
                                   [](const v3::TlsCertificate& each) { return IsWatched(each); });
  for (int i = 0; i < all.size(); ++i) {
    const Path at = path_.Field("tls_certificates").Index(static_cast<size_t>(i));
    std::optional<Identity> identity = CompileIdentity(all[i], at, errors_);
    if (!identity) continue;
    if (!watched) {
      options_.identities.push_back(*std::move(identity));
      continue;
    }
    errors_.AddLines(at, Prove(*std::move(identity)));
    v3::Secret wrapped;
    *wrapped.mutable_tls_certificate() = all[i];
    secrets_.identities.push_back(OfFiles(wrapped, SecretKind::kIdentity));
  }
}

void CommonCompiler::ValidationOf(const v3::CommonTlsContext& proto) {
  switch (proto.validation_context_type_case()) {
    case v3::CommonTlsContext::kValidationContext:
      return Inline(proto.validation_context(), path_.Field("validation_context"));
    case v3::CommonTlsContext::kValidationContextSdsSecretConfig:
      secrets_.validation =
          NameSecret(proto.validation_context_sds_secret_config(), SecretKind::kValidation);
      return;
    case v3::CommonTlsContext::kCombinedValidationContext: {
      const auto& combined = proto.combined_validation_context();
      secrets_.validation =
          NameSecret(combined.validation_context_sds_secret_config(), SecretKind::kValidation);
      auto validation = CompileValidation(
          combined.default_validation_context(),
          path_.Field("combined_validation_context").Field("default_validation_context"), errors_);
      if (validation) options_.validation = *std::move(validation);
      return;
    }
    default:
      return;  // None, or one that the table of fields has refused.
  }
}

void CommonCompiler::Inline(const v3::CertificateValidationContext& proto, const Path& path) {
  std::optional<Validation> validation = CompileValidation(proto, path, errors_);
  if (!validation) return;
  if (!IsWatched(proto)) {
    options_.validation = *std::move(validation);
    return;
  }
  errors_.AddLines(path, Prove(*std::move(validation)));
  v3::Secret wrapped;
  *wrapped.mutable_validation_context() = proto;
  secrets_.validation = OfFiles(wrapped, SecretKind::kValidation);
}

void CommonCompiler::Protocols(const v3::CommonTlsContext& proto) {
  size_t bytes = 0;
  for (int i = 0; i < proto.alpn_protocols_size(); ++i) {
    const std::string& name = proto.alpn_protocols(i);
    if (name.empty() || name.size() > kMaxProtocolBytes) {
      errors_.AddValue(path_.Field("alpn_protocols").Index(static_cast<size_t>(i)), name,
                       "a name of 1 to 255 bytes");
    }
    bytes += name.size() + 1;
    options_.alpn.push_back(name);
  }
  if (bytes > kMaxAllProtocolsBytes) {
    errors_.Add(path_.Field("alpn_protocols"), "are longer than an ALPN extension can be");
  }
}

void CommonCompiler::KeyLogOf(const v3::TlsKeyLog& proto) {
  options_.key_log.path = proto.path();
  const auto add = [](const auto& ranges, std::vector<KeyLogOptions::Range>& to) {
    for (const auto& each : ranges)
      to.emplace_back(each.address_prefix(), each.prefix_len().value());
  };
  add(proto.local_address_range(), options_.key_log.local);
  add(proto.remote_address_range(), options_.key_log.remote);
}

// Everything but the secrets, which are still to come.
absl::Status ProveParameters(const ContextOptions& common) {
  ClientOptions options;
  options.common = common;
  options.common.identities.clear();
  options.common.validation = Validation();
  // Nothing connects by this context, so nobody needs to be warned of what it would accept.
  options.common.validation.spki_pins = {std::string(32, '\0')};
  return ClientContext::Make(options).status();
}

// The templates of both roles end alike: proven now when nothing is awaited.
template <typename Template>
std::shared_ptr<const Template> Finish(Template made, const Path& path, size_t errors_before,
                                       Errors& errors) {
  if (errors.count() != errors_before) return nullptr;
  if (!made.secrets.empty()) {
    errors.AddLines(path, ProveParameters(made.options.common));
    if (errors.count() != errors_before) return nullptr;
  } else {
    auto context = Assemble(made, FoundSecrets());
    if (!context.ok()) {
      errors.AddLines(path, context.status());
      return nullptr;
    }
    made.context = *std::move(context);
    // It has the roots; a bundle of them is large, and clusters are many.
    if constexpr (std::is_same_v<Template, ClientTemplate>) {
      made.options.common.validation.trusted_ca_pem = std::string();
    }
  }
  return std::make_shared<const Template>(std::move(made));
}

void TicketKeysOf(const v3::DownstreamTlsContext& proto, ServerTemplate& made, const Path& path,
                  Errors& errors) {
  switch (proto.session_ticket_keys_type_case()) {
    case v3::DownstreamTlsContext::kSessionTicketKeys: {
      auto keys =
          CompileTicketKeys(proto.session_ticket_keys(), path.Field("session_ticket_keys"), errors);
      if (keys) made.options.ticket_keys = std::move(keys->keys);
      return;
    }
    case v3::DownstreamTlsContext::kSessionTicketKeysSdsSecretConfig:
      made.secrets.ticket_keys =
          NameSecret(proto.session_ticket_keys_sds_secret_config(), SecretKind::kTicketKeys);
      return;
    case v3::DownstreamTlsContext::kDisableStatelessSessionResumption:
      made.options.stateless_resumption = !proto.disable_stateless_session_resumption();
      return;
    case v3::DownstreamTlsContext::SESSION_TICKET_KEYS_TYPE_NOT_SET:
      return;
  }
}

OcspPolicy PolicyOf(v3::DownstreamTlsContext::OcspStaplePolicy policy) {
  switch (policy) {
    case v3::DownstreamTlsContext::STRICT_STAPLING:
      return OcspPolicy::kStrictStapling;
    case v3::DownstreamTlsContext::MUST_STAPLE:
      return OcspPolicy::kMustStaple;
    default:
      return OcspPolicy::kLenientStapling;
  }
}

// What the templates of both roles begin with.
template <typename Template, typename Proto>
Template Begin(const Proto& proto, const std::string& name, const Path& path, Errors& errors) {
  Template made;
  made.options.common.name = name;
  CommonCompiler(made.options.common, made.secrets, path.Field("common_tls_context"), errors)
      .Compile(proto.common_tls_context());
  return made;
}

std::shared_ptr<const ServerTemplate> CompileServer(const v3::DownstreamTlsContext& proto,
                                                    const std::string& name, const Path& path,
                                                    Errors& errors) {
  const size_t before = errors.count();
  auto made = Begin<ServerTemplate>(proto, name, path, errors);
  ServerOptions& options = made.options;
  if (errors.count() == before && options.common.identities.empty() &&
      made.secrets.identities.empty()) {
    errors.Add(path.Field("common_tls_context"),
               "expected tls_certificates or tls_certificate_sds_secret_configs");
  }
  options.require_client_certificate = proto.require_client_certificate().value();
  options.require_sni = proto.require_sni().value();
  options.ocsp = PolicyOf(proto.ocsp_staple_policy());
  options.stateful_resumption = !proto.disable_stateful_session_resumption();
  options.session_timeout = proto.session_timeout().seconds() * base::kSecond;
  options.full_scan_certs_on_sni_mismatch = proto.full_scan_certs_on_sni_mismatch().value();
  options.prefer_client_ciphers = proto.prefer_client_ciphers();
  TicketKeysOf(proto, made, path, errors);
  return Finish(std::move(made), path, before, errors);
}

std::shared_ptr<const ClientTemplate> CompileClient(const v3::UpstreamTlsContext& proto,
                                                    const std::string& name, const Path& path,
                                                    Errors& errors) {
  const size_t before = errors.count();
  auto made = Begin<ClientTemplate>(proto, name, path, errors);
  ClientOptions& options = made.options;
  if (options.common.identities.size() + made.secrets.identities.size() > 1) {
    errors.Add(path.Field("common_tls_context"), "several certificates: a client has at most one");
  }
  if (proto.sni().find('\0') != std::string::npos) {
    errors.Add(path.Field("sni"), "holds a NUL byte");
  }
  options.sni = proto.sni();
  options.auto_host_sni = proto.auto_host_sni();
  options.auto_sni_san_validation = proto.auto_sni_san_validation();
  options.allow_renegotiation = proto.allow_renegotiation();
  if (proto.has_max_session_keys()) options.max_session_keys = proto.max_session_keys().value();
  return Finish(std::move(made), path, before, errors);
}

// True when `socket` holds a `Proto`. False with nothing said for plain text; else with errors.
template <typename Proto>
bool Unpack(const TransportSocket& socket, Proto& proto, const Path& path, Errors& errors) {
  const std::string type = config::TypedConfigType(socket.typed_config());
  if (type == kRawBuffer || (type.empty() && socket.name() == kRawBufferName)) return false;
  if (type == Proto::descriptor()->full_name()) {
    return config::UnpackTypedConfigTo(socket.typed_config(), proto, path.Field("typed_config"),
                                       errors);
  }
  errors.AddValue(path.Field("typed_config"), type.empty() ? "without a type" : type,
                  std::string(absl::StrCat(Proto::descriptor()->full_name(), " or ", kRawBuffer)));
  return false;
}

}  // namespace

std::shared_ptr<const ServerTemplate> CompileDownstreamTransport(const TransportSocket& socket,
                                                                 const std::string& name,
                                                                 const Path& path, Errors& errors) {
  v3::DownstreamTlsContext proto;
  if (!Unpack(socket, proto, path, errors)) return nullptr;
  return CompileServer(proto, name, path.Field("typed_config"), errors);
}

std::shared_ptr<const ClientTemplate> CompileUpstreamTransport(const TransportSocket& socket,
                                                               const std::string& name,
                                                               const Path& path, Errors& errors) {
  v3::UpstreamTlsContext proto;
  if (!Unpack(socket, proto, path, errors)) return nullptr;
  return CompileClient(proto, name, path.Field("typed_config"), errors);
}

}  // namespace proxenos::tls
