// The quick way through the two checks of a resource: one look over its bytes that proves, for
// nearly every resource that is right, that CheckConstraints and CheckFields have nothing to say
// of it. Of any other it proves nothing, and the two walks are made.
//
// Invariant: what passes here passes there. Whatever this look does not understand to the last bit
// (a field twice, a field aside, rules that are rare) does not pass. It touches what is set alone,
// where the walks ask for each field that a type has. Thread: any.
#pragma once

#include <string_view>

#include "google/protobuf/descriptor.h"

namespace proxenos::config {

// True: both checks find no problem in this message, and no field of it has to be noted as ignored.
// REQUIRES: `bytes` were parsed as a message of `type` without an error.
bool SurelyFine(const google::protobuf::Descriptor& type, std::string_view bytes);

}  // namespace proxenos::config
