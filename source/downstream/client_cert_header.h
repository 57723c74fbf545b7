// x-forwarded-client-cert: what a request tells the origin of the client's certificate, in each of
// Envoy's modes (HttpConnectionManager.forward_client_cert_details).
#pragma once

#include "source/downstream/http_config.h"
#include "source/http/header_map.h"
#include "source/tls/session_info.h"

namespace proxenos::downstream {

// `session` is null without TLS.
void MutateClientCertHeader(const HttpConfig& config, const tls::SessionInfo* session,
                            http::HeaderMap& headers);

}  // namespace proxenos::downstream
