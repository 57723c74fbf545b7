// A reader of the few fields of an OCSP response that stapling needs.
#include "source/tls/ocsp.h"

#include <ctime>

#include "openssl/asn1.h"
#include "openssl/bytestring.h"
#include "openssl/posix_time.h"
#include "openssl/x509.h"

namespace proxenos::tls {
namespace {

constexpr CBS_ASN1_TAG kTag0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
constexpr CBS_ASN1_TAG kStatusGood = CBS_ASN1_CONTEXT_SPECIFIC | 0;
constexpr size_t kMaxResponseBytes = size_t{64} * 1024;

// 1.3.6.1.5.5.7.48.1.1, id-pkix-ocsp-basic.
constexpr uint8_t kBasicResponse[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

bool ReadTime(CBS* in, int64_t* seconds) {
  CBS text;
  std::tm parts;
  return CBS_get_asn1(in, &text, CBS_ASN1_GENERALIZEDTIME) == 1 &&
         CBS_parse_generalized_time(&text, &parts, /*allow_timezone_offset=*/0) == 1 &&
         OPENSSL_tm_to_posix(&parts, seconds) == 1;
}

// Steps from an OCSPResponse to its list of SingleResponse.
absl::Status OpenResponses(CBS response, CBS* singles) {
  CBS outer, status, explicit_bytes, bytes, type, basic_text, basic, data, produced;
  uint8_t code = 0;
  if (CBS_get_asn1(&response, &outer, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&response) != 0 ||
      CBS_get_asn1(&outer, &status, CBS_ASN1_ENUMERATED) != 1 || CBS_get_u8(&status, &code) != 1) {
    return absl::InvalidArgumentError("OCSP response: not DER of an OCSPResponse");
  }
  if (code != 0) return absl::InvalidArgumentError("OCSP response: its status is not successful");
  if (CBS_get_asn1(&outer, &explicit_bytes, kTag0) != 1 ||
      CBS_get_asn1(&explicit_bytes, &bytes, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&bytes, &type, CBS_ASN1_OBJECT) != 1 ||
      CBS_mem_equal(&type, kBasicResponse, sizeof(kBasicResponse)) != 1 ||
      CBS_get_asn1(&bytes, &basic_text, CBS_ASN1_OCTETSTRING) != 1) {
    return absl::InvalidArgumentError("OCSP response: not a basic response");
  }
  int has_version = 0;
  CBS version, responder;
  CBS_ASN1_TAG responder_kind;
  if (CBS_get_asn1(&basic_text, &basic, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&basic, &data, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_optional_asn1(&data, &version, &has_version, kTag0) != 1 ||
      CBS_get_any_asn1(&data, &responder, &responder_kind) != 1 ||
      CBS_get_asn1(&data, &produced, CBS_ASN1_GENERALIZEDTIME) != 1 ||
      CBS_get_asn1(&data, singles, CBS_ASN1_SEQUENCE) != 1) {
    return absl::InvalidArgumentError("OCSP response: its data is malformed");
  }
  return absl::OkStatus();
}

bool SerialIs(CBS* certificate_id, const X509& certificate) {
  CBS algorithm, name_hash, key_hash, serial;
  if (CBS_get_asn1(certificate_id, &algorithm, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(certificate_id, &name_hash, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1(certificate_id, &key_hash, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1_element(certificate_id, &serial, CBS_ASN1_INTEGER) != 1) {
    return false;
  }
  const uint8_t* der = CBS_data(&serial);
  const bssl::UniquePtr<ASN1_INTEGER> number(
      d2i_ASN1_INTEGER(nullptr, &der, static_cast<long>(CBS_len(&serial))));
  return number != nullptr &&
         ASN1_INTEGER_cmp(number.get(), X509_get0_serialNumber(&certificate)) == 0;
}

}  // namespace

absl::StatusOr<OcspTimes> ParseOcspResponse(absl::string_view der, const X509& certificate) {
  if (der.size() > kMaxResponseBytes) {
    return absl::InvalidArgumentError("OCSP response: larger than 64 KiB");
  }
  CBS response, singles, single, certificate_id, certificate_status;
  CBS_init(&response, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  if (const absl::Status opened = OpenResponses(response, &singles); !opened.ok()) return opened;
  CBS_ASN1_TAG status_kind;
  if (CBS_get_asn1(&singles, &single, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&singles) != 0) {
    return absl::InvalidArgumentError("OCSP response: exactly one answer is expected");
  }
  if (CBS_get_asn1(&single, &certificate_id, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_any_asn1(&single, &certificate_status, &status_kind) != 1) {
    return absl::InvalidArgumentError("OCSP response: its answer is malformed");
  }
  if (!SerialIs(&certificate_id, certificate)) {
    return absl::InvalidArgumentError("OCSP response: it does not match its TLS certificate");
  }
  if (status_kind != kStatusGood) {
    return absl::InvalidArgumentError("OCSP response: it does not call the certificate good");
  }
  OcspTimes times;
  int has_next = 0;
  CBS next;
  int64_t next_update = 0;
  if (!ReadTime(&single, &times.this_update_s) ||
      CBS_get_optional_asn1(&single, &next, &has_next, kTag0) != 1 ||
      (has_next == 1 && !ReadTime(&next, &next_update))) {
    return absl::InvalidArgumentError("OCSP response: its times are malformed");
  }
  if (has_next == 1) times.next_update_s = next_update;
  return times;
}

}  // namespace proxenos::tls
