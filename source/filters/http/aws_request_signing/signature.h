// Signature: AWS Signature Version 4 of a request, in its header fields
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
//
// Thread: any.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "openssl/sha.h"
#include "source/base/clock.h"

namespace proxenos::filters::aws_request_signing {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // Empty: none.

  bool set() const { return !access_key_id.empty() && !secret_access_key.empty(); }
};

// What is signed.
struct Signed {
  absl::string_view method;
  absl::string_view path;  // With its query, as it goes out.
  // Names in lower case, in any order; several of a name in theirs.
  std::vector<std::pair<absl::string_view, absl::string_view>> headers;
  absl::string_view payload_hash;  // SHA-256 of the body in hexadecimal, or UNSIGNED-PAYLOAD.
};

// For whom and when.
struct SigningScope {
  absl::string_view service;
  absl::string_view region;
  // "20150830T123600Z"
  absl::string_view date;
  // Whether dots and double slashes of the path are resolved and what is encoded in it is encoded
  // again: all services but S3's.
  bool normalizes = true;
};

// SHA-256, in hexadecimal, of what comes piece by piece.
class Sha256 {
 public:
  Sha256() { SHA256_Init(&state_); }
  void Add(absl::string_view bytes) { SHA256_Update(&state_, bytes.data(), bytes.size()); }
  // Once.
  std::string Hex();

 private:
  SHA256_CTX state_;
};

// The value of the field Authorization.
std::string Authorization(const Credentials& credentials, const SigningScope& scope,
                          const Signed& request);

// "20150830T123600Z"
std::string DateText(base::WallTime now);

// The three steps that a signature consists of, each as the specification shows it.
std::string CanonicalPath(absl::string_view path, bool normalizes);
std::string CanonicalQuery(absl::string_view query);
std::string CanonicalRequest(const SigningScope& scope, const Signed& request,
                             std::string* signed_headers);

}  // namespace proxenos::filters::aws_request_signing
