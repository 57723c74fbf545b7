// How RE2 reads the patterns of match::Regex, for what compiles several of them into one.
#pragma once

#include "re2/re2.h"

namespace proxenos::match {

// Pattern and text are bytes (Regex::Unit::kByte); errors are for the caller to tell.
inline re2::RE2::Options ByteOptions() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  return options;
}

}  // namespace proxenos::match
