// From request_mirror_policies, of a route, a virtual host or the whole table, to Mirrors.
#pragma once

#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/route/action.h"
#include "source/route/compilation_config.h"

namespace proxenos::route {

using MirrorProtos =
    google::protobuf::RepeatedPtrField<envoy::config::route::v3::RouteAction::RequestMirrorPolicy>;

std::vector<Mirror> CompileMirrors(const MirrorProtos& policies, Compilation& compilation,
                                   const config::Path& path);

}  // namespace proxenos::route
