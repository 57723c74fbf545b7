// From Route.decorator, Route.tracing and type.tracing.v3.CustomTag to their compiled forms.
#pragma once

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/type/tracing/v3/custom_tag.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"
#include "source/route/compilation_config.h"
#include "source/route/tracing.h"

namespace proxenos::route {

// Takes a format and returns its index.
using AddFormat = absl::FunctionRef<uint32_t(const std::string& text, const config::Path& path)>;

// Tags in the order of their names, the last of a name alone, as a span has each once.
std::vector<CustomTag> CompileCustomTags(
    const google::protobuf::RepeatedPtrField<envoy::type::tracing::v3::CustomTag>& protos,
    AddFormat add_format, const config::Path& path, config::Errors& errors);

// Null where the route says nothing of traces.
std::shared_ptr<const RouteTracing> CompileRouteTracing(
    const envoy::config::route::v3::Route& proto, Compilation& compilation,
    const config::Path& path);

}  // namespace proxenos::route
