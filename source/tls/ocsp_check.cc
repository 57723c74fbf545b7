// Whose an OCSP response is, and who signed it.
#include "absl/strings/str_cat.h"
#include "openssl/asn1.h"
#include "openssl/digest.h"
#include "openssl/err.h"
#include "openssl/obj.h"
#include "openssl/pool.h"
#include "openssl/x509.h"
#include "source/base/clock.h"
#include "source/tls/certificate.h"
#include "source/tls/ocsp.h"

namespace proxenos::tls {
namespace {

// Responders show their own certificate, seldom with one more.
constexpr int kMaxCertificates = 4;

absl::Status Fault(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("OCSP response: ", what));
}

// The algorithm of CertID's hashes (section 4.3); null for another.
const EVP_MD* DigestOf(CBS identifier) {
  const int nid = OBJ_cbs2nid(&identifier);
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()}) {
    if (EVP_MD_type(digest) == nid) return digest;
  }
  return nullptr;
}

bool SerialIs(CBS serial, const X509& certificate) {
  const uint8_t* der = CBS_data(&serial);
  const bssl::UniquePtr<ASN1_INTEGER> number(
      d2i_ASN1_INTEGER(nullptr, &der, static_cast<long>(CBS_len(&serial))));
  return number != nullptr &&
         ASN1_INTEGER_cmp(number.get(), X509_get0_serialNumber(&certificate)) == 0;
}

// CertID: the issuer is known by its name, which the certificate tells, and by its key, which only
// the issuer's own certificate does.
bool IsAbout(const OcspResponse& response, const X509& certificate, const X509* issuer) {
  const EVP_MD* digest = DigestOf(response.hash);
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr || !SerialIs(response.serial, certificate) ||
      X509_NAME_digest(X509_get_issuer_name(&certificate), digest, hash, &size) != 1 ||
      CBS_mem_equal(&response.issuer_name_hash, hash, size) != 1) {
    return false;
  }
  return issuer == nullptr || (X509_pubkey_digest(issuer, digest, hash, &size) == 1 &&
                               CBS_mem_equal(&response.issuer_key_hash, hash, size) == 1);
}

bool IsResponder(const OcspResponse& response, const X509& candidate) {
  if (response.responder_by_key) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return X509_pubkey_digest(&candidate, EVP_sha1(), hash, &size) == 1 &&
           CBS_mem_equal(&response.responder, hash, size) == 1;
  }
  const uint8_t* der = CBS_data(&response.responder);
  const bssl::UniquePtr<X509_NAME> name(
      d2i_X509_NAME(nullptr, &der, static_cast<long>(CBS_len(&response.responder))));
  return name != nullptr && X509_NAME_cmp(name.get(), X509_get_subject_name(&candidate)) == 0;
}

bool SignedBy(const OcspResponse& response, const X509& signer) {
  // ANY keeps the bytes as they came, which are what was signed.
  const uint8_t* at = CBS_data(&response.data);
  const bssl::UniquePtr<ASN1_TYPE> data(
      d2i_ASN1_TYPE(nullptr, &at, static_cast<long>(CBS_len(&response.data))));
  at = CBS_data(&response.algorithm);
  const bssl::UniquePtr<X509_ALGOR> algorithm(
      d2i_X509_ALGOR(nullptr, &at, static_cast<long>(CBS_len(&response.algorithm))));
  at = CBS_data(&response.signature);
  const bssl::UniquePtr<ASN1_BIT_STRING> signature(
      d2i_ASN1_BIT_STRING(nullptr, &at, static_cast<long>(CBS_len(&response.signature))));
  const EVP_PKEY* key = X509_get0_pubkey(&signer);
  return data != nullptr && algorithm != nullptr && signature != nullptr && key != nullptr &&
         ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm.get(), signature.get(), data.get(),
                          key) == 1;
}

// Whom the issuer has asked to sign for it, and for how long.
bool IsDelegate(X509& candidate, const X509& issuer, int64_t now_s) {
  const EVP_PKEY* key = X509_get0_pubkey(&issuer);
  return (X509_get_extended_key_usage(&candidate) & XKU_OCSP_SIGN) != 0 &&
         X509_get_ext_by_NID(&candidate, NID_ext_key_usage, -1) >= 0 &&
         X509_NAME_cmp(X509_get_issuer_name(&candidate), X509_get_subject_name(&issuer)) == 0 &&
         key != nullptr && X509_verify(&candidate, key) == 1 && ValidFrom(candidate) <= now_s &&
         now_s <= ValidUntil(candidate);
}

absl::Status CheckSignature(const OcspResponse& response, const X509& issuer) {
  if (IsResponder(response, issuer)) {
    return SignedBy(response, issuer) ? absl::OkStatus() : Fault("its signature is wrong");
  }
  const int64_t now_s = base::RealClock().Wall() / 1'000'000;
  CBS list = response.certificates;
  for (int i = 0; i < kMaxCertificates && CBS_len(&list) > 0; ++i) {
    CBS element;
    if (CBS_get_asn1_element(&list, &element, CBS_ASN1_SEQUENCE) != 1) break;
    const bssl::UniquePtr<CRYPTO_BUFFER> der(
        CRYPTO_BUFFER_new_from_CBS(&element, /*pool=*/nullptr));
    const bssl::UniquePtr<X509> candidate = ParseCertificate(*der);
    if (candidate == nullptr || !IsResponder(response, *candidate)) continue;
    if (!IsDelegate(*candidate, issuer, now_s)) continue;
    return SignedBy(response, *candidate) ? absl::OkStatus() : Fault("its signature is wrong");
  }
  return Fault("whoever signed it may not speak for the certificate's issuer");
}

}  // namespace

absl::StatusOr<OcspTimes> CheckOcspResponse(absl::string_view der, const X509& certificate,
                                            const X509* issuer) {
  const absl::StatusOr<OcspResponse> response = ReadOcspResponse(der);
  if (!response.ok()) return response.status();
  if (!IsAbout(*response, certificate, issuer)) {
    return Fault("it does not match its TLS certificate");
  }
  if (!response->good) return Fault("it does not call the certificate good");
  if (issuer != nullptr) {
    absl::Status is_signed = CheckSignature(*response, *issuer);
    ERR_clear_error();
    if (!is_signed.ok()) return is_signed;
  }
  return response->times;
}

}  // namespace proxenos::tls
