// What /config_dump and the like can be told of one resource: its versions as they were sent, and
// what was last refused. The compiled forms stand beside it in the stores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "source/base/clock.h"
#include "source/xds/resource.h"

namespace proxenos::server {

// One version of a resource.
struct ResourceVersion {
  std::string version;                       // Empty for static ones.
  std::shared_ptr<const std::string> bytes;  // The serialized proto.
  base::WallTime last_updated = 0;

  static ResourceVersion Of(const xds::Resource& resource, base::WallTime now) {
    return {resource.version, resource.bytes, now};
  }
  bool SameBytes(const xds::Resource& resource) const { return *bytes == *resource.bytes; }
};

// The newest version when it was refused: what is in force is an older one, or nothing.
struct Refusal {
  ResourceVersion resource;
  std::string reason;
};

// One resource, for whoever walks the store. The pointers are good until the walk ends.
struct ResourceView {
  const std::string& name;
  bool is_static = false;
  const ResourceVersion* active = nullptr;
  const ResourceVersion* warming = nullptr;
  const ResourceVersion* draining = nullptr;
  const Refusal* refused = nullptr;
};

}  // namespace proxenos::server
