// Reading of certificates.
#include "source/tls/certificate.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/err.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/obj.h"
#include "openssl/pem.h"
#include "openssl/pool.h"
#include "openssl/sha.h"
#include "openssl/x509.h"

namespace proxenos::tls {
namespace {

absl::string_view BytesOf(const ASN1_STRING* text) {
  return absl::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                           static_cast<size_t>(ASN1_STRING_length(text)));
}

void AddName(const ASN1_STRING* text, std::vector<std::string>* names) {
  const absl::string_view bytes = BytesOf(text);
  if (bytes.find('\0') == absl::string_view::npos) names->emplace_back(bytes);
}

void AddAddress(const ASN1_STRING* address, std::vector<std::string>* names) {
  const absl::string_view bytes = BytesOf(address);
  char text[INET6_ADDRSTRLEN];
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return;
  if (inet_ntop(family, bytes.data(), text, sizeof(text)) != nullptr) names->emplace_back(text);
}

std::string Dotted(const ASN1_OBJECT* oid) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof(text), oid, /*always_return_oid=*/1);
  if (size <= 0 || size >= static_cast<int>(sizeof(text))) return std::string();
  return text;
}

std::string Decimal(const ASN1_INTEGER* number) {
  const bssl::UniquePtr<BIGNUM> big(ASN1_INTEGER_to_BN(number, nullptr));
  if (big == nullptr) return std::string();
  const bssl::UniquePtr<char> text(BN_bn2dec(big.get()));
  return text == nullptr ? std::string() : std::string(text.get());
}

// The value of an otherName as text: strings by their bytes, numbers in decimal, identifiers
// dotted; of anything else, the content's bytes.
std::string OtherValue(const ASN1_TYPE* value) {
  switch (value->type) {
    case V_ASN1_NULL:
      return std::string();
    case V_ASN1_BOOLEAN:
      return value->value.boolean != 0 ? "true" : "false";
    case V_ASN1_INTEGER:
    case V_ASN1_ENUMERATED:
      return Decimal(value->value.integer);
    case V_ASN1_OBJECT:
      return Dotted(value->value.object);
    default:
      return std::string(BytesOf(value->value.asn1_string));
  }
}

void AddOther(const GENERAL_NAME* name, std::vector<SubjectNames::Other>* names) {
  ASN1_OBJECT* oid = nullptr;
  ASN1_TYPE* value = nullptr;
  if (GENERAL_NAME_get0_otherName(name, &oid, &value) != 1) return;
  std::string text = OtherValue(value);
  if (text.find('\0') != std::string::npos) return;
  names->push_back(SubjectNames::Other{Dotted(oid), std::move(text)});
}

// RFC 2253: from the last relative name to the first, separated by commas.
std::string NameText(const X509_NAME* name) {
  const bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    ERR_clear_error();
    return std::string();
  }
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(out.get(), &data, &size) != 1) return std::string();
  return std::string(reinterpret_cast<const char*>(data), size);
}

int64_t Seconds(const ASN1_TIME* time) {
  int64_t seconds = 0;
  if (ASN1_TIME_to_posix(time, &seconds) != 1) ERR_clear_error();
  return seconds;
}

std::string Hex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace

SubjectNames SubjectNamesOf(const X509& certificate) {
  SubjectNames names;
  const bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (all == nullptr) {
    ERR_clear_error();
    return names;
  }
  for (size_t i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    switch (name->type) {
      case GEN_DNS:
        AddName(name->d.dNSName, &names.dns);
        break;
      case GEN_URI:
        AddName(name->d.uniformResourceIdentifier, &names.uri);
        break;
      case GEN_EMAIL:
        AddName(name->d.rfc822Name, &names.email);
        break;
      case GEN_IPADD:
        AddAddress(name->d.iPAddress, &names.ip);
        break;
      case GEN_OTHERNAME:
        AddOther(name, &names.other);
        break;
      default:
        break;
    }
  }
  return names;
}

std::string CommonNameOf(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  int last = -1;
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) last = i;
  if (last < 0) return std::string();
  uint8_t* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  if (size < 0) {
    ERR_clear_error();
    return std::string();
  }
  const bssl::UniquePtr<uint8_t> owned(text);
  std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  return name.find('\0') == std::string::npos ? name : std::string();
}

bssl::UniquePtr<X509> ParseCertificate(const CRYPTO_BUFFER& der) {
  return bssl::UniquePtr<X509>(X509_parse_from_buffer(&der));
}

bssl::UniquePtr<CRYPTO_BUFFER> EncodeCertificate(const X509& certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509(&certificate, &der);
  if (size <= 0) return nullptr;
  const bssl::UniquePtr<uint8_t> owned(der);
  return bssl::UniquePtr<CRYPTO_BUFFER>(
      CRYPTO_BUFFER_new(der, static_cast<size_t>(size), /*pool=*/nullptr));
}

CertificateDetails DetailsOf(const X509& certificate, absl::string_view path) {
  SubjectNames names = SubjectNamesOf(certificate);
  CertificateDetails details;
  details.path = std::string(path);
  details.serial_number = SerialHex(certificate);
  details.dns_sans = std::move(names.dns);
  details.uri_sans = std::move(names.uri);
  details.ip_sans = std::move(names.ip);
  details.valid_from_s = ValidFrom(certificate);
  details.expires_s = ValidUntil(certificate);
  return details;
}

SessionInfo::Certificate FactsOf(const CRYPTO_BUFFER& der) {
  SessionInfo::Certificate facts;
  const absl::string_view bytes = BytesOf(der);
  uint8_t sha1[SHA_DIGEST_LENGTH];
  SHA1(CRYPTO_BUFFER_data(&der), CRYPTO_BUFFER_len(&der), sha1);
  facts.sha256_hex = Hex(Sha256(bytes));
  facts.sha1_hex = Hex(absl::string_view(reinterpret_cast<const char*>(sha1), sizeof(sha1)));
  facts.pem = ToPem(der);
  const bssl::UniquePtr<X509> parsed = ParseCertificate(der);
  if (parsed == nullptr) {
    ERR_clear_error();
    return facts;
  }
  facts.subject = NameText(X509_get_subject_name(parsed.get()));
  facts.issuer = NameText(X509_get_issuer_name(parsed.get()));
  facts.serial_hex = SerialHex(*parsed);
  SubjectNames names = SubjectNamesOf(*parsed);
  facts.uri_sans = std::move(names.uri);
  facts.dns_sans = std::move(names.dns);
  facts.ip_sans = std::move(names.ip);
  facts.email_sans = std::move(names.email);
  for (SubjectNames::Other& other : names.other) facts.other_sans.push_back(std::move(other.value));
  facts.valid_from_s = ValidFrom(*parsed);
  facts.expires_s = ValidUntil(*parsed);
  return facts;
}

std::string SerialHex(const X509& certificate) {
  const bssl::UniquePtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (number == nullptr) return std::string();
  const bssl::UniquePtr<char> hex(BN_bn2hex(number.get()));
  return hex == nullptr ? std::string() : std::string(hex.get());
}

int64_t ValidFrom(const X509& certificate) { return Seconds(X509_get0_notBefore(&certificate)); }
int64_t ValidUntil(const X509& certificate) { return Seconds(X509_get0_notAfter(&certificate)); }

std::string Sha256(absl::string_view bytes) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
         reinterpret_cast<uint8_t*>(hash.data()));
  return hash;
}

std::string SpkiSha256(const X509& certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) {
    ERR_clear_error();
    return std::string();
  }
  const bssl::UniquePtr<uint8_t> owned(der);
  return Sha256(absl::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(size)));
}

absl::string_view BytesOf(const CRYPTO_BUFFER& der) {
  return absl::string_view(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(&der)),
                           CRYPTO_BUFFER_len(&der));
}

std::string ToPem(const CRYPTO_BUFFER& der) {
  const std::string base64 = absl::Base64Escape(BytesOf(der));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (size_t i = 0; i < base64.size(); i += 64) {
    absl::StrAppend(&pem, absl::string_view(base64).substr(i, 64), "\n");
  }
  absl::StrAppend(&pem, "-----END CERTIFICATE-----\n");
  return pem;
}

}  // namespace proxenos::tls
