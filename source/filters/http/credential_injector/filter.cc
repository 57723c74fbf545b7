// One field, from a secret.
#include "source/filters/http/credential_injector/filter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "source/http/chars.h"

namespace proxenos::filters::credential_injector {

using filter::Verdict;

std::string CredentialInjector::Credential() const {
  if (settings_.client != nullptr) {
    return part_.tokens.has_value() ? std::string(part_.tokens->token()) : std::string();
  }
  const std::shared_ptr<const tls::GenericValues> secret = settings_.secret->Get();
  // What came by SDS is put into a field as it is: it must not end it.
  const bool good = secret != nullptr &&
                    std::all_of(secret->value.begin(), secret->value.end(), http::IsValueChar);
  return good ? secret->value : std::string();
}

Verdict CredentialInjector::OnRequestHeaders(http::RequestHead& head, bool) {
  CredentialInjectorStats& stats = *part_.stats;
  const http::Header* sent = head.headers.Find(settings_.header);
  if (!settings_.overwrite && sent != nullptr) {
    stats.already_exists.Inc();
    return Verdict::kContinue;
  }
  if (const std::string credential = Credential(); !credential.empty()) {
    stats.injected.Inc();
    head.headers.Set(settings_.header, absl::StrCat(settings_.prefix, credential));
    return Verdict::kContinue;
  }
  stats.failed.Inc();
  if (settings_.allow_without) return Verdict::kContinue;
  stream_.Reply(401, "Failed to inject credential.", "failed_to_inject_credential", 0);
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::credential_injector
