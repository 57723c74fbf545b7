// What crosses from the wire to whoever owns the configuration: resources as bytes, and updates of
// one type. Nothing here knows what a listener or a cluster is.
//
// Invariant: a TypeUpdate names what changed, never what stayed. State of the world is turned into
// that form by its subscription, so that both protocols speak to the same receiver.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace proxenos::xds {

// The name that stands for all resources of a type.
inline constexpr char kAllNames[] = "*";

// A change of what is wanted of one type: names, or kAllNames.
struct NameChange {
  std::vector<std::string> added;
  std::vector<std::string> removed;

  bool empty() const { return added.empty() && removed.empty(); }
};

// One resource as it was sent. Immutable once made; the bytes are shared, never copied.
struct Resource {
  std::string name;
  std::string version;   // Of the response (or of the resource alone, where it was wrapped).
  std::string type_url;  // "type.googleapis.com/envoy.config.cluster.v3.Cluster".
  std::shared_ptr<const std::string> bytes;  // The serialized message.
  std::vector<std::string> aliases = {};     // Other names that it answers for (virtual hosts).
};

// One step of one type.
struct TypeUpdate {
  std::string type_url;
  std::string version;              // What the control plane calls the state after this step.
  std::vector<Resource> resources;  // New or changed; in the order of the response.
  // Names that are gone: taken away, expired, or (delta) said not to exist when they were asked
  // for; so a name may be among them that nobody ever had.
  std::vector<std::string> removed;
  size_t unchanged = 0;  // Sent again with the same bytes: only that they were may mean something.
  std::vector<std::string> renewed = {};  // Their names.
};

// Why one resource was refused. All that is wrong with it stands in `reason`, one problem a line.
struct ResourceError {
  std::string name;  // Or its place in the response, where it has no readable name.
  std::string reason;
};

}  // namespace proxenos::xds
