// Names of the form xdstp://AUTHORITY/TYPE/ID?KEY=VALUE&…: xds.core.v3.ResourceName and
// ResourceLocator, as the xDS transport protocol's proposal TP1 writes them.
//
// Two names that differ in the order of their parameters, or in how bytes are written, are one. An
// ID that ends in "/*" (or is "*") names a glob collection: all resources whose IDs have another
// last part in its place, with the same parameters.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace proxenos::xds {

inline bool IsXdstpName(absl::string_view name) { return absl::StartsWith(name, "xdstp:"); }

// All parts as they are, not as they are written.
struct XdstpName {
  std::string authority;  // May be empty.
  std::string type;       // "envoy.config.cluster.v3.Cluster"
  std::string id;         // "a/b"
  std::map<std::string, std::string> context;

  bool glob() const { return id == "*" || absl::EndsWith(id, "/*"); }
  // The glob collection that it is of.
  XdstpName Collection() const;
  // With its parameters by rising key.
  std::string ToString() const;
};

// Error: what is wrong with it. Directives (behind '#') are.
absl::StatusOr<XdstpName> ParseXdstpName(absl::string_view name);

// The one form of a name; of what is no such name, or a bad one, as it stands.
std::string NormalName(absl::string_view name);

}  // namespace proxenos::xds
