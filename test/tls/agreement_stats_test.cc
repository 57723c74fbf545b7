// Handshakes counted by what they agreed on. Names and labels are those that Envoy 1.40 showed.
#include "source/tls/agreement_stats.h"

#include <string>

#include "gtest/gtest.h"
#include "source/stats/render.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::tls {
namespace {

std::string Text(stats::Registry& registry) { return RenderText(registry.Read(), {}); }
std::string Prometheus(stats::Registry& registry) { return RenderPrometheus(registry.Read(), {}); }

void Count(const std::string& cipher, const std::string& group, AgreementStats& counts) {
  testing::FakeTlsSession session;
  session.cipher_text = cipher;
  session.group_text = group;
  counts.Count(session);
}

TEST(AgreementStatsTest, OfAListener) {
  stats::Registry registry;
  AgreementStats counts(registry, stats::ListenerTlsAgreementScope, "0.0.0.0:443");
  Count("TLS_AES_128_GCM_SHA256", "X25519MLKEM768", counts);
  Count("TLS_AES_128_GCM_SHA256", "X25519", counts);
  EXPECT_EQ(Text(registry),
            "listener.0.0.0.0_443.ssl.ciphers.TLS_AES_128_GCM_SHA256: 2\n"
            "listener.0.0.0.0_443.ssl.curves.X25519: 1\n"
            "listener.0.0.0.0_443.ssl.curves.X25519MLKEM768: 1\n"
            "listener.0.0.0.0_443.ssl.versions.TLSv1.3: 2\n");
  EXPECT_EQ(Prometheus(registry),
            "# TYPE envoy_listener_ssl_ciphers counter\n"
            "envoy_listener_ssl_ciphers{envoy_ssl_cipher=\"TLS_AES_128_GCM_SHA256\","
            "envoy_listener_address=\"0.0.0.0_443\"} 2\n"
            "# TYPE envoy_listener_ssl_curves counter\n"
            "envoy_listener_ssl_curves{envoy_ssl_curve=\"X25519\","
            "envoy_listener_address=\"0.0.0.0_443\"} 1\n"
            "envoy_listener_ssl_curves{envoy_ssl_curve=\"X25519MLKEM768\","
            "envoy_listener_address=\"0.0.0.0_443\"} 1\n"
            "# TYPE envoy_listener_ssl_versions counter\n"
            "envoy_listener_ssl_versions{envoy_ssl_version=\"TLSv1.3\","
            "envoy_listener_address=\"0.0.0.0_443\"} 2\n");
}

TEST(AgreementStatsTest, OfAClusterAndNothingOfWhatWasNotAgreed) {
  stats::Registry registry;
  AgreementStats counts(registry, stats::ClusterTlsAgreementScope, "a");
  Count("TLS_RSA_WITH_AES_128_GCM_SHA256", "", counts);  // A key exchange without a group.
  EXPECT_EQ(Text(registry),
            "cluster.a.ssl.ciphers.TLS_RSA_WITH_AES_128_GCM_SHA256: 1\n"
            "cluster.a.ssl.versions.TLSv1.3: 1\n");
  EXPECT_NE(Prometheus(registry).find("envoy_cluster_ssl_ciphers{cipher_suite=\"TLS_RSA_WITH_AES_"
                                      "128_GCM_SHA256\",envoy_cluster_name=\"a\"} 1\n"),
            std::string::npos);
}

}  // namespace
}  // namespace proxenos::tls
