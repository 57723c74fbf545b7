// One line a filter.
#include "source/server/builtin_filters.h"

#include "source/filters/http/buffer/config.h"
#include "source/filters/http/cors/config.h"
#include "source/filters/http/grpc_http1_bridge/config.h"
#include "source/filters/http/grpc_http1_reverse_bridge/config.h"
#include "source/filters/http/grpc_web/config.h"
#include "source/filters/http/router/router_config.h"

namespace proxenos::server {

filter::FilterKinds BuiltinFilters() {
  namespace f = filters;
  static constexpr filter::FilterKind kKinds[] = {
      {"envoy.extensions.filters.http.buffer.v3.Buffer", false, f::buffer::CreateBuffer,
       &f::buffer::kBufferOverride},
      {"envoy.extensions.filters.http.cors.v3.Cors", false, f::cors::CreateCors,
       &f::cors::kCorsOverride},
      {"envoy.extensions.filters.http.grpc_http1_bridge.v3.Config", false,
       f::grpc_http1_bridge::CreateGrpcHttp1Bridge},
      {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig", false,
       f::grpc_http1_reverse_bridge::CreateReverseBridge,
       &f::grpc_http1_reverse_bridge::kReverseBridgeOverride},
      {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", false, f::grpc_web::CreateGrpcWeb},
      {"envoy.extensions.filters.http.router.v3.Router", true, f::router::CreateRouter},
  };
  return kKinds;
}

}  // namespace proxenos::server
