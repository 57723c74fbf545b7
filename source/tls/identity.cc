// Reading and checking of certificate chains and private keys.
#include "source/tls/identity.h"

#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "openssl/bio.h"
#include "openssl/bytestring.h"
#include "openssl/ec.h"
#include "openssl/ec_key.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/nid.h"
#include "openssl/pem.h"
#include "openssl/pkcs8.h"
#include "openssl/pool.h"
#include "openssl/x509.h"
#include "source/base/clock.h"
#include "source/base/log.h"
#include "source/tls/crypto_error.h"

namespace proxenos::tls {
namespace {

// A bundle of every public root has 200 KiB.
constexpr size_t kMaxPemBytes = size_t{16} * 1024 * 1024;
constexpr size_t kMaxKeyBytes = size_t{1024} * 1024;
// Peers refuse longer chains; BoringSSL's limit of a Certificate message is 100 KiB.
constexpr size_t kMaxChain = 32;
// Envoy's and the CA/Browser Forum's.
constexpr int kMinRsaBits = 2048;
// Handshakes with longer ones take a second of CPU each.
constexpr int kMaxRsaBits = 8192;

using Certificates = std::vector<bssl::UniquePtr<X509>>;

absl::Status Fault(absl::string_view what, absl::string_view origin, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(what, " ", origin, ": ", why));
}

bssl::UniquePtr<BIO> Reader(absl::string_view text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())));
}

int GivePassword(char* room, int size, int /*to_encrypt*/, void* context) {
  const auto* password = static_cast<const std::string*>(context);
  if (password->empty() || password->size() > static_cast<size_t>(size)) return -1;
  std::memcpy(room, password->data(), password->size());
  return static_cast<int>(password->size());
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadKey(const Identity& identity) {
  if (identity.key_pem.empty()) return Fault("private key", identity.origin, "is empty");
  if (identity.key_pem.size() > kMaxKeyBytes) {
    return Fault("private key", identity.origin, "is larger than 1 MiB");
  }
  ERR_clear_error();
  const bssl::UniquePtr<BIO> in = Reader(identity.key_pem);
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(
      in.get(), nullptr, &GivePassword, const_cast<std::string*>(&identity.password)));
  if (key != nullptr) return key;
  const std::string reason = TakeCryptoReason();
  if (reason == "BAD_PASSWORD_READ") {
    return Fault("private key", identity.origin, "is encrypted, and no password was given");
  }
  if (reason == "NO_START_LINE") return Fault("private key", identity.origin, "not PEM");
  return Fault("private key", identity.origin,
               identity.password.empty()
                   ? absl::StrCat("cannot be read (", reason, ")")
                   : absl::StrCat("cannot be read, or the password is wrong (", reason, ")"));
}

absl::Status CheckCurve(const EVP_PKEY& key, absl::string_view origin) {
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(&key)))) {
    case NID_X9_62_prime256v1:
    case NID_secp384r1:
    case NID_secp521r1:
      return absl::OkStatus();
    default:
      return Fault("private key", origin, "the curve is not P-256, P-384 or P-521");
  }
}

absl::Status CheckKey(const EVP_PKEY& key, absl::string_view origin) {
  switch (EVP_PKEY_id(&key)) {
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_bits(&key);
      if (bits < kMinRsaBits) {
        return Fault(
            "private key", origin,
            absl::StrCat("the RSA key has ", bits, " bits, at least ", kMinRsaBits, " are needed"));
      }
      if (bits > kMaxRsaBits) {
        return Fault("private key", origin,
                     absl::StrCat("the RSA key has ", bits, " bits, at most ", kMaxRsaBits,
                                  " are accepted"));
      }
      return absl::OkStatus();
    }
    case EVP_PKEY_EC:
      return CheckCurve(key, origin);
    case EVP_PKEY_ED25519:
      return absl::OkStatus();
    default:
      return Fault("private key", origin, "is neither RSA, ECDSA nor Ed25519");
  }
}

bool Fits(const X509& certificate, const EVP_PKEY& key) {
  const EVP_PKEY* own = X509_get0_pubkey(&certificate);
  const bool fits = own != nullptr && EVP_PKEY_cmp(own, &key) == 1;
  ERR_clear_error();
  return fits;
}

struct Pair {
  Certificates chain;
  bssl::UniquePtr<EVP_PKEY> key;
};

// The certificate that the key belongs to comes first; the others keep their order.
absl::StatusOr<Pair> ReadPkcs12(const Identity& identity) {
  if (identity.pkcs12.size() > kMaxKeyBytes) {
    return Fault("PKCS#12", identity.origin, "is larger than 1 MiB");
  }
  ERR_clear_error();
  CBS in;
  CBS_init(&in, reinterpret_cast<const uint8_t*>(identity.pkcs12.data()), identity.pkcs12.size());
  EVP_PKEY* key = nullptr;
  const bssl::UniquePtr<STACK_OF(X509)> all(sk_X509_new_null());
  if (PKCS12_get_key_and_certs(&key, all.get(), &in, identity.password.c_str()) != 1) {
    const std::string reason = TakeCryptoReason();
    return Fault("PKCS#12", identity.origin,
                 reason == "INCORRECT_PASSWORD" ? std::string("the password is wrong")
                                                : absl::StrCat("cannot be read (", reason, ")"));
  }
  Pair pair;
  pair.key.reset(key);
  if (key == nullptr) return Fault("PKCS#12", identity.origin, "holds no private key");
  while (bssl::UniquePtr<X509> next{sk_X509_shift(all.get())}) {
    const bool leaf = Fits(*next, *key) && (pair.chain.empty() || !Fits(*pair.chain[0], *key));
    pair.chain.insert(leaf ? pair.chain.begin() : pair.chain.end(), std::move(next));
  }
  if (pair.chain.empty()) return Fault("PKCS#12", identity.origin, "holds no certificate");
  return pair;
}

absl::StatusOr<Pair> ReadPair(const Identity& identity) {
  if (!identity.pkcs12.empty()) return ReadPkcs12(identity);
  absl::StatusOr<Certificates> chain =
      ReadCertificates(identity.chain_pem, absl::StrCat("certificate chain ", identity.origin));
  if (!chain.ok()) return chain.status();
  absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> key = ReadKey(identity);
  if (!key.ok()) return key.status();
  return Pair{std::move(*chain), std::move(*key)};
}

// RFC 7633: a TLS feature extension that lists status_request (5).
bool MustStaple(const X509& certificate) {
  const bssl::UniquePtr<ASN1_OBJECT> oid(OBJ_txt2obj("1.3.6.1.5.5.7.1.24", 1));
  const int index = X509_get_ext_by_OBJ(&certificate, oid.get(), -1);
  if (index < 0) return false;
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(&certificate, index));
  CBS der, features;
  CBS_init(&der, ASN1_STRING_get0_data(value), static_cast<size_t>(ASN1_STRING_length(value)));
  if (CBS_get_asn1(&der, &features, CBS_ASN1_SEQUENCE) != 1) return false;
  uint64_t feature = 0;
  while (CBS_len(&features) > 0) {
    if (CBS_get_asn1_uint64(&features, &feature) != 1) return false;
    if (feature == 5) return true;
  }
  return false;
}

std::vector<std::string> ServerNames(const X509& leaf) {
  std::vector<std::string> names = SubjectNamesOf(leaf).dns;
  if (names.empty()) {
    std::string common = CommonNameOf(leaf);
    if (!common.empty()) names.push_back(std::move(common));
  }
  for (std::string& name : names) absl::AsciiStrToLower(&name);
  return names;
}

void WarnOfValidity(const X509& leaf, absl::string_view origin) {
  const int64_t now = base::RealClock().Wall() / 1'000'000;
  if (ValidUntil(leaf) < now) {
    PX_LOG(kConfig, kWarn, "certificate ", origin, ": it has expired");
  } else if (ValidFrom(leaf) > now) {
    PX_LOG(kConfig, kWarn, "certificate ", origin, ": it is not valid yet");
  }
}

// The certificate of the chain that signed the leaf; null when it is not there. A chain of one that
// signed itself is its own issuer.
const X509* IssuerIn(const Certificates& chain) {
  for (size_t i = chain.size() > 1 ? 1 : 0; i < chain.size(); ++i) {
    const EVP_PKEY* key = X509_get0_pubkey(chain[i].get());
    if (X509_NAME_cmp(X509_get_issuer_name(chain[0].get()),
                      X509_get_subject_name(chain[i].get())) == 0 &&
        key != nullptr && X509_verify(chain[0].get(), key) == 1) {
      return chain[i].get();
    }
  }
  ERR_clear_error();
  return nullptr;
}

absl::Status AddStaple(const Identity& identity, const Certificates& chain,
                       LoadedIdentity* loaded) {
  if (identity.ocsp_staple.empty()) return absl::OkStatus();
  absl::StatusOr<OcspTimes> times =
      CheckOcspResponse(identity.ocsp_staple, *chain[0], IssuerIn(chain));
  if (!times.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", identity.origin, ": ", times.status().message()));
  }
  loaded->staple = identity.ocsp_staple;
  loaded->staple_times = *times;
  loaded->details[0].ocsp_from_s = times->this_update_s;
  loaded->details[0].ocsp_expires_s = times->next_update_s;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(absl::string_view pem, absl::string_view what) {
  if (pem.empty()) return absl::InvalidArgumentError(absl::StrCat(what, ": is empty"));
  if (pem.size() > kMaxPemBytes) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": is larger than 16 MiB"));
  }
  ERR_clear_error();
  const bssl::UniquePtr<BIO> in = Reader(pem);
  Certificates certificates;
  while (bssl::UniquePtr<X509> next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    certificates.push_back(std::move(next));
  }
  const std::string reason = TakeCryptoReason();
  if (reason != "NO_START_LINE") {
    return absl::InvalidArgumentError(absl::StrCat(what, ": certificate ", certificates.size() + 1,
                                                   " cannot be read (", reason, ")"));
  }
  if (certificates.empty()) return absl::InvalidArgumentError(absl::StrCat(what, ": not PEM"));
  return certificates;
}

absl::StatusOr<LoadedIdentity> LoadIdentity(const Identity& identity) {
  absl::StatusOr<Pair> pair = ReadPair(identity);
  if (!pair.ok()) return pair.status();
  if (pair->chain.size() > kMaxChain) {
    return Fault("certificate chain", identity.origin,
                 absl::StrCat("has ", pair->chain.size(), " certificates, more than ", kMaxChain));
  }
  const X509& leaf = *pair->chain[0];
  if (absl::Status key = CheckKey(*pair->key, identity.origin); !key.ok()) return key;
  if (!Fits(leaf, *pair->key)) {
    return Fault("private key", identity.origin, "does not match the certificate");
  }
  LoadedIdentity loaded;
  for (const bssl::UniquePtr<X509>& certificate : pair->chain) {
    loaded.chain.push_back(EncodeCertificate(*certificate));
    loaded.details.push_back(DetailsOf(*certificate, identity.origin));
  }
  loaded.is_rsa = EVP_PKEY_id(pair->key.get()) == EVP_PKEY_RSA;
  loaded.must_staple = MustStaple(leaf);
  loaded.server_names = ServerNames(leaf);
  if (absl::Status staple = AddStaple(identity, pair->chain, &loaded); !staple.ok()) return staple;
  loaded.timestamps = identity.timestamps;
  WarnOfValidity(leaf, identity.origin);
  loaded.key = std::move(pair->key);
  return loaded;
}

}  // namespace proxenos::tls
