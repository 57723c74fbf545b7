// Compiles the entries of a layer: of a Struct (static and RTDS layers), and of text (files of a
// disk layer, the admin layer).
#pragma once

#include <memory>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "source/config/errors.h"
#include "source/runtime/snapshot.h"

namespace proxenos::runtime {

// Nested structs join their keys with dots; one with a numerator is a fraction. Never null; what is
// wrong is added to `errors`.
std::shared_ptr<const Layer> CompileLayer(const std::string& name,
                                          const google::protobuf::Struct& config,
                                          config::Errors& errors, const config::Path& path);

// A value as people write it, as YAML. Text that is nothing else is text.
Value ParseValue(absl::string_view text);

}  // namespace proxenos::runtime
