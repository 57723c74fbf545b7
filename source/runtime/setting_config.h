// Compiles the messages of the API that name a runtime key beside their default.
#pragma once

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/type/v3/percent.pb.h"
#include "source/config/errors.h"
#include "source/runtime/setting.h"

namespace proxenos::runtime {

// An unknown denominator is an error at `path`.
Fraction CompileFraction(const envoy::type::v3::FractionalPercent& config, config::Errors& errors,
                         const config::Path& path);
FractionSetting CompileSetting(const envoy::config::core::v3::RuntimeFractionalPercent& config,
                               config::Errors& errors, const config::Path& path);
IntegerSetting CompileSetting(const envoy::config::core::v3::RuntimeUInt32& config);
NumberSetting CompileSetting(const envoy::config::core::v3::RuntimeDouble& config);
NumberSetting CompileSetting(const envoy::config::core::v3::RuntimePercent& config);
FlagSetting CompileSetting(const envoy::config::core::v3::RuntimeFeatureFlag& config);

}  // namespace proxenos::runtime
