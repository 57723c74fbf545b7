// Users, passwords, challenges.
#include "source/filters/http/basic_auth/filter.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "openssl/mem.h"
#include "openssl/sha.h"

namespace proxenos::filters::basic_auth {
namespace {

using filter::Verdict;

constexpr absl::string_view kScheme = "basic ";
// More than this names no user, and is not decoded.
constexpr size_t kMaxCredentials = 8192;
// Of the path, in a challenge.
constexpr size_t kMaxRealmPath = 256;

Digest DigestOf(absl::string_view password) {
  Digest digest;
  SHA1(reinterpret_cast<const uint8_t*>(password.data()), password.size(), digest.data());
  return digest;
}

// The URL, without what would end the quotes around it.
std::string RealmOf(const http::RequestHead& head) {
  return absl::StrCat(
      head.scheme, "://", head.authority,
      absl::StrReplaceAll(head.path.substr(0, kMaxRealmPath), {{"\"", "%22"}, {"\\", "%5C"}}));
}

}  // namespace

bool ParseUsers(absl::string_view text, Users* users, std::string* problem) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    absl::string_view hash =
        colon == absl::string_view::npos ? absl::string_view() : line.substr(colon + 1);
    std::string bytes;
    Digest digest;
    if (colon == 0 || !absl::ConsumePrefix(&hash, "{SHA}") || !absl::Base64Unescape(hash, &bytes) ||
        bytes.size() != digest.size()) {
      *problem =
          absl::StrCat("line ", number, ": expected NAME:{SHA}DIGEST, as htpasswd -s writes it");
      return false;
    }
    std::memcpy(digest.data(), bytes.data(), digest.size());
    if (!users->emplace(std::string(line.substr(0, colon)), digest).second) {
      *problem = absl::StrCat("line ", number, ": the user is there twice");
      return false;
    }
  }
  if (!users->empty()) return true;
  *problem = "expected at least one user";
  return false;
}

bool IsPassword(const Users& users, absl::string_view name, absl::string_view password) {
  const Digest given = DigestOf(password);
  const auto it = users.find(name);
  static constexpr Digest kNobody = {};
  const Digest& wanted = it == users.end() ? kNobody : it->second;
  const bool same = CRYPTO_memcmp(given.data(), wanted.data(), given.size()) == 0;
  return same && it != users.end();
}

Verdict BasicAuth::Refuse(absl::string_view body, absl::string_view details) {
  if (part_ != nullptr) part_->stats->denied.Inc();
  const std::string realm = RealmOf(stream_.request);
  stream_.Reply(401, body, details, 0);
  stream_.response.headers.Set(http::HeaderId::kWwwAuthenticate,
                               absl::StrCat("Basic realm=\"", realm, "\""));
  return Verdict::kReplied;
}

Verdict BasicAuth::Pass() {
  if (part_ != nullptr) part_->stats->allowed.Inc();
  return Verdict::kContinue;
}

Verdict BasicAuth::OnRequestHeaders(http::RequestHead& head, bool) {
  // What says who passed is never what a client has sent.
  if (!settings_.forward_header.empty() && settings_.forward_header != settings_.header) {
    head.headers.Remove(settings_.forward_header);
  }
  const http::Header* header = head.headers.Find(settings_.header);
  if (header == nullptr) {
    if (settings_.allow_missing) return Verdict::kContinue;
    return Refuse("User authentication failed. Missing username and password.",
                  "no_credential_for_basic_auth");
  }
  // Of two, the origin could take the one that was not looked at.
  if (std::count_if(head.headers.begin(), head.headers.end(),
                    [&](const http::Header& one) { return one.name() == settings_.header; }) > 1) {
    return Refuse("User authentication failed. Invalid basic credential format.",
                  "invalid_format_for_basic_auth");
  }
  absl::string_view value = header->value();
  if (!absl::StartsWithIgnoreCase(value, kScheme)) {
    if (settings_.allow_missing) return Verdict::kContinue;
    return Refuse("User authentication failed. Expected 'Basic' authentication scheme.",
                  "invalid_scheme_for_basic_auth");
  }
  value = absl::StripAsciiWhitespace(value.substr(kScheme.size()));
  std::string credentials;
  const bool decoded = value.size() <= kMaxCredentials && absl::Base64Unescape(value, &credentials);
  const size_t colon = decoded ? credentials.find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return Refuse("User authentication failed. Invalid basic credential format.",
                  "invalid_format_for_basic_auth");
  }
  const absl::string_view user(credentials.data(), colon);
  if (!IsPassword(users_, user, absl::string_view(credentials).substr(colon + 1))) {
    return Refuse("User authentication failed. Invalid username/password combination.",
                  "invalid_credential_for_basic_auth");
  }
  if (!settings_.forward_header.empty()) head.headers.Set(settings_.forward_header, user);
  if (settings_.keeps_user) {
    stream_.info.metadata.Set(name_, "username", json::Value(std::string(user)));
  }
  return Pass();
}

}  // namespace proxenos::filters::basic_auth
