// Compilation of settings with runtime keys.
#include "source/runtime/setting_config.h"

#include <string>

namespace proxenos::runtime {

Fraction CompileFraction(const envoy::type::v3::FractionalPercent& config, config::Errors& errors,
                         const config::Path& path) {
  switch (config.denominator()) {
    case envoy::type::v3::FractionalPercent::HUNDRED:
      return {config.numerator(), 100};
    case envoy::type::v3::FractionalPercent::TEN_THOUSAND:
      return {config.numerator(), 10'000};
    case envoy::type::v3::FractionalPercent::MILLION:
      return {config.numerator(), 1'000'000};
    default:
      errors.AddValue(path.Field("denominator"), std::to_string(config.denominator()),
                      "a known denominator");
      return {};
  }
}

FractionSetting CompileSetting(const envoy::config::core::v3::RuntimeFractionalPercent& config,
                               config::Errors& errors, const config::Path& path) {
  return {CompileFraction(config.default_value(), errors, path.Field("default_value")),
          config.runtime_key()};
}

IntegerSetting CompileSetting(const envoy::config::core::v3::RuntimeUInt32& config) {
  return {config.default_value(), config.runtime_key()};
}

NumberSetting CompileSetting(const envoy::config::core::v3::RuntimeDouble& config) {
  return {config.default_value(), config.runtime_key()};
}

NumberSetting CompileSetting(const envoy::config::core::v3::RuntimePercent& config) {
  return {config.default_value().value(), config.runtime_key()};
}

FlagSetting CompileSetting(const envoy::config::core::v3::RuntimeFeatureFlag& config) {
  return {config.default_value().value(), config.runtime_key()};
}

}  // namespace proxenos::runtime
