// OriginRules: what of a connection manager is about whose a request is and what is changed in it
// before it is routed, beyond what nearly every one says: original_ip_detection_extensions,
// early_header_mutation_extensions, scheme_header_transformation, add_user_agent and
// append_x_forwarded_port.
//
// Invariant: immutable, shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/downstream/client_address.h"
#include "source/route/field_change.h"

namespace proxenos::downstream {

struct OriginRules {
  std::vector<AddressDetector> detectors;  // Empty: x-forwarded-for is read as HttpConfig says.
  std::vector<route::FieldChange> early_changes;
  std::vector<access_log::Formatter> formats;  // Theirs, by HeaderAddition::format_index.
  std::string scheme;                          // What each request's becomes; empty: as it is.
  bool scheme_of_upstream = false;
  bool add_user_agent = false;
  bool append_x_forwarded_port = false;
};

}  // namespace proxenos::downstream
