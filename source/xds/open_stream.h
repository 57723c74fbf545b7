// A gRPC stream to a target, by whatever carries its calls.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "source/event/event_loop.h"
#include "source/xds/cluster_stream.h"
#include "source/xds/grpc_target.h"
#include "source/xds/message_stream.h"

namespace proxenos::xds {

// Over the target's cluster, where it names one and `find_cluster` is not null; else by grpc++, to
// the `attempt`th of its addresses (modulo their count). What is passed outlives the stream.
struct StreamPlace {
  const GrpcTarget& target;
  const FindCluster& find_cluster;
  const std::string& method;
  size_t attempt = 0;
};
std::unique_ptr<MessageStream> OpenStream(event::EventLoop& loop, const StreamPlace& place,
                                          MessageStream::Events events);

}  // namespace proxenos::xds
