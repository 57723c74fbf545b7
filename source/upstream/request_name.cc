// Reading of authorities, and of the fields that stand in their place.
#include "source/upstream/request_name.h"

#include "absl/strings/string_view.h"
#include "source/net/address.h"

namespace proxenos::upstream {
namespace {

// The host of an authority, without brackets.
absl::string_view HostOf(absl::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    return end == absl::string_view::npos ? absl::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool IsIp(absl::string_view host) {
  const bool may_be = host.find(':') != absl::string_view::npos ||
                      (!host.empty() && host.back() >= '0' && host.back() <= '9');
  return may_be && net::Address::FromIp(host, 0).ok();
}

}  // namespace

void NameConnection(const ClusterConfig& config, const http::RequestHead& head,
                    ConnectionNeeds& needs) {
  if (!config.auto_sni && !config.auto_san_validation && config.aggregated == nullptr) return;
  absl::string_view name = head.authority;
  if (!config.auto_sni_header.empty()) {
    const http::Header* field = head.headers.Find(config.auto_sni_header);
    if (field != nullptr && !field->value().empty()) name = field->value();
  }
  const absl::string_view host = HostOf(name);
  // What names nobody is verified as it stands, which no certificate fits: never not at all.
  needs.san = !host.empty() ? host : !name.empty() ? name : absl::string_view(":");
  // SNI has names only (RFC 6066, section 3).
  if (!IsIp(host)) needs.sni = host;
}

}  // namespace proxenos::upstream
