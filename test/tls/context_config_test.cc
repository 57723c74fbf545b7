// Transport sockets as people write them, to templates and contexts.
#include "source/tls/context_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gtest/gtest.h"
#include "source/config/constraints.h"
#include "source/config/fields.h"
#include "source/config/json_output.h"
#include "source/config/text.h"
#include "source/tls/context_assembly.h"
#include "test/support/certificates.h"

namespace proxenos::tls {
namespace {

using envoy::config::core::v3::TransportSocket;
using proxenos::testing::TestCertificate;

std::string Indented(const std::string& text, int by) {
  const std::string pad(static_cast<size_t>(by), ' ');
  return pad + absl::StrJoin(absl::StrSplit(text, '\n'), "\n" + pad);
}

std::string TextOf(const config::Errors& errors) {
  return errors.ok() ? "" : std::string(errors.ToStatus().message());
}

class ContextConfigTest : public ::testing::Test {
 protected:
  // A file of this test's own.
  std::string File(const std::string& name, const std::string& content) {
    const std::string path =
        absl::StrCat(::testing::TempDir(), "/",
                     ::testing::UnitTest::GetInstance()->current_test_info()->name(), "_", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // An entry of tls_certificates, in flow style.
  static std::string Inline(const TestCertificate& chain, const TestCertificate& key) {
    return absl::StrCat("{certificate_chain: {inline_string: ", Quoted(chain.pem()),
                        "}, private_key: {inline_string: ", Quoted(key.key_pem()), "}}");
  }
  static std::string Quoted(const std::string& text) {
    return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\n", "\\n"}}), "\"");
  }
  std::string Ca() const { return absl::StrCat("{inline_string: ", Quoted(ca_.pem()), "}"); }

  static TransportSocket Socket(const std::string& type, const std::string& yaml,
                                config::Errors& errors) {
    TransportSocket socket;
    config::ParseYaml(
        absl::StrCat("name: s\ntyped_config:\n  \"@type\": type.googleapis.com/envoy.extensions."
                     "transport_sockets.",
                     type, "\n", Indented(yaml, 2)),
        socket, errors);
    config::IgnoredFields ignored;
    config::CheckConstraints(socket, errors);
    config::CheckFields(socket, errors, ignored);
    return socket;
  }
  // All that a listener's configuration goes through.
  std::shared_ptr<const ServerTemplate> Server(const std::string& yaml) {
    config::Errors errors;
    const TransportSocket socket = Socket("tls.v3.DownstreamTlsContext", yaml, errors);
    std::shared_ptr<const ServerTemplate> made;
    if (errors.ok()) {
      made = CompileDownstreamTransport(socket, "listener l", config::Path("socket"), errors);
    }
    errors_ = TextOf(errors);
    return made;
  }
  std::shared_ptr<const ClientTemplate> Client(const std::string& yaml) {
    config::Errors errors;
    const TransportSocket socket = Socket("tls.v3.UpstreamTlsContext", yaml, errors);
    std::shared_ptr<const ClientTemplate> made;
    if (errors.ok()) {
      made = CompileUpstreamTransport(socket, "cluster c", config::Path("socket"), errors);
    }
    errors_ = TextOf(errors);
    return made;
  }
  std::shared_ptr<const ServerTemplate> ServerWith(const std::string& more) {
    return Server(absl::StrCat("common_tls_context:\n  tls_certificates: [", Inline(leaf_, leaf_),
                               "]\n", more));
  }
  ::testing::AssertionResult Says(const std::string& what) const {
    if (errors_.find(what) != std::string::npos) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "not in: " << errors_;
  }

  const TestCertificate ca_ = proxenos::testing::MakeCa("root");
  const TestCertificate leaf_ = proxenos::testing::MakeLeaf(ca_, "leaf.test");
  const TestCertificate other_ = proxenos::testing::MakeLeaf(ca_, "other.test");
  std::string errors_;
};

TEST_F(ContextConfigTest, DefaultsAreSafe) {
  const auto made = ServerWith("");
  ASSERT_NE(made, nullptr) << errors_;
  const ServerOptions& options = made->options;
  EXPECT_EQ(options.common.min_version, Version::kTls12);
  EXPECT_EQ(options.common.max_version, Version::kTls13);
  EXPECT_FALSE(options.require_client_certificate);
  EXPECT_TRUE(options.stateless_resumption);
  EXPECT_TRUE(options.stateful_resumption);
  EXPECT_TRUE(made->secrets.empty());
  ASSERT_NE(made->context, nullptr);
  EXPECT_EQ(made->context->certificates().at(0).dns_sans, std::vector<std::string>{"leaf.test"});
}

TEST_F(ContextConfigTest, EveryFieldOfAServer) {
  const auto made = Server(absl::StrCat(R"(
common_tls_context:
  tls_params:
    tls_minimum_protocol_version: TLSv1_3
    tls_maximum_protocol_version: TLSv1_3
    cipher_suites: [ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256]
    ecdh_curves: [P-256, X25519]
    signature_algorithms: [ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256]
  alpn_protocols: [h2, http/1.1]
  key_log: {path: /dev/null}
  tls_certificates: [)",
                                        Inline(leaf_, leaf_), ", ", Inline(other_, other_), R"(]
  validation_context:
    trusted_ca: )",
                                        Ca(), R"(
    match_typed_subject_alt_names:
    - {san_type: URI, matcher: {prefix: "spiffe://a/"}}
    - {san_type: OTHER_NAME, oid: 1.2.3, matcher: {exact: x}}
    max_verify_depth: 3
    allow_expired_certificate: true
    trust_chain_verification: ACCEPT_UNTRUSTED
require_client_certificate: true
require_sni: true
session_timeout: 600s
disable_stateful_session_resumption: true
disable_stateless_session_resumption: true
full_scan_certs_on_sni_mismatch: true
prefer_client_ciphers: true
ocsp_staple_policy: STRICT_STAPLING
)"));
  ASSERT_NE(made, nullptr) << errors_;
  const ServerOptions& options = made->options;
  EXPECT_EQ(options.common.min_version, Version::kTls13);
  EXPECT_EQ(options.common.cipher_suites,
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(options.common.groups, (std::vector<std::string>{"P-256", "X25519"}));
  EXPECT_EQ(options.common.signature_algorithms.size(), 2u);
  EXPECT_EQ(options.common.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(options.common.key_log.path, "/dev/null");
  EXPECT_EQ(options.common.identities.size(), 2u);
  const Validation& validation = options.common.validation;
  ASSERT_EQ(validation.san_matchers.size(), 2u);
  EXPECT_EQ(validation.san_matchers[0].type, SanMatcher::Type::kUri);
  EXPECT_TRUE(validation.san_matchers[0].matcher.Matches("spiffe://a/b"));
  EXPECT_EQ(validation.san_matchers[1].oid, "1.2.3");
  EXPECT_EQ(validation.max_verify_depth, 3u);
  EXPECT_TRUE(validation.allow_expired);
  EXPECT_TRUE(validation.accept_untrusted);
  EXPECT_TRUE(options.require_client_certificate);
  EXPECT_TRUE(options.require_sni);
  EXPECT_EQ(options.session_timeout, 600 * base::kSecond);
  EXPECT_FALSE(options.stateful_resumption);
  EXPECT_FALSE(options.stateless_resumption);
  EXPECT_TRUE(options.full_scan_certs_on_sni_mismatch);
  EXPECT_TRUE(options.prefer_client_ciphers);
  EXPECT_EQ(options.ocsp, OcspPolicy::kStrictStapling);
}

TEST_F(ContextConfigTest, EveryFieldOfAClient) {
  const auto made =
      Client(absl::StrCat("sni: up.test\nauto_host_sni: true\n"
                          "auto_sni_san_validation: true\nmax_session_keys: 5\n"
                          "common_tls_context:\n  validation_context: {trusted_ca: ",
                          Ca(), "}\n"));
  ASSERT_NE(made, nullptr) << errors_;
  EXPECT_EQ(made->options.sni, "up.test");
  EXPECT_TRUE(made->options.auto_host_sni);
  EXPECT_TRUE(made->options.auto_sni_san_validation);
  EXPECT_EQ(made->options.max_session_keys, 5u);
  ASSERT_NE(made->context, nullptr);
  EXPECT_EQ(made->context->ca_certificates().size(), 1u);
}

TEST_F(ContextConfigTest, CertificatesComeFromFilesBytesAndTheEnvironment) {
  setenv("PX_TEST_KEY", leaf_.key_pem().c_str(), 1);
  const std::string chain = File("chain.pem", leaf_.pem());
  const auto made = Server(absl::StrCat(
      "common_tls_context:\n  tls_certificates:\n  - certificate_chain: {filename: ", chain,
      "}\n    private_key: {environment_variable: PX_TEST_KEY}\n"));
  ASSERT_NE(made, nullptr) << errors_;
  EXPECT_EQ(made->options.common.identities.at(0).origin, chain);
  EXPECT_EQ(made->context->certificates().at(0).path, chain);

  const auto bytes = Server(absl::StrCat(
      "common_tls_context:\n  tls_certificates:\n  - certificate_chain: {inline_bytes: ",
      absl::Base64Escape(leaf_.pem()),
      "}\n    private_key: {inline_bytes: ", absl::Base64Escape(leaf_.key_pem()), "}\n"));
  EXPECT_NE(bytes, nullptr) << errors_;
}

TEST_F(ContextConfigTest, EncryptedKeysAndBundles) {
  const std::string key = File("key.pem", leaf_.encrypted_key_pem("hush"));
  EXPECT_NE(Server(absl::StrCat("common_tls_context:\n  tls_certificates:\n  - certificate_chain: ",
                                "{inline_string: ", Quoted(leaf_.pem()),
                                "}\n    private_key: {filename: ", key,
                                "}\n    password: {inline_string: hush}\n")),
            nullptr)
      << errors_;
  const std::string bundle = File("both.p12", leaf_.pkcs12("hush"));
  EXPECT_NE(Server(absl::StrCat("common_tls_context:\n  tls_certificates:\n  - pkcs12: {filename: ",
                                bundle, "}\n    password: {inline_string: hush}\n")),
            nullptr)
      << errors_;
  Server(absl::StrCat("common_tls_context:\n  tls_certificates:\n  - pkcs12: {filename: ", bundle,
                      "}\n    private_key: {filename: ", key, "}\n"));
  EXPECT_TRUE(Says("pkcs12 holds chain and key"));
}

TEST_F(ContextConfigTest, WrongCertificatesAreTold) {
  EXPECT_EQ(Server(absl::StrCat("common_tls_context:\n  tls_certificates: [", Inline(leaf_, other_),
                                "]\n")),
            nullptr);
  EXPECT_TRUE(Says("socket.typed_config"));
  EXPECT_TRUE(Says("key"));
  Server("common_tls_context:\n  tls_certificates:\n  - certificate_chain: {filename: /nowhere}\n");
  EXPECT_TRUE(Says("socket.typed_config.common_tls_context.tls_certificates[0]"));
  EXPECT_TRUE(Says("certificate_chain.filename: file /nowhere cannot be read"));
  Server("");
  EXPECT_TRUE(Says("expected tls_certificates or tls_certificate_sds_secret_configs"));
}

TEST_F(ContextConfigTest, WrongParametersAreTold) {
  ServerWith("  tls_params: {tls_maximum_protocol_version: TLSv1_1}\n");
  EXPECT_TRUE(Says("no handshake could succeed"));
  ServerWith("  tls_params: {cipher_suites: [NO-SUCH-CIPHER]}\n");
  EXPECT_TRUE(Says("NO-SUCH-CIPHER"));
  ServerWith("  tls_params: {ecdh_curves: [P-17]}\n");
  EXPECT_TRUE(Says("P-17"));
  ServerWith("  alpn_protocols: [\"\"]\n");
  EXPECT_TRUE(Says("alpn_protocols[0]"));
  ServerWith("session_ticket_keys: {keys: [{inline_string: short}]}\n");
  EXPECT_TRUE(Says("session_ticket_keys.keys[0]: a key of 5 bytes: expected 80"));
  // With secrets still to come, everything else is judged all the same.
  Server(
      "common_tls_context:\n  tls_params: {ecdh_curves: [P-17]}\n"
      "  tls_certificate_sds_secret_configs: [{name: later}]\n");
  EXPECT_TRUE(Says("P-17"));
}

TEST_F(ContextConfigTest, ChecksThatProveNothingAreRefused) {
  ServerWith(
      "  validation_context:\n    match_typed_subject_alt_names:\n"
      "    - {san_type: DNS, matcher: {exact: a}}\n");
  EXPECT_TRUE(Says("no trusted_ca"));
  Client("auto_sni_san_validation: true\n");
  EXPECT_TRUE(Says("auto_sni_san_validation needs a trusted_ca"));
  ServerWith("  validation_context: {verify_certificate_spki: [" + std::string(44, '-') + "]}\n");
  EXPECT_TRUE(Says("verify_certificate_spki[0]"));
  ServerWith("  validation_context: {verify_certificate_hash: [" + std::string(64, 'x') + "]}\n");
  EXPECT_TRUE(Says("verify_certificate_hash[0]"));
}

// Taken as no roots at all, they would leave every peer unverified.
TEST_F(ContextConfigTest, RootsThatAreEmptyAreRefused) {
  for (const std::string& source :
       {std::string("{inline_string: \"\"}"), std::string("{inline_bytes: \"\"}"),
        absl::StrCat("{filename: ", File("roots.pem", ""), "}")}) {
    const std::string validation =
        absl::StrCat("  validation_context: {trusted_ca: ", source, "}\n");
    EXPECT_EQ(Client(absl::StrCat("common_tls_context:\n", validation)), nullptr) << source;
    EXPECT_TRUE(Says("common_tls_context.validation_context.trusted_ca: is empty")) << source;
    EXPECT_EQ(ServerWith(validation), nullptr) << source;
    EXPECT_TRUE(Says("trusted_ca: is empty")) << source;
  }
}

TEST_F(ContextConfigTest, PinsAreDecoded) {
  std::string colons;
  for (const char byte : leaf_.sha256()) {
    absl::StrAppend(&colons, colons.empty() ? "" : ":",
                    absl::BytesToHexString(std::string(1, byte)));
  }
  const auto made = ServerWith(
      absl::StrCat("  validation_context:\n    verify_certificate_spki: [\"",
                   absl::Base64Escape(leaf_.spki_sha256()), "\"]\n    verify_certificate_hash: [\"",
                   colons, "\", \"", absl::BytesToHexString(leaf_.sha256()), "\"]\n"));
  ASSERT_NE(made, nullptr) << errors_;
  const Validation& validation = made->options.common.validation;
  EXPECT_EQ(validation.spki_pins, std::vector<std::string>{leaf_.spki_sha256()});
  EXPECT_EQ(validation.certificate_pins,
            (std::vector<std::string>{leaf_.sha256(), leaf_.sha256()}));
}

TEST_F(ContextConfigTest, CompliancePolicies) {
  for (const auto& [name, policy] : {std::pair("FIPS_202205", Compliance::kFips202205),
                                     std::pair("CNSA1_202603", Compliance::kCnsa1),
                                     std::pair("CNSA2_202603", Compliance::kCnsa2)}) {
    const auto made =
        ServerWith("  tls_params: {compliance_policies: [" + std::string(name) + "]}\n");
    ASSERT_NE(made, nullptr) << name;
    EXPECT_EQ(made->options.common.compliance, policy);
  }
  EXPECT_EQ(ServerWith("  tls_params: {compliance_policies: [CNSA1_202603, CNSA2_202603]}\n"),
            nullptr);
}

TEST_F(ContextConfigTest, WhatIsNotImplementedIsRefusedByName) {
  const auto refused = [this](const std::string& more, const std::string& field) {
    EXPECT_EQ(ServerWith(more), nullptr);
    EXPECT_TRUE(Says(field));
    EXPECT_TRUE(Says("is not implemented by proxenos"));
  };
  refused("  custom_handshaker: {name: x}\n", "custom_handshaker");
  refused("  tls_certificate_provider_instance: {instance_name: x}\n",
          "tls_certificate_provider_instance");
  refused("  validation_context: {ca_certificate_provider_instance: {instance_name: x}}\n",
          "ca_certificate_provider_instance");
  Client("allow_renegotiation: true\n");
  EXPECT_TRUE(Says("renegotiation is always refused"));
  Server(
      "common_tls_context:\n  tls_certificates:\n"
      "  - {private_key_provider: {provider_name: x}}\n");
  EXPECT_TRUE(Says("private_key_provider"));
}

TEST_F(ContextConfigTest, SecretsAreNamed) {
  const auto made = Server(R"(
common_tls_context:
  tls_certificate_sds_secret_configs:
  - {name: one, sds_config: {ads: {}, initial_fetch_timeout: 2s}}
  - {name: two}
  combined_validation_context:
    default_validation_context:
      match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: peer.test}}]
    validation_context_sds_secret_config:
      name: roots
      sds_config: {path_config_source: {path: /sds.yaml}}
session_ticket_keys_sds_secret_config: {name: keys, sds_config: {ads: {}}}
)");
  ASSERT_NE(made, nullptr) << errors_;
  EXPECT_EQ(made->context, nullptr);
  ASSERT_EQ(made->secrets.identities.size(), 2u);
  EXPECT_EQ(made->secrets.identities[0].name, "one");
  EXPECT_EQ(made->secrets.identities[0].from, SecretRef::From::kDiscovery);
  EXPECT_EQ(made->secrets.identities[0].source, "");
  EXPECT_EQ(made->secrets.identities[0].initial_fetch_timeout, 2 * base::kSecond);
  EXPECT_EQ(made->secrets.identities[1].from, SecretRef::From::kBootstrap);
  ASSERT_TRUE(made->secrets.validation.has_value());
  EXPECT_NE(made->secrets.validation->source, "");
  EXPECT_EQ(made->secrets.ticket_keys->name, "keys");

  // The default context and the discovered one together.
  Identity identity;
  identity.chain_pem = leaf_.pem();
  identity.key_pem = leaf_.key_pem();
  Validation roots;
  roots.trusted_ca_pem = ca_.pem();
  const TicketKeys keys{{std::string(80, 'k')}};
  const auto context = Assemble(*made, {{&identity}, &roots, &keys});
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_EQ((*context)->ca_certificates().size(), 1u);
  const Validation nothing;
  EXPECT_FALSE(Assemble(*made, {{&identity}, &nothing, &keys}).ok());
}

TEST_F(ContextConfigTest, MergeFollowsProtobuf) {
  Validation base;
  base.trusted_ca_pem = "a";
  base.origin = "default";
  base.allow_expired = true;
  base.max_verify_depth = 1;
  base.spki_pins = {"p"};
  Validation over;
  over.crl_pem = "crl";
  over.max_verify_depth = 2;
  over.spki_pins = {"q"};
  Validation merged = Merge(base, over);
  EXPECT_EQ(merged.trusted_ca_pem, "a");
  EXPECT_EQ(merged.origin, "default");
  EXPECT_EQ(merged.crl_pem, "crl");
  EXPECT_TRUE(merged.allow_expired);
  EXPECT_EQ(merged.max_verify_depth, 2u);
  EXPECT_EQ(merged.spki_pins, (std::vector<std::string>{"p", "q"}));
  over.trusted_ca_pem = "b";
  over.origin = "secret";
  merged = Merge(base, over);
  EXPECT_EQ(merged.trusted_ca_pem, "b");
  EXPECT_EQ(merged.origin, "secret");
}

TEST_F(ContextConfigTest, WatchedFilesAreSecrets) {
  const std::string chain = File("chain.pem", leaf_.pem());
  const std::string key = File("key.pem", leaf_.key_pem());
  const std::string yaml = absl::StrCat(
      "common_tls_context:\n  tls_certificates:\n  - certificate_chain: {filename: ", chain,
      "}\n    private_key: {filename: ", key, "}\n    watched_directory: {path: /tmp}\n  - ",
      Inline(other_, other_), "\n");
  const auto made = Server(yaml);
  ASSERT_NE(made, nullptr) << errors_;
  EXPECT_TRUE(made->options.common.identities.empty());
  ASSERT_EQ(made->secrets.identities.size(), 2u);
  EXPECT_EQ(made->secrets.identities[0].from, SecretRef::From::kFiles);
  EXPECT_EQ(made->secrets.identities[1].from, SecretRef::From::kFiles);
  // They are proven when they are written, too.
  File("key.pem", other_.key_pem());
  EXPECT_EQ(Server(yaml), nullptr);
  EXPECT_TRUE(Says("tls_certificates[0]"));
}

TEST_F(ContextConfigTest, PlainTextAndWrongSockets) {
  config::Errors errors;
  const TransportSocket raw = Socket("raw_buffer.v3.RawBuffer", "", errors);
  EXPECT_EQ(CompileDownstreamTransport(raw, "l", config::Path(), errors), nullptr);
  EXPECT_EQ(CompileUpstreamTransport(raw, "c", config::Path(), errors), nullptr);
  EXPECT_TRUE(errors.ok()) << TextOf(errors);
  const TransportSocket upstream = Socket("tls.v3.UpstreamTlsContext", "sni: a\n", errors);
  EXPECT_EQ(CompileDownstreamTransport(upstream, "l", config::Path("socket"), errors), nullptr);
  EXPECT_NE(TextOf(errors).find("socket.typed_config: value "), std::string::npos);
}

TEST_F(ContextConfigTest, DumpsHideWhatIsSecret) {
  config::Errors errors;
  const TransportSocket socket = Socket(
      "tls.v3.DownstreamTlsContext",
      absl::StrCat("common_tls_context:\n  tls_certificates:\n  - certificate_chain: ",
                   "{inline_string: ", Quoted(leaf_.pem()), "}\n    private_key: {inline_string: ",
                   Quoted(leaf_.key_pem()), "}\n    password: {inline_string: hush}\n",
                   "session_ticket_keys: {keys: [{inline_string: ", std::string(80, 't'), "}]}\n"),
      errors);
  ASSERT_TRUE(errors.ok()) << TextOf(errors);
  const std::string dump = config::ToJson(socket);
  EXPECT_NE(dump.find("BEGIN CERTIFICATE"), std::string::npos);
  EXPECT_EQ(dump.find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(dump.find("hush"), std::string::npos);
  EXPECT_EQ(dump.find("ttttt"), std::string::npos);
  EXPECT_NE(dump.find("[redacted]"), std::string::npos);
}

}  // namespace
}  // namespace proxenos::tls
