// A reader of the fields of an OCSP response that stapling needs.
#include "source/tls/ocsp.h"

#include <ctime>

#include "openssl/posix_time.h"

namespace proxenos::tls {
namespace {

constexpr CBS_ASN1_TAG kTag0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
constexpr CBS_ASN1_TAG kTag1 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1;
constexpr CBS_ASN1_TAG kTag2 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 2;
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

// Steps from an OCSPResponse to its BasicOCSPResponse.
absl::Status OpenBasic(CBS response, CBS* basic) {
  CBS outer, status, explicit_bytes, bytes, type, text;
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
      CBS_get_asn1(&bytes, &text, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1(&text, basic, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&text) != 0) {
    return absl::InvalidArgumentError("OCSP response: not a basic response");
  }
  return absl::OkStatus();
}

// BasicOCSPResponse, but for the list of answers within its data.
bool ReadBasic(CBS basic, OcspResponse* to, CBS* singles) {
  CBS explicit_list, data, version, responder, produced;
  int present = 0;
  CBS_ASN1_TAG kind = 0;
  if (CBS_get_asn1_element(&basic, &to->data, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1_element(&basic, &to->algorithm, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1_element(&basic, &to->signature, CBS_ASN1_BITSTRING) != 1 ||
      CBS_get_optional_asn1(&basic, &explicit_list, &present, kTag0) != 1 || CBS_len(&basic) != 0) {
    return false;
  }
  CBS_init(&to->certificates, nullptr, 0);
  if (present == 1 && CBS_get_asn1(&explicit_list, &to->certificates, CBS_ASN1_SEQUENCE) != 1) {
    return false;
  }
  CBS whole = to->data;
  if (CBS_get_asn1(&whole, &data, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_optional_asn1(&data, &version, &present, kTag0) != 1 ||
      CBS_get_any_asn1(&data, &responder, &kind) != 1 ||
      CBS_get_asn1(&data, &produced, CBS_ASN1_GENERALIZEDTIME) != 1 ||
      CBS_get_asn1(&data, singles, CBS_ASN1_SEQUENCE) != 1) {
    return false;
  }
  to->responder_by_key = kind == kTag2;
  if (kind == kTag1) {
    to->responder = responder;  // A Name, which is tagged explicitly: one whole element.
    return true;
  }
  return kind == kTag2 && CBS_get_asn1(&responder, &to->responder, CBS_ASN1_OCTETSTRING) == 1;
}

// SingleResponse.
bool ReadSingle(CBS single, OcspResponse* to) {
  CBS id, algorithm, status, next, extensions;
  CBS_ASN1_TAG kind = 0;
  int has_next = 0;
  int has_extensions = 0;
  if (CBS_get_asn1(&single, &id, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&algorithm, &to->hash, CBS_ASN1_OBJECT) != 1 ||
      CBS_get_asn1(&id, &to->issuer_name_hash, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1(&id, &to->issuer_key_hash, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1_element(&id, &to->serial, CBS_ASN1_INTEGER) != 1 || CBS_len(&id) != 0 ||
      CBS_get_any_asn1(&single, &status, &kind) != 1 ||
      !ReadTime(&single, &to->times.this_update_s) ||
      CBS_get_optional_asn1(&single, &next, &has_next, kTag0) != 1 ||
      CBS_get_optional_asn1(&single, &extensions, &has_extensions, kTag1) != 1 ||
      CBS_len(&single) != 0) {
    return false;
  }
  to->good = kind == kStatusGood;
  if (has_next == 0) return true;
  int64_t next_update = 0;
  if (!ReadTime(&next, &next_update)) return false;
  to->times.next_update_s = next_update;
  return true;
}

}  // namespace

absl::StatusOr<OcspResponse> ReadOcspResponse(absl::string_view der) {
  if (der.size() > kMaxResponseBytes) {
    return absl::InvalidArgumentError("OCSP response: larger than 64 KiB");
  }
  OcspResponse response;
  CBS whole, basic, singles, single;
  CBS_init(&whole, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  if (const absl::Status opened = OpenBasic(whole, &basic); !opened.ok()) return opened;
  if (!ReadBasic(basic, &response, &singles)) {
    return absl::InvalidArgumentError("OCSP response: its data is malformed");
  }
  if (CBS_get_asn1(&singles, &single, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&singles) != 0) {
    return absl::InvalidArgumentError("OCSP response: exactly one answer is expected");
  }
  if (!ReadSingle(single, &response)) {
    return absl::InvalidArgumentError("OCSP response: its answer is malformed");
  }
  return response;
}

}  // namespace proxenos::tls
