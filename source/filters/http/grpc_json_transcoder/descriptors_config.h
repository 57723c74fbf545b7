// A set of descriptors, and the rules of the methods in it, compiled.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "source/config/errors.h"
#include "source/filters/http/grpc_json_transcoder/settings.h"

namespace proxenos::filters::grpc_json_transcoder {

// `bytes`: a serialized google.protobuf.FileDescriptorSet.
absl::StatusOr<std::shared_ptr<const MessageTypes>> CompileDescriptors(const std::string& bytes);

// Adds the methods of `service`, with their rules, to `settings`, whose types are set.
// `auto_mapping`: those without a rule get POST with their own path. Error: no such service, or a
// rule that is wrong.
absl::Status AddService(const std::string& service, bool auto_mapping, Settings& settings);

}  // namespace proxenos::filters::grpc_json_transcoder
