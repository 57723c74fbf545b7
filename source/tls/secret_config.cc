// Reading secrets, and proving them.
#include "source/tls/secret_config.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/match/match_config.h"
#include "source/tls/server_context.h"
#include "source/tls/trust_bundle.h"

namespace proxenos::tls {
namespace {

using config::Errors;
using config::Path;
using envoy::config::core::v3::DataSource;
namespace v3 = envoy::extensions::transport_sockets::tls::v3;

constexpr size_t kDigestBytes = 32;      // SHA-256
constexpr size_t kMaxTicketKeys = 1000;  // Each is tried on each ticket.

std::string Read(const DataSource& source, const Path& path, Errors& errors) {
  return config::ReadDataSource(source, path, errors).value_or("");
}

std::string ReadGiven(bool given, const DataSource& source, const Path& path, Errors& errors) {
  return given ? Read(source, path, errors) : std::string();
}

// What to call the bytes in errors and on /certs.
std::string OriginOf(const DataSource& source) {
  switch (source.specifier_case()) {
    case DataSource::kFilename:
      return source.filename();
    case DataSource::kEnvironmentVariable:
      return absl::StrCat("$", source.environment_variable());
    default:
      return "<inline>";
  }
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Which directories to watch for the files of a secret.
class Directories {
 public:
  explicit Directories(Secret& secret) : secret_(secret) {}

  void AddSource(bool given, const DataSource& source) {
    if (!given || !source.has_filename()) return;
    if (source.has_watched_directory()) {
      Add(secret_.watched_directories, source.watched_directory().path());
    } else {
      Add(secret_.file_directories, DirectoryOf(source.filename()));
    }
  }
  void AddWatched(const std::string& directory) { Add(secret_.watched_directories, directory); }

 private:
  static void Add(std::vector<std::string>& list, std::string directory) {
    if (std::find(list.begin(), list.end(), directory) == list.end()) {
      list.push_back(std::move(directory));
    }
  }
  Secret& secret_;
};

void FindDirectories(const v3::TlsCertificate& proto, Directories directories) {
  directories.AddSource(proto.has_certificate_chain(), proto.certificate_chain());
  directories.AddSource(proto.has_private_key(), proto.private_key());
  directories.AddSource(proto.has_pkcs12(), proto.pkcs12());
  directories.AddSource(proto.has_password(), proto.password());
  directories.AddSource(proto.has_ocsp_staple(), proto.ocsp_staple());
  for (const auto& each : proto.signed_certificate_timestamp()) directories.AddSource(true, each);
  if (proto.has_watched_directory()) directories.AddWatched(proto.watched_directory().path());
}

// A file of trust bundles is watched in any case.
void FindDirectories(const v3::SPIFFECertValidatorConfig& proto, Directories directories) {
  for (const auto& domain : proto.trust_domains()) {
    directories.AddSource(domain.has_trust_bundle(), domain.trust_bundle());
  }
  const DataSource& bundles = proto.trust_bundles();
  directories.AddSource(proto.has_trust_bundles(), bundles);
  if (bundles.has_filename() && !bundles.has_watched_directory()) {
    directories.AddWatched(DirectoryOf(bundles.filename()));
  }
}

void FindDirectories(const v3::CertificateValidationContext& proto, Directories directories) {
  directories.AddSource(proto.has_trusted_ca(), proto.trusted_ca());
  directories.AddSource(proto.has_crl(), proto.crl());
  v3::SPIFFECertValidatorConfig spiffe;
  if (proto.custom_validator_config().typed_config().UnpackTo(&spiffe)) {
    FindDirectories(spiffe, directories);
  }
  if (proto.has_watched_directory()) directories.AddWatched(proto.watched_directory().path());
}

void FindDirectories(const v3::TlsSessionTicketKeys& proto, Directories directories) {
  for (const DataSource& key : proto.keys()) directories.AddSource(true, key);
}

void FindDirectories(const v3::GenericSecret& proto, Directories directories) {
  directories.AddSource(proto.has_secret(), proto.secret());
  for (const auto& [name, source] : proto.secrets()) directories.AddSource(true, source);
}

std::optional<GenericValues> CompileGeneric(const v3::GenericSecret& proto, const Path& path,
                                            Errors& errors) {
  const size_t before = errors.count();
  GenericValues values;
  if (proto.has_secret()) values.value = Read(proto.secret(), path.Field("secret"), errors);
  for (const auto& [name, source] : proto.secrets()) {
    values.named[name] = Read(source, path.Field("secrets").Key(name), errors);
  }
  if (errors.count() != before) return std::nullopt;
  return values;
}

SanMatcher::Type SanTypeOf(v3::SubjectAltNameMatcher::SanType type) {
  switch (type) {
    case v3::SubjectAltNameMatcher::EMAIL:
      return SanMatcher::Type::kEmail;
    case v3::SubjectAltNameMatcher::DNS:
      return SanMatcher::Type::kDns;
    case v3::SubjectAltNameMatcher::URI:
      return SanMatcher::Type::kUri;
    case v3::SubjectAltNameMatcher::IP_ADDRESS:
      return SanMatcher::Type::kIpAddress;
    case v3::SubjectAltNameMatcher::OTHER_NAME:
      return SanMatcher::Type::kOtherName;
    default:
      return SanMatcher::Type::kAny;  // The constraint forbids it.
  }
}

bool IsOid(const std::string& text) {
  const std::vector<std::string> arcs = absl::StrSplit(text, '.');
  return arcs.size() >= 2 && std::all_of(arcs.begin(), arcs.end(), [](const std::string& arc) {
           return !arc.empty() && std::all_of(arc.begin(), arc.end(), [](char c) {
             return absl::ascii_isdigit(static_cast<unsigned char>(c));
           });
         });
}

void AddSanMatchers(const v3::CertificateValidationContext& proto, Validation& validation,
                    const Path& path, Errors& errors) {
  for (int i = 0; i < proto.match_typed_subject_alt_names_size(); ++i) {
    const auto& from = proto.match_typed_subject_alt_names(i);
    const Path at = path.Field("match_typed_subject_alt_names").Index(static_cast<size_t>(i));
    auto text = match::CompileStringMatcher(from.matcher(), errors, at.Field("matcher"));
    if (!text) continue;
    SanMatcher matcher{SanTypeOf(from.san_type()), *std::move(text), from.oid()};
    if (matcher.type == SanMatcher::Type::kOtherName && !IsOid(matcher.oid)) {
      errors.AddValue(at.Field("oid"), matcher.oid, "an object identifier such as 1.3.6.1");
      continue;
    }
    validation.san_matchers.push_back(std::move(matcher));
  }
  // The deprecated list counts only without the typed one.
  if (proto.match_typed_subject_alt_names_size() > 0) return;
  for (int i = 0; i < proto.match_subject_alt_names_size(); ++i) {
    const Path at = path.Field("match_subject_alt_names").Index(static_cast<size_t>(i));
    auto text = match::CompileStringMatcher(proto.match_subject_alt_names(i), errors, at);
    if (text) validation.san_matchers.push_back({SanMatcher::Type::kAny, *std::move(text), ""});
  }
}

// SPIFFE's is the only validator of another kind.
void AddTrustDomains(const v3::CertificateValidationContext& proto, Validation& validation,
                     const Path& path, Errors& errors) {
  if (!proto.has_custom_validator_config()) return;
  v3::SPIFFECertValidatorConfig config;
  const Path at = path.Field("custom_validator_config").Field("typed_config");
  if (!config::UnpackTypedConfigTo(proto.custom_validator_config().typed_config(), config, at,
                                   errors)) {
    return;
  }
  if (config.has_trust_bundles()) {  // It takes precedence.
    const Path bundles_path = at.Field("trust_bundles");
    auto domains = ReadTrustBundles(Read(config.trust_bundles(), bundles_path, errors),
                                    OriginOf(config.trust_bundles()));
    if (domains.ok()) validation.trust_domains = *std::move(domains);
    errors.AddLines(bundles_path, domains.status());
    return;
  }
  for (int i = 0; i < config.trust_domains_size(); ++i) {
    const auto& from = config.trust_domains(i);
    const Path domain_path = at.Field("trust_domains").Index(static_cast<size_t>(i));
    TrustDomain domain{from.name(), "", OriginOf(from.trust_bundle())};
    domain.bundle_pem = Read(from.trust_bundle(), domain_path.Field("trust_bundle"), errors);
    const auto same = [&](const TrustDomain& other) { return other.name == domain.name; };
    if (std::any_of(validation.trust_domains.begin(), validation.trust_domains.end(), same)) {
      errors.AddValue(domain_path.Field("name"), domain.name, "a trust domain that no other has");
    }
    validation.trust_domains.push_back(std::move(domain));
  }
}

void AddPins(const v3::CertificateValidationContext& proto, Validation& validation,
             const Path& path, Errors& errors) {
  for (int i = 0; i < proto.verify_certificate_spki_size(); ++i) {
    std::string digest;
    const std::string& text = proto.verify_certificate_spki(i);
    if (absl::Base64Unescape(text, &digest) && digest.size() == kDigestBytes) {
      validation.spki_pins.push_back(std::move(digest));
    } else {
      errors.AddValue(path.Field("verify_certificate_spki").Index(static_cast<size_t>(i)), text,
                      "a SHA-256 digest in base64");
    }
  }
  for (int i = 0; i < proto.verify_certificate_hash_size(); ++i) {
    const std::string& text = proto.verify_certificate_hash(i);
    const std::string hex = absl::StrReplaceAll(text, {{":", ""}});
    const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) {
      return absl::ascii_isxdigit(static_cast<unsigned char>(c));
    });
    if (digits && hex.size() == 2 * kDigestBytes) {
      validation.certificate_pins.push_back(absl::HexStringToBytes(hex));
    } else {
      errors.AddValue(path.Field("verify_certificate_hash").Index(static_cast<size_t>(i)), text,
                      "a SHA-256 digest in hex, with or without colons");
    }
  }
}

// Each is what a log issued, opaque here (RFC 6962, section 3.3); together the list that is sent.
std::string Timestamps(const v3::TlsCertificate& proto, const Path& path, Errors& errors) {
  constexpr size_t kMost = 0xffff;
  std::string list;
  const auto add_length = [](size_t length, std::string& to) {
    to.push_back(static_cast<char>(length >> 8));
    to.push_back(static_cast<char>(length & 0xff));
  };
  for (int i = 0; i < proto.signed_certificate_timestamp_size(); ++i) {
    const Path at = path.Field("signed_certificate_timestamp").Index(static_cast<size_t>(i));
    const std::string one = Read(proto.signed_certificate_timestamp(i), at, errors);
    if (one.empty() || list.size() + 2 + one.size() > kMost) {
      errors.Add(at, one.empty() ? "is empty" : "together they are longer than 65535 bytes");
      return std::string();
    }
    add_length(one.size(), list);
    list += one;
  }
  if (list.empty()) return list;
  std::string sent;
  add_length(list.size(), sent);
  return sent + list;
}

}  // namespace

std::optional<Identity> CompileIdentity(const v3::TlsCertificate& proto, const Path& path,
                                        Errors& errors) {
  const size_t before = errors.count();
  Identity identity;
  if (proto.has_pkcs12()) {
    if (proto.has_certificate_chain() || proto.has_private_key()) {
      errors.Add(path,
                 "pkcs12 holds chain and key: write it, or certificate_chain and private_key");
    }
    identity.pkcs12 = Read(proto.pkcs12(), path.Field("pkcs12"), errors);
    identity.origin = OriginOf(proto.pkcs12());
  } else {
    if (!proto.has_certificate_chain() || !proto.has_private_key()) {
      errors.Add(path, "expected certificate_chain and private_key, or pkcs12");
    }
    const Path chain = path.Field("certificate_chain");
    const Path key = path.Field("private_key");
    identity.chain_pem =
        ReadGiven(proto.has_certificate_chain(), proto.certificate_chain(), chain, errors);
    identity.key_pem = ReadGiven(proto.has_private_key(), proto.private_key(), key, errors);
    identity.origin = OriginOf(proto.certificate_chain());
  }
  identity.password =
      ReadGiven(proto.has_password(), proto.password(), path.Field("password"), errors);
  if (proto.ocsp_staple().has_inline_string()) {
    errors.Add(path.Field("ocsp_staple").Field("inline_string"),
               "a staple is DER: write inline_bytes or filename");
  } else {
    identity.ocsp_staple =
        ReadGiven(proto.has_ocsp_staple(), proto.ocsp_staple(), path.Field("ocsp_staple"), errors);
  }
  identity.timestamps = Timestamps(proto, path, errors);
  if (errors.count() != before) return std::nullopt;
  return identity;
}

std::optional<Validation> CompileValidation(const v3::CertificateValidationContext& proto,
                                            const Path& path, Errors& errors) {
  const size_t before = errors.count();
  Validation validation;
  if (proto.has_trusted_ca()) {
    const Path at = path.Field("trusted_ca");
    validation.trusted_ca_pem = Read(proto.trusted_ca(), at, errors);
    // Without roots nothing is verified: who names some and gives none (an empty file, a variable
    // that is set to nothing) must not come to that.
    if (validation.trusted_ca_pem.empty() && errors.count() == before) errors.Add(at, "is empty");
    validation.origin = OriginOf(proto.trusted_ca());
  }
  validation.crl_pem = ReadGiven(proto.has_crl(), proto.crl(), path.Field("crl"), errors);
  validation.system_roots = proto.has_system_root_certs();
  validation.accept_untrusted =
      proto.trust_chain_verification() == v3::CertificateValidationContext::ACCEPT_UNTRUSTED;
  validation.allow_expired = proto.allow_expired_certificate();
  validation.only_verify_leaf_crl = proto.only_verify_leaf_cert_crl();
  validation.require_signed_certificate_timestamp =
      proto.require_signed_certificate_timestamp().value();
  validation.suppress_client_ca_list = proto.suppress_client_ca_list();
  if (proto.has_max_verify_depth()) validation.max_verify_depth = proto.max_verify_depth().value();
  AddTrustDomains(proto, validation, path, errors);
  AddSanMatchers(proto, validation, path, errors);
  AddPins(proto, validation, path, errors);
  if (errors.count() != before) return std::nullopt;
  return validation;
}

std::optional<TicketKeys> CompileTicketKeys(const v3::TlsSessionTicketKeys& proto, const Path& path,
                                            Errors& errors) {
  const size_t before = errors.count();
  TicketKeys keys;
  if (static_cast<size_t>(proto.keys_size()) > kMaxTicketKeys) {
    errors.AddValue(path.Field("keys"), absl::StrCat(proto.keys_size(), " keys"),
                    absl::StrCat("at most ", kMaxTicketKeys));
    return std::nullopt;
  }
  for (int i = 0; i < proto.keys_size(); ++i) {
    const Path at = path.Field("keys").Index(static_cast<size_t>(i));
    std::optional<std::string> key = config::ReadDataSource(proto.keys(i), at, errors);
    if (!key) continue;
    if (key->size() != kTicketKeyBytes) {
      // The key itself is not for error messages.
      errors.Add(at, absl::StrCat("a key of ", key->size(), " bytes: expected ", kTicketKeyBytes));
    }
    keys.keys.push_back(*std::move(key));
  }
  if (errors.count() != before) return std::nullopt;
  return keys;
}

std::optional<Secret> CompileSecret(const v3::Secret& proto, const Path& path, Errors& errors) {
  Secret secret;
  const auto take = [&secret](auto content, SecretKind kind) {
    secret.kind = kind;
    if (content) secret.content = *std::move(content);
    return content.has_value();
  };
  bool ok = false;
  switch (proto.type_case()) {
    case v3::Secret::kTlsCertificate: {
      auto identity =
          CompileIdentity(proto.tls_certificate(), path.Field("tls_certificate"), errors);
      FindDirectories(proto.tls_certificate(), Directories(secret));
      ok = take(std::move(identity), SecretKind::kIdentity);
      break;
    }
    case v3::Secret::kValidationContext:
      FindDirectories(proto.validation_context(), Directories(secret));
      ok = take(
          CompileValidation(proto.validation_context(), path.Field("validation_context"), errors),
          SecretKind::kValidation);
      break;
    case v3::Secret::kSessionTicketKeys:
      FindDirectories(proto.session_ticket_keys(), Directories(secret));
      ok = take(
          CompileTicketKeys(proto.session_ticket_keys(), path.Field("session_ticket_keys"), errors),
          SecretKind::kTicketKeys);
      break;
    case v3::Secret::kGenericSecret:
      FindDirectories(proto.generic_secret(), Directories(secret));
      ok = take(CompileGeneric(proto.generic_secret(), path.Field("generic_secret"), errors),
                SecretKind::kGeneric);
      break;
    case v3::Secret::TYPE_NOT_SET:
      errors.Add(path,
                 "expected one of tls_certificate, validation_context, session_ticket_keys, "
                 "generic_secret");
      break;
  }
  if (!ok) return std::nullopt;
  return secret;
}

SecretRef NameSecret(const v3::SdsSecretConfig& proto, SecretKind kind) {
  SecretRef ref;
  ref.kind = kind;
  ref.name = proto.name();
  if (!proto.has_sds_config()) return ref;
  const auto& source = proto.sds_config();
  ref.from = SecretRef::From::kDiscovery;
  if (!source.has_ads() && !source.has_self()) ref.source = source.SerializeAsString();
  if (source.has_initial_fetch_timeout()) {
    ref.initial_fetch_timeout = source.initial_fetch_timeout().seconds() * base::kSecond +
                                source.initial_fetch_timeout().nanos();
  }
  return ref;
}

bool IsWatched(const v3::TlsCertificate& proto) {
  Secret secret;
  FindDirectories(proto, Directories(secret));
  return !secret.watched_directories.empty();
}

bool IsWatched(const v3::CertificateValidationContext& proto) {
  Secret secret;
  FindDirectories(proto, Directories(secret));
  return !secret.watched_directories.empty();
}

absl::Status Prove(Identity identity) {
  ServerOptions options;
  options.common.name = "secret";
  options.common.identities.push_back(std::move(identity));
  return ServerContext::Make(options).status();
}

absl::Status Prove(Validation validation) {
  ClientOptions options;
  options.common.name = "secret";
  // Roots may come from the context that this one is merged over.
  if (!validation.has_roots()) validation.crl_pem.clear();
  // Nothing connects by this context, so nobody needs to be warned of what it would accept.
  validation.accept_untrusted = false;
  validation.spki_pins.push_back(std::string(kDigestBytes, '\0'));
  options.common.validation = std::move(validation);
  return ClientContext::Make(options).status();
}

absl::Status Prove(const Secret& secret) {
  if (const auto* identity = std::get_if<Identity>(&secret.content)) return Prove(*identity);
  if (const auto* validation = std::get_if<Validation>(&secret.content)) return Prove(*validation);
  return absl::OkStatus();
}

}  // namespace proxenos::tls
