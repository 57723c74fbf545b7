// From the numbers of a hello to texts and hashes.
#include "source/filters/listener/tls_inspector/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "openssl/md5.h"
#include "openssl/sha.h"

namespace proxenos::filters::tls_inspector {
namespace {

constexpr uint16_t kServerName = 0;
constexpr uint16_t kProtocols = 16;
constexpr size_t kHashDigits = 12;  // JA4 cuts its hashes.

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

absl::string_view VersionText(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    default:
      return "00";
  }
}

// At most 99, in two digits.
std::string Count(size_t count) {
  return absl::StrCat(absl::Dec(std::min<size_t>(count, 99), absl::kZeroPad2));
}

// The first and the last character of a protocol's name; where either is neither a letter nor a
// digit, of its bytes in hexadecimal.
std::string Ends(const std::string& name) {
  if (name.empty()) return "00";
  const auto alphanumeric = [](char c) { return absl::ascii_isalnum(static_cast<uint8_t>(c)); };
  if (alphanumeric(name.front()) && alphanumeric(name.back())) {
    return {name.front(), name.back()};
  }
  const std::string hex = absl::BytesToHexString(name);
  return {hex.front(), hex.back()};
}

std::string HexList(const std::vector<uint16_t>& numbers) {
  return absl::StrJoin(numbers, ",", [](std::string* out, uint16_t number) {
    absl::StrAppend(out, absl::Hex(number, absl::kZeroPad4));
  });
}

std::string ShortHash(const std::string& text) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(Bytes(text), text.size(), digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), kHashDigits / 2));
}

std::string CipherHash(const HelloShape& shape) {
  if (shape.ciphers.empty()) return std::string(kHashDigits, '0');
  std::vector<uint16_t> ciphers = shape.ciphers;
  std::sort(ciphers.begin(), ciphers.end());
  return ShortHash(HexList(ciphers));
}

// Whose name and protocols are asked for says more of the request than of the client.
std::string ExtensionHash(const HelloShape& shape) {
  std::vector<uint16_t> extensions;
  for (const uint16_t type : shape.extensions) {
    if (type != kServerName && type != kProtocols) extensions.push_back(type);
  }
  if (extensions.empty()) return std::string(kHashDigits, '0');
  std::sort(extensions.begin(), extensions.end());
  std::string text = HexList(extensions);
  if (!shape.signature_algorithms.empty()) {
    absl::StrAppend(&text, "_", HexList(shape.signature_algorithms));
  }
  return ShortHash(text);
}

}  // namespace

std::string Ja3Text(const HelloShape& shape) {
  return absl::StrCat(shape.legacy_version, ",", absl::StrJoin(shape.ciphers, "-"), ",",
                      absl::StrJoin(shape.extensions, "-"), ",", absl::StrJoin(shape.groups, "-"),
                      ",", absl::StrJoin(shape.point_formats, "-"));
}

std::string Ja3(const HelloShape& shape) {
  const std::string text = Ja3Text(shape);
  std::array<uint8_t, MD5_DIGEST_LENGTH> digest;
  MD5(Bytes(text), text.size(), digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string Ja4(const HelloShape& shape) {
  return absl::StrCat("t", VersionText(shape.version), shape.names_server ? "d" : "i",
                      Count(shape.ciphers.size()), Count(shape.extensions.size()),
                      Ends(shape.first_protocol), "_", CipherHash(shape), "_",
                      ExtensionHash(shape));
}

}  // namespace proxenos::filters::tls_inspector
