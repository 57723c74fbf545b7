// Certificates, keys, CRLs and bundles made on the spot, so that no test depends on files that
// expire.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "openssl/base.h"

namespace proxenos::testing {

enum class KeyKind : uint8_t { kP256, kP384, kP521, kEd25519, kRsa2048, kRsa1024 };

// What a certificate is to say. Times are in seconds from now.
struct CertificateWish {
  std::string common_name;
  std::vector<std::string> dns;
  std::vector<std::string> uris;
  std::vector<std::string> ips;
  std::vector<std::string> emails;
  std::vector<std::pair<std::string, std::string>> others;  // Object identifier, UTF-8 text.
  int64_t valid_from = -3600;
  int64_t valid_until = 30 * 24 * 3600;
  bool is_ca = false;
  bool must_staple = false;
  bool ocsp_signing = false;
  KeyKind key = KeyKind::kP256;
};

class TestCertificate;

// What an OCSP response is to say. Times are in seconds from now.
struct OcspWish {
  int64_t this_update = -60;
  int64_t next_update = 3600;  // 0: none.
  // Of the certificate; null: the hash of its key and the signature are nonsense, which only those
  // can tell who have it.
  const TestCertificate* issuer = nullptr;
  const TestCertificate* signer = nullptr;  // Null: the issuer; else its certificate comes along.
  bool by_key = false;                      // How the signer is named.
  bool revoked = false;
};

// A certificate with its private key.
class TestCertificate {
 public:
  // `issuer` null: signed by itself.
  explicit TestCertificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);
  TestCertificate(TestCertificate&&) noexcept;
  ~TestCertificate();

  std::string pem() const;
  std::string der() const;
  std::string key_pem() const;
  // PKCS#1 for RSA, SEC 1 for ECDSA.
  std::string traditional_key_pem() const;
  std::string encrypted_key_pem(const std::string& password) const;
  // With `chain` behind the own certificate.
  std::string pkcs12(const std::string& password,
                     const std::vector<const TestCertificate*>& chain = {}) const;
  // A CRL of this CA that names `revoked`.
  std::string crl_pem(const std::vector<const TestCertificate*>& revoked) const;
  // An OCSP response about this certificate.
  std::string ocsp(const OcspWish& wish) const;
  std::string ocsp(int64_t this_update, int64_t next_update) const;

  std::string sha256() const;       // 32 bytes.
  std::string spki_sha256() const;  // 32 bytes.
  std::string serial_hex() const;

  const X509& x509() const { return *certificate_; }
  const EVP_PKEY& key() const { return *key_; }

 private:
  std::string Sign(const std::string& bytes) const;

  bssl::UniquePtr<EVP_PKEY> key_;
  bssl::UniquePtr<X509> certificate_;
};

TestCertificate MakeCa(const std::string& name);
// A server's or client's certificate with one DNS name.
TestCertificate MakeLeaf(const TestCertificate& issuer, const std::string& dns,
                         KeyKind key = KeyKind::kP256);

}  // namespace proxenos::testing
