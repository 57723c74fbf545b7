// Names of servers as gRPC writes them (grpc/doc/naming.md): "10.0.0.1:80", "dns:///host:80",
// "ipv4:10.0.0.1:80,10.0.0.2:80", "ipv6:[::1]:80", "unix:/path", "unix:///path",
// "unix-abstract:name".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::rpc {

struct GoogleTarget {
  enum class Kind : uint8_t { kAddresses, kName, kPath };
  struct Endpoint {
    std::string host;  // Without brackets.
    uint16_t port = 0;
  };

  Kind kind = Kind::kName;
  std::vector<Endpoint> endpoints;  // Of a name, one; of a path, none.
  std::string path;                 // Of a socket; "@name" where it has none in the file system.
  std::string authority;            // What calls tell as such.

  // The host that a certificate is for.
  std::string host() const { return endpoints.empty() ? "localhost" : endpoints[0].host; }
  // Whether it is on this machine, for certain.
  bool local() const;
};

// An endpoint without a port has 443, as in gRPC. Error: what is wrong with it.
absl::StatusOr<GoogleTarget> ParseGoogleTarget(absl::string_view uri);

}  // namespace proxenos::rpc
