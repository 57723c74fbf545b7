// An attempt whose messages pass upstream filters.
#include <memory>

#include "source/filter/no_peer.h"
#include "source/filters/http/router/attempt_filters.h"
#include "source/filters/http/router/router.h"
#include "source/filters/http/router/upstream_logs.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::filters::router {
namespace {

using filter::UpstreamFilterParts;

// Made when a worker first needs them.
const filter::WorkerParts& PartsOf(upstream::WorkerCluster& cluster,
                                   const filter::Environment& environment) {
  std::unique_ptr<upstream::ClusterPart>& parts = cluster.filter_part();
  if (parts == nullptr) {
    parts = std::make_unique<UpstreamFilterParts>(
        filter::MakeParts(*cluster.config().upstream_filters, cluster.registry(),
                          cluster.config().stat_name(), environment));
  }
  return static_cast<UpstreamFilterParts&>(*parts).parts;
}

}  // namespace

// As in Envoy, a cluster's own list stands in the place of the router's, even if it is empty but
// for upstream_codec; and filters begin before the connection is there.
void Router::MakeFilters() {
  const filter::UpstreamFilters* own = cluster_->config().upstream_filters.get();
  const filter::UpstreamFilters& filters = own != nullptr ? *own : *config_.upstream_filters;
  if (!filters.any() || (own == nullptr && part_ == nullptr)) return;
  host_ = attempt_->host;
  stream_.info.upstream_remote = host_->address();
  stream_.info.upstream_peer = filter::NoPeer();
  stream_.info.upstream_host_name = host_->hostname();
  stream_.info.upstream_metadata = &*host_->identity().metadata;
  AddressHost();
  const filter::Parts& out = stream_.request_out;
  attempt_->filters = std::make_unique<AttemptFilters>(
      *this, stream_, filters,
      own != nullptr ? PartsOf(*cluster_, stream_.environment) : part_->filter_parts,
      out.end && out.body.empty() && out.trailers == nullptr);
}

const http::RequestHead& Router::sent_head() const {
  return attempt_->filters == nullptr ? stream_.request : attempt_->filters->request;
}

void Router::SendThroughFilters() {
  AttemptFilters& filters = *attempt_->filters;
  filter::Parts& out = stream_.request_out;
  bool more = true;
  while (more) {
    if (MaySendBody() && (!out.body.empty() || out.end)) {
      const bool all = sent_body_.Pass(out.body, [&filters, &out](buffer::Buffer& body) {
        return filters.TakeRequest(body, out.end, out.trailers);
      });
      if (sent_body_.TakeAbandoned()) cluster_->stats().retry_or_shadow_abandoned.Inc();
      if (all) SendMirrors();
    }
    if (!filters.Pump()) return filters.GiveUp();
    more = SendFromFilters() && !out.body.empty();
  }
}

bool Router::SendFromFilters() {
  AttemptFilters& filters = *attempt_->filters;
  upstream::ClientStream* const stream = attempt_->stream.get();
  filter::Parts& out = filters.request_out;
  if (!out.head || !attempt_->head_sent || stream == nullptr) return false;
  if (!filters.head_sent) {
    filters.head_sent = true;
    SuitConnection(filters.request, stream->connection());
    if (pipe_) {
      OpenPipe();
      return false;
    }
    SendHeadOver(*stream, filters.request, out);
    if (attempt_->stream.get() == nullptr) return false;  // The connection would not have it.
  }
  if (out.body.empty() && !out.end) return false;
  if (!FitsLength(filters.request.framing, out)) {
    RefuseLength();
    return false;
  }
  const uint64_t before = out.body.size();
  const bool all = stream->SendBody(out.body, out.end, out.trailers);
  const uint64_t sent = before - out.body.size();
  attempt_->sizes.request_body += sent;
  if (all && out.end) stream_.info.last_upstream_tx = stream_.environment.loop.now();
  return sent != 0;
}

bool Router::ReceiveThroughFilters() {
  AttemptFilters& filters = *attempt_->filters;
  if (attempt_->head && !filters.head_sent) {
    // An answer to nothing, such as the 408 that some hosts end an idle connection with.
    attempt_->head = attempt_->any_bytes = false;
    attempt_->state = upstream::Exchange::State::kReset;
    attempt_->reset = upstream::ResetReason::kRemoteClosed;
    return true;
  }
  filters.TakeResponse(*attempt_);
  if (!filters.Pump()) {
    filters.GiveUp();
    return false;
  }
  if (filters.response_out.head && !response_started_) filters.GiveHead(stream_.response);
  return true;
}

}  // namespace proxenos::filters::router
