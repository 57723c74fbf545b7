// Making of test certificates with BoringSSL's X.509 code.
#include "test/support/certificates.h"

#include <arpa/inet.h>

#include <atomic>
#include <ctime>

#include "openssl/asn1.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/bytestring.h"
#include "openssl/cipher.h"
#include "openssl/digest.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/obj.h"
#include "openssl/pem.h"
#include "openssl/pkcs8.h"
#include "openssl/rsa.h"
#include "openssl/sha.h"
#include "openssl/x509.h"
#include "source/base/check.h"

namespace proxenos::testing {
namespace {

bssl::UniquePtr<EVP_PKEY> MakeKey(KeyKind kind) {
  const auto curve = [](int nid) {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(nid));
    CHECK(EC_KEY_generate_key(ec.get()) == 1);
    bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
    CHECK(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
    return key;
  };
  switch (kind) {
    case KeyKind::kP256:
      return curve(NID_X9_62_prime256v1);
    case KeyKind::kP384:
      return curve(NID_secp384r1);
    case KeyKind::kP521:
      return curve(NID_secp521r1);
    case KeyKind::kRsa2048:
      return bssl::UniquePtr<EVP_PKEY>(EVP_RSA_gen(2048));
    case KeyKind::kRsa1024:
      return bssl::UniquePtr<EVP_PKEY>(EVP_RSA_gen(1024));
    case KeyKind::kEd25519:
      break;
  }
  EVP_PKEY* key = nullptr;
  const bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr));
  CHECK(EVP_PKEY_keygen_init(context.get()) == 1 && EVP_PKEY_keygen(context.get(), &key) == 1);
  return bssl::UniquePtr<EVP_PKEY>(key);
}

const EVP_MD* DigestFor(const EVP_PKEY& key) {
  return EVP_PKEY_id(&key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

void SetTime(ASN1_TIME* time, int64_t from_now) {
  CHECK(ASN1_TIME_set_posix(time, std::time(nullptr) + from_now) != nullptr);
}

bssl::UniquePtr<ASN1_STRING> MakeText(int type, const std::string& text) {
  bssl::UniquePtr<ASN1_STRING> made(ASN1_STRING_type_new(type));
  CHECK(ASN1_STRING_set(made.get(), text.data(), static_cast<ossl_ssize_t>(text.size())) == 1);
  return made;
}

void AddText(GENERAL_NAMES* names, int type, const std::string& text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  GENERAL_NAME_set0_value(name.get(), type, MakeText(V_ASN1_IA5STRING, text).release());
  bssl::PushToStack(names, std::move(name));
}

void AddAddress(GENERAL_NAMES* names, const std::string& text) {
  char bytes[16];
  size_t size = 4;
  if (inet_pton(AF_INET, text.c_str(), bytes) != 1) {
    size = 16;
    CHECK(inet_pton(AF_INET6, text.c_str(), bytes) == 1);
  }
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD,
                          MakeText(V_ASN1_OCTET_STRING, std::string(bytes, size)).release());
  bssl::PushToStack(names, std::move(name));
}

void AddOther(GENERAL_NAMES* names, const std::string& oid, const std::string& text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_TYPE> value(ASN1_TYPE_new());
  ASN1_TYPE_set(value.get(), V_ASN1_UTF8STRING, MakeText(V_ASN1_UTF8STRING, text).release());
  CHECK(GENERAL_NAME_set0_othername(name.get(), OBJ_txt2obj(oid.c_str(), 1), value.get()) == 1);
  static_cast<void>(value.release());
  bssl::PushToStack(names, std::move(name));
}

void AddNames(const CertificateWish& wish, X509* certificate) {
  const bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  for (const std::string& name : wish.dns) AddText(names.get(), GEN_DNS, name);
  for (const std::string& name : wish.uris) AddText(names.get(), GEN_URI, name);
  for (const std::string& name : wish.emails) AddText(names.get(), GEN_EMAIL, name);
  for (const std::string& name : wish.ips) AddAddress(names.get(), name);
  for (const auto& [oid, text] : wish.others) AddOther(names.get(), oid, text);
  if (sk_GENERAL_NAME_num(names.get()) == 0) return;
  CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
}

void AddMustStaple(X509* certificate) {
  const std::string features("\x30\x03\x02\x01\x05", 5);
  const bssl::UniquePtr<ASN1_OBJECT> oid(OBJ_txt2obj("1.3.6.1.5.5.7.1.24", 1));
  const bssl::UniquePtr<ASN1_STRING> value = MakeText(V_ASN1_OCTET_STRING, features);
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, value.get()));
  CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void AddCa(X509* certificate) {
  const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  constraints->ca = ASN1_BOOLEAN_TRUE;
  CHECK(X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints.get(), 1, 0) == 1);
}

std::string Taken(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio, &data, &size) == 1);
  return std::string(reinterpret_cast<const char*>(data), size);
}

bssl::UniquePtr<BIO> Memory() { return bssl::UniquePtr<BIO>(BIO_new(BIO_s_mem())); }

std::string Hash(const uint8_t* data, size_t size) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(data, size, reinterpret_cast<uint8_t*>(hash.data()));
  return hash;
}

std::string GeneralizedTime(int64_t from_now) {
  const std::time_t at = std::time(nullptr) + from_now;
  std::tm parts;
  gmtime_r(&at, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &parts));
}

// One DER element.
std::string Der(uint8_t tag, const std::string& content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 128) {
    out.push_back(static_cast<char>(content.size()));
  } else if (content.size() < 256) {
    out.push_back(static_cast<char>(0x81));
    out.push_back(static_cast<char>(content.size()));
  } else {
    CHECK(content.size() < 0x10000);
    out.push_back(static_cast<char>(0x82));
    out.push_back(static_cast<char>(content.size() >> 8));
    out.push_back(static_cast<char>(content.size() & 0xff));
  }
  return out + content;
}

std::string NameHash(const X509_NAME* name) {
  std::string hash(SHA_DIGEST_LENGTH, '\0');
  CHECK(X509_NAME_digest(name, EVP_sha1(), reinterpret_cast<uint8_t*>(hash.data()), nullptr) == 1);
  return hash;
}

std::string KeyHash(const X509& certificate) {
  std::string hash(SHA_DIGEST_LENGTH, '\0');
  CHECK(X509_pubkey_digest(&certificate, EVP_sha1(), reinterpret_cast<uint8_t*>(hash.data()),
                           nullptr) == 1);
  return hash;
}

template <typename Encode, typename Value>
std::string Encoded(Encode encode, const Value* value) {
  uint8_t* der = nullptr;
  const int size = encode(value, &der);
  CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(der);
  return std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
}

void AddOcspSigning(X509* certificate) {
  const bssl::UniquePtr<EXTENDED_KEY_USAGE> usages(sk_ASN1_OBJECT_new_null());
  bssl::UniquePtr<ASN1_OBJECT> usage(OBJ_dup(OBJ_nid2obj(NID_OCSP_sign)));
  CHECK(bssl::PushToStack(usages.get(), std::move(usage)));
  CHECK(X509_add1_ext_i2d(certificate, NID_ext_key_usage, usages.get(), 0, 0) == 1);
}

}  // namespace

TestCertificate::TestCertificate(const CertificateWish& wish, const TestCertificate* issuer)
    : key_(MakeKey(wish.key)), certificate_(X509_new()) {
  static std::atomic<uint64_t> serial{0x1000};
  X509* x509 = certificate_.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), ++serial);
  SetTime(X509_getm_notBefore(x509), wish.valid_from);
  SetTime(X509_getm_notAfter(x509), wish.valid_until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "O", MBSTRING_UTF8,
                             reinterpret_cast<const uint8_t*>("Proxenos Test"), -1, -1, 0);
  if (!wish.common_name.empty()) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const uint8_t*>(wish.common_name.c_str()), -1, -1,
                               0);
  }
  X509_set_issuer_name(x509, X509_get_subject_name(issuer == nullptr ? x509 : &issuer->x509()));
  X509_set_pubkey(x509, key_.get());
  if (wish.is_ca) AddCa(x509);
  AddNames(wish, x509);
  if (wish.must_staple) AddMustStaple(x509);
  if (wish.ocsp_signing) AddOcspSigning(x509);
  const EVP_PKEY& signer = issuer == nullptr ? static_cast<const EVP_PKEY&>(*key_) : issuer->key();
  CHECK(X509_sign(x509, &signer, DigestFor(signer)) > 0);
}

TestCertificate::TestCertificate(TestCertificate&&) noexcept = default;
TestCertificate::~TestCertificate() = default;

std::string TestCertificate::pem() const {
  const bssl::UniquePtr<BIO> out = Memory();
  CHECK(PEM_write_bio_X509(out.get(), certificate_.get()) == 1);
  return Taken(out.get());
}

std::string TestCertificate::der() const {
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate_.get(), &der);
  CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(der);
  return std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
}

std::string TestCertificate::key_pem() const {
  const bssl::UniquePtr<BIO> out = Memory();
  CHECK(PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) == 1);
  return Taken(out.get());
}

std::string TestCertificate::traditional_key_pem() const {
  const bssl::UniquePtr<BIO> out = Memory();
  if (EVP_PKEY_id(key_.get()) == EVP_PKEY_RSA) {
    CHECK(PEM_write_bio_RSAPrivateKey(out.get(), EVP_PKEY_get0_RSA(key_.get()), nullptr, nullptr, 0,
                                      nullptr, nullptr) == 1);
  } else {
    CHECK(PEM_write_bio_ECPrivateKey(out.get(), EVP_PKEY_get0_EC_KEY(key_.get()), nullptr, nullptr,
                                     0, nullptr, nullptr) == 1);
  }
  return Taken(out.get());
}

std::string TestCertificate::encrypted_key_pem(const std::string& password) const {
  const bssl::UniquePtr<BIO> out = Memory();
  CHECK(PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), EVP_aes_256_cbc(), password.data(),
                                      static_cast<int>(password.size()), nullptr, nullptr) == 1);
  return Taken(out.get());
}

std::string TestCertificate::pkcs12(const std::string& password,
                                    const std::vector<const TestCertificate*>& chain) const {
  const bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  for (const TestCertificate* other : chain) {
    bssl::PushToStack(others.get(), bssl::UpRef(other->certificate_));
  }
  const bssl::UniquePtr<PKCS12> bundle(PKCS12_create(
      password.c_str(), "test", key_.get(), certificate_.get(), others.get(), 0, 0, 1000, 1000, 0));
  CHECK(bundle != nullptr);
  const bssl::UniquePtr<BIO> out = Memory();
  CHECK(i2d_PKCS12_bio(out.get(), bundle.get()) == 1);
  return Taken(out.get());
}

std::string TestCertificate::crl_pem(const std::vector<const TestCertificate*>& revoked) const {
  const bssl::UniquePtr<X509_CRL> crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get()));
  const bssl::UniquePtr<ASN1_TIME> time(ASN1_TIME_new());
  SetTime(time.get(), -60);
  X509_CRL_set1_lastUpdate(crl.get(), time.get());
  for (const TestCertificate* one : revoked) {
    bssl::UniquePtr<X509_REVOKED> entry(X509_REVOKED_new());
    X509_REVOKED_set_serialNumber(entry.get(), X509_get0_serialNumber(&one->x509()));
    X509_REVOKED_set_revocationDate(entry.get(), time.get());
    CHECK(X509_CRL_add0_revoked(crl.get(), entry.release()) == 1);
  }
  SetTime(time.get(), 24 * 3600);
  X509_CRL_set1_nextUpdate(crl.get(), time.get());
  X509_CRL_sort(crl.get());
  CHECK(X509_CRL_sign(crl.get(), key_.get(), DigestFor(*key_)) > 0);
  const bssl::UniquePtr<BIO> out = Memory();
  CHECK(PEM_write_bio_X509_CRL(out.get(), crl.get()) == 1);
  return Taken(out.get());
}

std::string TestCertificate::ocsp(int64_t this_update, int64_t next_update) const {
  OcspWish wish;
  wish.this_update = this_update;
  wish.next_update = next_update;
  return ocsp(wish);
}

std::string TestCertificate::ocsp(const OcspWish& wish) const {
  const TestCertificate* signer = wish.signer != nullptr ? wish.signer : wish.issuer;
  const std::string nonsense(20, 'h');
  const std::string sha1("\x06\x05\x2b\x0e\x03\x02\x1a", 7);
  const std::string key_hash = wish.issuer == nullptr ? nonsense : KeyHash(wish.issuer->x509());
  const std::string id = Der(
      0x30, Der(0x30, sha1) + Der(0x04, NameHash(X509_get_issuer_name(certificate_.get()))) +
                Der(0x04, key_hash) + Encoded(i2d_ASN1_INTEGER, X509_get0_serialNumber(&x509())));
  const std::string status =
      wish.revoked ? Der(0xa1, Der(0x18, GeneralizedTime(-3600))) : Der(0x80, "");
  std::string single = id + status + Der(0x18, GeneralizedTime(wish.this_update));
  if (wish.next_update != 0) single += Der(0xa0, Der(0x18, GeneralizedTime(wish.next_update)));
  const std::string responder =
      signer == nullptr ? Der(0xa2, Der(0x04, nonsense))
      : wish.by_key     ? Der(0xa2, Der(0x04, KeyHash(signer->x509())))
                        : Der(0xa1, Encoded(i2d_X509_NAME, X509_get_subject_name(&signer->x509())));
  const std::string data = Der(0x30, responder + Der(0x18, GeneralizedTime(wish.this_update)) +
                                         Der(0x30, Der(0x30, single)));
  const std::string ecdsa("\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 10);
  const std::string signature = signer == nullptr ? std::string(8, '\0') : signer->Sign(data);
  std::string basic = data + Der(0x30, ecdsa) + Der(0x03, std::string(1, '\0') + signature);
  if (wish.signer != nullptr) basic += Der(0xa0, Der(0x30, wish.signer->der()));
  const std::string type("\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 11);
  return Der(0x30, Der(0x0a, std::string(1, '\0')) +
                       Der(0xa0, Der(0x30, type + Der(0x04, Der(0x30, basic)))));
}

std::string TestCertificate::Sign(const std::string& bytes) const {
  CHECK(EVP_PKEY_id(key_.get()) == EVP_PKEY_EC);
  const bssl::UniquePtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t size = 0;
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  CHECK(EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size, data,
                       bytes.size()) == 1);
  signature.resize(size);
  return signature;
}

std::string TestCertificate::sha256() const {
  const std::string bytes = der();
  return Hash(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::string TestCertificate::spki_sha256() const {
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(der);
  return Hash(der, static_cast<size_t>(size));
}

std::string TestCertificate::serial_hex() const {
  const bssl::UniquePtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate_.get()), nullptr));
  const bssl::UniquePtr<char> hex(BN_bn2hex(number.get()));
  return hex.get();
}

TestCertificate MakeCa(const std::string& name) {
  CertificateWish wish;
  wish.common_name = name;
  wish.is_ca = true;
  return TestCertificate(wish);
}

TestCertificate MakeLeaf(const TestCertificate& issuer, const std::string& dns, KeyKind key) {
  CertificateWish wish;
  wish.common_name = dns;
  wish.dns = {dns};
  wish.key = key;
  return TestCertificate(wish, &issuer);
}

}  // namespace proxenos::testing
