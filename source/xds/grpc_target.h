// Where a control plane is and how to speak to it, as plain values: what a GrpcService of the
// configuration comes down to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "envoy/config/core/v3/grpc_service.pb.h"
#include "source/base/clock.h"
#include "source/config/errors.h"

namespace proxenos::xds {

// gRPC's own default of 4 MiB is too small for the state of the world of a large mesh (10,000
// clusters are some 20 MiB); more than this is taken for an attack or a mistake.
inline constexpr uint32_t kMaxMessageBytes = 64u << 20;

// What each call of google_grpc shows beside the channel's certificate. gRPC sends none of them
// without encryption.
struct CallCredential {
  enum class Kind : uint8_t {
    kAccessToken,     // text: the token
    kComputeEngine,   // of the machine that this runs on
    kRefreshToken,    // text: JSON of a Google refresh token
    kServiceAccount,  // text: JSON key; lifetime_s: of its tokens
    kIam,             // text: authorization token; selector: authority selector
  };
  Kind kind = Kind::kAccessToken;
  std::string text = {};
  std::string selector = {};
  int64_t lifetime_s = 0;
};

struct GrpcTarget {
  std::string cluster;  // Of envoy_grpc: its connections carry the call. Else empty.
  // gRPC names: "ipv4:10.0.0.1:18000", "unix:/run/xds.sock", "dns:///control-plane:18000". Tried in
  // turn, the next one after each failure.
  std::vector<std::string> uris;
  std::string authority;  // Empty: gRPC's own choice.

  bool tls = false;
  std::string tls_roots;  // PEM; empty for the system's.
  std::string tls_key;    // PEM; both or none.
  std::string tls_chain;
  bool google_default = false;  // google_grpc: credentials as Google's own libraries find them.
  bool local = false;           // google_grpc: trusts what is on this machine.
  std::vector<CallCredential> call_credentials;
  std::vector<std::pair<std::string, std::variant<int, std::string>>> channel_args;

  std::vector<std::pair<std::string, std::string>> metadata;
  uint32_t max_message_bytes = kMaxMessageBytes;

  // Pause between attempts: doubles from the base to the maximum and is jittered.
  base::Nanos backoff_base = base::kSecond / 2;
  base::Nanos backoff_max = 30 * base::kSecond;
};

// The addresses of a cluster of the bootstrap as "10.0.0.1:80", "[::1]:80", "host:80" or a path;
// nothing where no such cluster may be named. One whose endpoints are not written there has none.
using FoundAddresses = std::optional<std::vector<std::string>>;
using ClusterAddresses = absl::FunctionRef<FoundAddresses(const std::string& cluster)>;

// What is wrong goes to `errors`; the result is then of no use. `envoy_grpc` has the addresses of
// the cluster that it names as well, for grpc++ where no clusters are at hand.
GrpcTarget CompileGrpcTarget(const envoy::config::core::v3::GrpcService& service,
                             ClusterAddresses cluster_addresses, const config::Path& path,
                             config::Errors& errors);

}  // namespace proxenos::xds
