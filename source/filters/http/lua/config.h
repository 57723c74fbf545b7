// From the Lua filter's configuration to its factory.
#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_config.h"
#include "source/route/filter_override_config.h"

namespace proxenos::filters::lua {

extern const route::OverrideKind kLuaOverride;

// Every script is loaded once, here, so that one that cannot be is an error of the configuration.
std::unique_ptr<filter::FilterFactory> CreateLua(const google::protobuf::Any& config,
                                                 const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::lua
