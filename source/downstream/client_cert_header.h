// x-forwarded-client-cert: what a request tells the origin of the client's certificate, in each of
// Envoy's modes (HttpConnectionManager.forward_client_cert_details).
#pragma once

#include <vector>

#include "source/downstream/http_config.h"
#include "source/filter/matcher_tree.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"

namespace proxenos::downstream {

struct ClientCertRule {
  HttpConfig::ForwardClientCert mode = HttpConfig::ForwardClientCert::kSanitize;
  HttpConfig::ClientCertDetails details;
};

// forward_client_cert_matcher: which rule is for a request. Immutable.
struct ClientCertChoice {
  filter::MatcherTree tree;
  std::vector<ClientCertRule> rules;  // By the tree's actions.
};

// By the choice of `config.origin`, else by its own fields.
void MutateClientCertHeader(const HttpConfig& config, const filter::ConnectionInfo& connection,
                            http::RequestHead& head);

}  // namespace proxenos::downstream
