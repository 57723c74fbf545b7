// From GrpcService.google_grpc, where a call and no subscription goes over it, to a cluster of our
// own: its server, its TLS, and those of gRPC's channel arguments that a cluster can say.
#pragma once

#include "envoy/config/core/v3/grpc_service.pb.h"
#include "source/config/errors.h"
#include "source/rpc/own_target.h"
#include "source/rpc/service.h"

namespace proxenos::rpc {

// Sets the service's cluster, authority, credentials of calls, and limit of messages.
void CompileGoogleTarget(const envoy::config::core::v3::GrpcService::GoogleGrpc& proto,
                         const config::Path& path, config::Errors& errors, GrpcService& service);

}  // namespace proxenos::rpc
