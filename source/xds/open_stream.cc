// Which kind of stream.
#include "source/xds/open_stream.h"

#include <utility>

#include "source/xds/grpc_stream.h"

namespace proxenos::xds {

std::unique_ptr<MessageStream> OpenStream(event::EventLoop& loop, const StreamPlace& place,
                                          MessageStream::Events events) {
  if (!place.target.cluster.empty() && place.find_cluster != nullptr) {
    return std::make_unique<ClusterStream>(loop, place.find_cluster, place.target, place.method,
                                           std::move(events));
  }
  return std::make_unique<GrpcStream>(loop, place.target, place.method, place.attempt,
                                      std::move(events));
}

}  // namespace proxenos::xds
