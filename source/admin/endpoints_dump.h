// The endpoints' part of /config_dump?include_eds: as in Envoy, what is in force now, names
// resolved and health included, and not what was sent.
#pragma once

#include <memory>

#include "google/protobuf/message.h"
#include "source/admin/config_dump.h"

namespace proxenos::admin {

std::unique_ptr<google::protobuf::Message> DumpEndpoints(AdminSource& source,
                                                         const ConfigDumpOptions& options);

}  // namespace proxenos::admin
