// The pages of the admin interface, one function each: from what the server tells to a response.
// admin_endpoints.cc puts them in the table.
#pragma once

#include "source/admin/admin_source.h"
#include "source/admin/endpoint.h"

namespace proxenos::admin {

// server_pages.cc
Response ReadyPage(AdminSource& source);
Response ServerInfoPage(AdminSource& source);
Response MemoryPage();
Response DrainListenersPage(AdminSource& source, const Request& request);
Response IgnoredFieldsPage(AdminSource& source);

// certs_page.cc, clusters_page.cc, listeners_page.cc, logging_page.cc
Response CertsPage(AdminSource& source);
Response ClustersPage(AdminSource& source, const Request& request);
Response ListenersPage(AdminSource& source, const Request& request);
Response LoggingPage(const Request& request);

// client_status_page.cc
Response ClientStatusPage(AdminSource& source, const Request& request);
// FetchClientStatus, and each message of StreamClientStatus.
GrpcAnswer ClientStatusCall(AdminSource& source, const std::string& message);

// runtime_page.cc
Response RuntimePage(AdminSource& source);
Response RuntimeModifyPage(AdminSource& source, const Request& request);

// cache_page.cc
Response CachePage();
Response CachePurgePage(const Request& request);

// config_dump_page.cc
Response ConfigDumpPage(AdminSource& source, const Request& request);

}  // namespace proxenos::admin
