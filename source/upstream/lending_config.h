// From proxenos.upstream.lending.v3.ConnectionLending to the desk of a cluster's workers. Room 3 of
// an update.
#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/upstream/lending.h"

namespace proxenos::upstream {

inline constexpr char kConnectionLending[] = "proxenos.upstream.lending.v3.ConnectionLending";

// Null with an error added, at `path`, which is the message's.
std::shared_ptr<const LoanDesk> CompileLending(const google::protobuf::Any& any,
                                               config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
