// From the request to its canonical form, and from that to the signature.
#include "source/filters/http/aws_request_signing/signature.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "openssl/hmac.h"
#include "source/http/percent.h"

namespace proxenos::filters::aws_request_signing {
namespace {

constexpr char kAlgorithm[] = "AWS4-HMAC-SHA256";

std::string Hmac(absl::string_view key, absl::string_view text) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), key.size(), reinterpret_cast<const uint8_t*>(text.data()),
       text.size(), digest, &size);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

void AppendEncoded(absl::string_view text, absl::string_view kept, std::string& out) {
  const auto stays = [kept](char c) { return http::IsUnreserved(c) || kept.find(c) != kept.npos; };
  http::AppendPercentEncoded(text, stays, out);
}

// Without dots and empty parts (RFC 3986, section 5.2.4).
std::string Resolved(absl::string_view path) {
  std::vector<absl::string_view> parts;
  const bool open = path.empty() || path.back() == '/';
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  return absl::StrCat("/", absl::StrJoin(parts, "/"), open && !parts.empty() ? "/" : "");
}

// Runs of blanks count as one.
void AppendValue(absl::string_view value, std::string& out) {
  const auto words = absl::StrSplit(value, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  absl::StrAppend(&out, absl::StrJoin(words, " "));
}

}  // namespace

std::string Sha256::Hex() {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &state_);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

std::string DateText(base::WallTime now) {
  return absl::FormatTime("%Y%m%dT%H%M%SZ", absl::FromUnixMicros(now), absl::UTCTimeZone());
}

std::string CanonicalPath(absl::string_view path, bool normalizes) {
  std::string out;
  if (normalizes) {
    AppendEncoded(Resolved(path), "/", out);
  } else {
    AppendEncoded(http::PercentDecoded(path), "/", out);
  }
  return out.empty() ? "/" : out;
}

std::string CanonicalQuery(absl::string_view query) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const absl::string_view pair : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    auto& one = all.emplace_back();
    AppendEncoded(http::PercentDecoded(halves.first), "", one.first);
    AppendEncoded(http::PercentDecoded(halves.second), "", one.second);
  }
  std::sort(all.begin(), all.end());
  return absl::StrJoin(all, "&", absl::PairFormatter("="));
}

std::string CanonicalRequest(const SigningScope& scope, const Signed& request,
                             std::string* signed_headers) {
  auto headers = request.headers;
  std::stable_sort(headers.begin(), headers.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string fields;
  absl::string_view last;
  for (const auto& [name, value] : headers) {
    if (name == last && !fields.empty()) {
      fields.back() = ',';
    } else {
      absl::StrAppend(signed_headers, signed_headers->empty() ? "" : ";", name);
      absl::StrAppend(&fields, name, ":");
    }
    last = name;
    AppendValue(value, fields);
    fields += '\n';
  }
  const size_t mark = request.path.find('?');
  const absl::string_view query =
      mark == absl::string_view::npos ? absl::string_view() : request.path.substr(mark + 1);
  return absl::StrCat(
      request.method, "\n", CanonicalPath(request.path.substr(0, mark), scope.normalizes), "\n",
      CanonicalQuery(query), "\n", fields, "\n", *signed_headers, "\n", request.payload_hash);
}

std::string Authorization(const Credentials& credentials, const SigningScope& scope,
                          const Signed& request) {
  std::string names;
  const std::string canonical = CanonicalRequest(scope, request, &names);
  const absl::string_view day = scope.date.substr(0, 8);
  const std::string where =
      absl::StrCat(day, "/", scope.region, "/", scope.service, "/aws4_request");
  Sha256 hash;
  hash.Add(canonical);
  const std::string text =
      absl::StrCat(kAlgorithm, "\n", scope.date, "\n", where, "\n", hash.Hex());
  std::string key = Hmac(absl::StrCat("AWS4", credentials.secret_access_key), day);
  for (const absl::string_view part :
       {scope.region, scope.service, absl::string_view("aws4_request")}) {
    key = Hmac(key, part);
  }
  return absl::StrCat(kAlgorithm, " Credential=", credentials.access_key_id, "/", where,
                      ", SignedHeaders=", names,
                      ", Signature=", absl::BytesToHexString(Hmac(key, text)));
}

}  // namespace proxenos::filters::aws_request_signing
