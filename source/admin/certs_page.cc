// /certs: the certificates of the TLS contexts in force, each with its names and its end.
#include <string>

#include "envoy/admin/v3/certs.pb.h"
#include "source/admin/certificate_expiry.h"
#include "source/admin/pages.h"
#include "source/config/json_output.h"

namespace proxenos::admin {
namespace {

void Fill(const tls::CertificateDetails& from, int64_t now_s,
          envoy::admin::v3::CertificateDetails& to) {
  to.set_path(from.path);
  to.set_serial_number(from.serial_number);
  for (const std::string& name : from.dns_sans) to.add_subject_alt_names()->set_dns(name);
  for (const std::string& uri : from.uri_sans) to.add_subject_alt_names()->set_uri(uri);
  for (const std::string& ip : from.ip_sans) to.add_subject_alt_names()->set_ip_address(ip);
  to.set_days_until_expiration(DaysUntil(from.expires_s, now_s));
  to.mutable_valid_from()->set_seconds(from.valid_from_s);
  to.mutable_expiration_time()->set_seconds(from.expires_s);
  if (from.ocsp_from_s) {
    to.mutable_ocsp_details()->mutable_valid_from()->set_seconds(*from.ocsp_from_s);
  }
  if (from.ocsp_expires_s) {
    to.mutable_ocsp_details()->mutable_expiration()->set_seconds(*from.ocsp_expires_s);
  }
}

}  // namespace

Response CertsPage(AdminSource& source) {
  envoy::admin::v3::Certificates page;
  const int64_t now_s = source.clock.Wall() / 1'000'000;
  const auto add = [&page, now_s](const CertificatesView& view) {
    if (view.chain.empty() && view.roots.empty()) return;
    envoy::admin::v3::Certificate& context = *page.add_certificates();
    for (const auto& each : view.roots) Fill(each, now_s, *context.add_ca_cert());
    for (const auto& each : view.chain) Fill(each, now_s, *context.add_cert_chain());
  };
  if (source.for_each_tls_context != nullptr) source.for_each_tls_context(add);
  config::JsonOptions options;
  options.default_values = true;  // As Envoy prints it.
  return Response::Json(config::ToJson(page, options));
}

}  // namespace proxenos::admin
