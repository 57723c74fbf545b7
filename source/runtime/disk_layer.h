// A layer of files: the name of a file, with those of its folders before it and dots between, is
// the key; what it holds is the value. Lines that begin with '#' are comments.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "source/runtime/snapshot.h"

namespace proxenos::runtime {

// Error: something in there cannot be read, or is more than a layer may hold.
absl::StatusOr<std::shared_ptr<const Layer>> ReadDiskLayer(const std::string& name,
                                                           const std::string& directory);

}  // namespace proxenos::runtime
