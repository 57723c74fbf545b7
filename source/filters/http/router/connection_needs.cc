// Reading of the needs from a request as it is about to be sent.
#include "source/filters/http/router/connection_needs.h"

#include "source/upstream/request_name.h"

namespace proxenos::filters::router {

upstream::ConnectionNeeds NeedsOf(const filter::StreamContext& stream,
                                  const upstream::ClusterConfig& config) {
  upstream::ConnectionNeeds needs;
  needs.http2 = stream.info.protocol == http::Version::kHttp2;
  upstream::NameConnection(config, stream.request, needs);
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
