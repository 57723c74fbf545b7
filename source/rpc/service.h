// What a filter's configuration says of a service that it asks: where it is and how to speak to it.
#pragma once

#include <string>

#include "source/rpc/call.h"
#include "source/rpc/own_target.h"

namespace proxenos::rpc {

// core.v3.GrpcService
struct GrpcService {
  std::string cluster;
  // All but the path, which the caller sets once when it compiles its configuration.
  CallOptions options;
  // The cluster, where the server is named by its address; else null.
  OwnTargetPtr own = nullptr;
};

// core.v3.HttpUri
struct HttpService {
  std::string cluster;
  std::string authority;
  std::string path;  // With its query; "/" where the URI has none.
  base::Nanos timeout = 0;
};

}  // namespace proxenos::rpc
