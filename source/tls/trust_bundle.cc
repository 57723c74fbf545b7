// From JSON Web Keys to PEM.
#include "source/tls/trust_bundle.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/json/parse.h"
#include "source/json/value.h"

namespace proxenos::tls {
namespace {

// A member that is an object or a list; null for another, and when there is none.
const json::Object* ObjectIn(const json::Object& object, absl::string_view name) {
  const auto it = object.find(name);
  return it == object.end() ? nullptr : it->second.object();
}
const json::List* ListIn(const json::Object& object, absl::string_view name) {
  const auto it = object.find(name);
  return it == object.end() ? nullptr : it->second.list();
}

void AppendPem(absl::string_view der, std::string& pem) {
  constexpr size_t kLine = 64;
  const std::string text = absl::Base64Escape(der);
  absl::StrAppend(&pem, "-----BEGIN CERTIFICATE-----\n");
  for (size_t at = 0; at < text.size(); at += kLine) {
    absl::StrAppend(&pem, absl::string_view(text).substr(at, kLine), "\n");
  }
  absl::StrAppend(&pem, "-----END CERTIFICATE-----\n");
}

// One JSON Web Key; false when it is malformed.
bool AddKey(const json::Value& value, std::string& pem) {
  const json::Object* key = value.object();
  if (key == nullptr) return false;
  const absl::string_view use = json::FindText(*key, "use");
  if (use.empty()) return false;
  if (use != "x509-svid") return true;
  // Section 4.2.2: exactly one, of the authority itself.
  const json::List* chain = ListIn(*key, "x5c");
  if (chain == nullptr || chain->size() != 1 || chain->front().text() == nullptr) return false;
  std::string der;
  if (!absl::Base64Unescape(*chain->front().text(), &der) || der.empty()) return false;
  AppendPem(der, pem);
  return true;
}

}  // namespace

absl::StatusOr<std::vector<TrustDomain>> ReadTrustBundles(absl::string_view json,
                                                          const std::string& origin) {
  const auto wrong = [&origin](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("trust bundles ", origin, ": ", what));
  };
  const std::optional<json::Object> map = json::ParseObject(json);
  if (!map) return wrong("not JSON of an object");
  const json::Object* domains = ObjectIn(*map, "trust_domains");
  if (domains == nullptr || domains->empty()) return wrong("there are no trust_domains");
  std::vector<TrustDomain> all;
  for (const auto& [name, value] : *domains) {
    const json::Object* bundle = value.object();
    const json::List* keys = bundle == nullptr ? nullptr : ListIn(*bundle, "keys");
    if (name.empty() || keys == nullptr) {
      return wrong(absl::StrCat("trust domain '", name, "' has no keys"));
    }
    TrustDomain domain{name, "", origin};
    for (size_t i = 0; i < keys->size(); ++i) {
      if (!AddKey((*keys)[i], domain.bundle_pem)) {
        return wrong(absl::StrCat("trust domain '", name, "': keys[", i,
                                  "] is no key with a use, or no x5c of one certificate"));
      }
    }
    if (domain.bundle_pem.empty()) {
      return wrong(absl::StrCat("trust domain '", name, "' has no key of use x509-svid"));
    }
    all.push_back(std::move(domain));
  }
  return all;
}

}  // namespace proxenos::tls
