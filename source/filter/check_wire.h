// What messages of envoy.service.auth.v3 about requests and about connections have in common: who
// asks whom, and what is known of the connection.
//
// Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filter/environment.h"
#include "source/filter/stream_info.h"
#include "source/rpc/wire.h"

namespace proxenos::filter {

// Fields of AttributeContext.
enum CheckAttribute : uint32_t {
  kCheckSource = 1,
  kCheckDestination = 2,
  kCheckRequest = 4,
  kCheckContextExtensions = 10,
  kCheckMetadataContext = 11,
  kCheckTlsSession = 12,
  kCheckRouteMetadataContext = 13,
};

// Texts of protobuf are UTF-8, or the service cannot read the message at all.
std::string CheckText(absl::string_view bytes);

// `service`: what the client calls itself; empty: nothing.
void WriteCheckSource(rpc::WireWriter& attributes, const ConnectionInfo& connection,
                      absl::string_view service, bool with_certificate);
// `labels_key`: of the metadata of `node`, whose texts are labels; empty: there are none. `node`
// may be null.
void WriteCheckDestination(rpc::WireWriter& attributes, const ConnectionInfo& connection,
                           const LocalNode* node, const std::string& labels_key);
// core.v3.Metadata with those of `namespaces` that there are; `spaces` may be null.
void WriteCheckMetadata(rpc::WireWriter& attributes, CheckAttribute field,
                        const std::vector<std::string>& namespaces, const json::Object* spaces);
// The server name of a connection with TLS.
void WriteCheckSession(rpc::WireWriter& attributes, const ConnectionInfo& connection);

}  // namespace proxenos::filter
