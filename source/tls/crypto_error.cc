// Draining of BoringSSL's error queue.
#include "source/tls/crypto_error.h"

#include "absl/strings/str_cat.h"
#include "openssl/err.h"

namespace proxenos::tls {
namespace {

absl::string_view Text(const char* text) {
  return text == nullptr ? absl::string_view("unknown") : absl::string_view(text);
}

}  // namespace

std::string TakeCryptoReason() {
  uint32_t newest = 0;
  while (const uint32_t error = ERR_get_error()) newest = error;
  if (newest == 0) return "unknown";
  return std::string(Text(ERR_reason_error_string(newest)));
}

std::string TakeCryptoErrors(const std::string& detail) {
  std::string text;
  while (const uint32_t error = ERR_get_error()) {
    if (text.empty()) text = "TLS_error:";
    absl::StrAppend(&text, "|", error, ":", Text(ERR_lib_error_string(error)),
                    ":OPENSSL_internal:", Text(ERR_reason_error_string(error)));
  }
  if (text.empty()) return text;
  if (!detail.empty()) absl::StrAppend(&text, ":", detail);
  absl::StrAppend(&text, ":TLS_error_end");
  return text;
}

}  // namespace proxenos::tls
