// Values as Envoy prints them where an expression stands for a text.
//
// Thread: any.
#pragma once

#include <string>

#include "source/cel/value.h"

namespace proxenos::cel {

// Lists and maps are "CelList value" and "CelMap value", null is "NULL". REQUIRES: no error.
std::string Print(const Value& value);

}  // namespace proxenos::cel
