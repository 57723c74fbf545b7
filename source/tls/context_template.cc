// The merge of validation contexts.
#include "source/tls/context_template.h"

#include <algorithm>
#include <utility>

namespace proxenos::tls {
namespace {

template <typename T>
void Join(std::vector<T>& list, const std::vector<T>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

void Replace(std::string& value, const std::string& over) {
  if (!over.empty()) value = over;
}

}  // namespace

Validation Merge(Validation base, const Validation& over) {
  // The origin names the file or secret that the roots are from.
  if (!over.trusted_ca_pem.empty() || base.origin.empty()) base.origin = over.origin;
  Replace(base.trusted_ca_pem, over.trusted_ca_pem);
  Replace(base.crl_pem, over.crl_pem);
  if (!over.trust_domains.empty()) base.trust_domains = over.trust_domains;
  Join(base.san_matchers, over.san_matchers);
  // The deprecated, untyped ones count only where there are no typed ones.
  const auto untyped = [](const SanMatcher& each) { return each.type == SanMatcher::Type::kAny; };
  auto& sans = base.san_matchers;
  if (!std::all_of(sans.begin(), sans.end(), untyped)) {
    sans.erase(std::remove_if(sans.begin(), sans.end(), untyped), sans.end());
  }
  Join(base.spki_pins, over.spki_pins);
  Join(base.certificate_pins, over.certificate_pins);
  base.system_roots |= over.system_roots;
  base.accept_untrusted |= over.accept_untrusted;
  base.allow_expired |= over.allow_expired;
  base.only_verify_leaf_crl |= over.only_verify_leaf_crl;
  base.require_signed_certificate_timestamp |= over.require_signed_certificate_timestamp;
  base.suppress_client_ca_list |= over.suppress_client_ca_list;
  if (over.max_verify_depth.has_value()) base.max_verify_depth = over.max_verify_depth;
  return base;
}

}  // namespace proxenos::tls
