// The character classes and checked copies of source/http by their short names.
#pragma once

#include "source/http/chars.h"
#include "source/http/checked_copy.h"

namespace proxenos::http1 {

using http::ControlMask64;
using http::CopyCountingControls;
using http::CopyTarget;
using http::CopyValue;
using http::FindPlainHostEnd;
using http::FindPlainNameEnd;
using http::FindTargetEnd;
using http::FindValueEnd;
using http::HexValue;
using http::IsBlank;
using http::IsDigit;
using http::IsTargetChar;
using http::IsTokenChar;
using http::IsValueChar;
using http::LowerLetter;
using http::LowerName;
using http::TokenLower;

}  // namespace proxenos::http1
