// Text to Document: a YAML reader over libyaml's events and a JSON reader of our own. Both stop at
// the first syntax error (after one, the structure of the rest is a guess) and report it.
#pragma once

#include <string_view>

#include "google/protobuf/struct.pb.h"
#include "source/config/document.h"
#include "source/config/errors.h"
#include "source/config/text.h"

namespace proxenos::config {

// True when `document` was filled. Texts may be referred to by the document and must outlive it.
bool ReadYaml(std::string_view text, const ParseLimits& limits, Document& document,
              const Path& root, Errors& errors);
bool ReadJson(std::string_view text, const ParseLimits& limits, Document& document,
              const Path& root, Errors& errors);

// A Struct as a document, for the content of a TypedStruct. The Struct must outlive the document.
// False when it is nested too deeply.
bool ReadStruct(const google::protobuf::Struct& value, const ParseLimits& limits,
                Document& document);

}  // namespace proxenos::config
