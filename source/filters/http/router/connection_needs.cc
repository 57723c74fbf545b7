// Reading of the needs from a request as it is about to be sent.
#include "source/filters/http/router/connection_needs.h"

namespace proxenos::filters::router {
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

upstream::ConnectionNeeds NeedsOf(const filter::StreamContext& stream,
                                  const upstream::ClusterConfig& config) {
  upstream::ConnectionNeeds needs;
  needs.http2 = stream.info.protocol == http::Version::kHttp2;
  if (config.auto_sni || config.auto_san_validation || config.aggregated != nullptr) {
    absl::string_view name = stream.request.authority;
    if (!config.auto_sni_header.empty()) {
      const http::Header* field = stream.request.headers.Find(config.auto_sni_header);
      if (field != nullptr && !field->value().empty()) name = field->value();
    }
    needs.san = HostOf(name);
    // SNI has names only (RFC 6066, section 3).
    if (!IsIp(needs.san)) needs.sni = needs.san;
  }
  if (stream.info.connection != nullptr) {
    const filter::ConnectionInfo& connection = *stream.info.connection;
    needs.client = connection.id;
    needs.source = &connection.remote();
    needs.destination = &connection.local;
    if (connection.proxy_notes != nullptr) needs.tlvs = &connection.proxy_notes->passed;
  }
  return needs;
}

}  // namespace proxenos::filters::router
