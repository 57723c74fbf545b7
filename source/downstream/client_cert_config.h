// From HttpConnectionManager.forward_client_cert_* to what is done with x-forwarded-client-cert.
#pragma once

#include <memory>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/downstream/client_cert_header.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::downstream {

using ForwardingManager =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

ClientCertRule CompileClientCertRule(ForwardingManager::ForwardClientCertDetails mode,
                                     const ForwardingManager::SetCurrentClientCertDetails& details);

// forward_client_cert_matcher. Null, with every error named, when it is wrong.
std::shared_ptr<const ClientCertChoice> CompileClientCertChoice(
    const ::xds::type::matcher::v3::Matcher& proto, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::downstream
