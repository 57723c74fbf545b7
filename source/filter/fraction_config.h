// FractionalPercent to Fraction.
#pragma once

#include "envoy/type/v3/percent.pb.h"
#include "source/filter/fraction.h"

namespace proxenos::filter {

inline Fraction CompileFraction(const envoy::type::v3::FractionalPercent& proto) {
  switch (proto.denominator()) {
    case envoy::type::v3::FractionalPercent::TEN_THOUSAND:
      return Fraction{proto.numerator(), 10'000};
    case envoy::type::v3::FractionalPercent::MILLION:
      return Fraction{proto.numerator(), 1'000'000};
    default:
      return Fraction{proto.numerator(), 100};
  }
}

}  // namespace proxenos::filter
