// What of TLS contexts and secrets is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> TlsFields() {
  constexpr std::string_view kNoProvider =
      "no certificate provider is built in; write the certificates inline, by file name or by SDS";
  constexpr std::string_view kNoProviderForRoots =
      "no certificate provider is built in; write trusted_ca, or the secret's name for SDS";
  return {
      {"envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
       {
           Use("common_tls_context require_client_certificate require_sni"),
           Use("session_ticket_keys session_ticket_keys_sds_secret_config session_timeout"),
           Use("disable_stateless_session_resumption disable_stateful_session_resumption"),
           Use("ocsp_staple_policy full_scan_certs_on_sni_mismatch prefer_client_ciphers"),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
       {
           Use("common_tls_context sni auto_host_sni auto_sni_san_validation max_session_keys"),
           Use("allow_renegotiation").Only("false", "renegotiation is always refused"),
           Leave("enforce_rsa_key_usage", "Key usage is always enforced."),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.CommonTlsContext",
       {
           Use("tls_params tls_certificates tls_certificate_sds_secret_configs alpn_protocols"),
           Use("validation_context validation_context_sds_secret_config"),
           Use("combined_validation_context key_log"),
           Refuse("tls_certificate_certificate_provider "
                  "tls_certificate_certificate_provider_instance "
                  "tls_certificate_provider_instance",
                  kNoProvider),
           Refuse("validation_context_certificate_provider "
                  "validation_context_certificate_provider_instance",
                  kNoProviderForRoots),
           Refuse("custom_handshaker", "handshakes are BoringSSL's own"),
           Refuse("custom_tls_certificate_selector",
                  "certificates are chosen by SNI, key type and OCSP staple"),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.CommonTlsContext."
       "CombinedCertificateValidationContext",
       {
           Use("default_validation_context validation_context_sds_secret_config"),
           Refuse("validation_context_certificate_provider "
                  "validation_context_certificate_provider_instance",
                  kNoProviderForRoots),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.TlsParameters",
       {
           Use("tls_minimum_protocol_version tls_maximum_protocol_version cipher_suites"),
           Use("ecdh_curves signature_algorithms compliance_policies"),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.TlsKeyLog",
       {
           Use("path local_address_range remote_address_range"),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
       {
           Use("certificate_chain private_key pkcs12 password ocsp_staple watched_directory"),
           Use("signed_certificate_timestamp"),
           Refuse("private_key_provider", "keys are used by BoringSSL itself; write private_key"),
           Refuse("tls_params", "write them in the context, for all of its certificates"),
       }},
      // Their sources may name a directory to watch.
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.certificate_chain", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.private_key", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.pkcs12", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.password", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.ocsp_staple", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsCertificate.signed_certificate_timestamp",
       {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.trusted_ca",
       {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.crl", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys", {Use("keys")}},
      {"envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys.keys", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext",
       {
           Use("trusted_ca crl watched_directory system_root_certs"),
           Use("match_typed_subject_alt_names match_subject_alt_names"),
           Use("verify_certificate_spki verify_certificate_hash trust_chain_verification"),
           Use("allow_expired_certificate only_verify_leaf_cert_crl max_verify_depth"),
           Use("require_signed_certificate_timestamp")
               .Only("false", "timestamps of peers are not looked at"),
           Refuse("ca_certificate_provider_instance", kNoProviderForRoots),
           Use("custom_validator_config suppress_client_ca_list"),
       }},
      {"envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts",
       {}},
      {"envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig",
       {Use("trust_domains trust_bundles")}},
      {"envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig.trust_bundles",
       {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig.TrustDomain.trust_"
       "bundle",
       {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig.TrustDomain",
       {Use("name trust_bundle"),
        Refuse("workload_trust_domain", "the domain of an identity is the one that it names")}},
      {"envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher",
       {Use("san_type matcher oid")}},
      {"envoy.extensions.transport_sockets.tls.v3.GenericSecret", {Use("secret secrets")}},
      {"envoy.extensions.transport_sockets.tls.v3.GenericSecret.secret", {Use("*")}},
      {"envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig", {Use("name sds_config")}},
      {"envoy.extensions.transport_sockets.tls.v3.Secret",
       {
           Use("name tls_certificate session_ticket_keys validation_context generic_secret"),
       }},
  };
}

}  // namespace proxenos::config
