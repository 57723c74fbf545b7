// The message inside a `typed_config`. Envoy lets it be written in two ways: as the message itself
// packed in Any, or as a TypedStruct (xds.type.v3 or udpa.type.v1) in Any, a JSON-like Struct with
// the type's name beside it. Converters ask here and need not know which one was used.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"
#include "source/config/errors.h"

namespace proxenos::config {

// "type.googleapis.com/a.b.C" -> "a.b.C"; empty where the URL has no '/' or an empty name.
std::string_view TypeName(std::string_view type_url);

// Full name of the message type that the typed_config holds, looking through a TypedStruct. Empty
// for an empty Any or a broken TypedStruct.
std::string TypedConfigType(const google::protobuf::Any& any);

// The message held by `any`, made from the generated types; a TypedStruct is converted to the type
// that it names. Null with an error at `path` where the type is unknown or the content broken.
std::unique_ptr<google::protobuf::Message> UnpackTypedConfig(const google::protobuf::Any& any,
                                                             const Path& path, Errors& errors);

// The same into a message whose type the caller expects. False with an error at `path` where `any`
// holds another type or is broken.
bool UnpackTypedConfigTo(const google::protobuf::Any& any, google::protobuf::Message& message,
                         const Path& path, Errors& errors);

// True for the two TypedStruct types.
bool IsTypedStruct(std::string_view type_name);

}  // namespace proxenos::config
