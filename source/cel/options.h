// Options: what an expression may do besides reading: envoy.config.core.v3.CelExpressionConfig. All
// are off unless that says otherwise, as in Envoy: they copy texts that peers send.
//
// Thread: any.
#pragma once

namespace proxenos::cel {

struct Options {
  bool string_conversion = false;  // string()
  bool string_concat = false;      // + of texts
  bool string_functions = false;   // replace, split, lowerAscii, upperAscii
};

}  // namespace proxenos::cel
