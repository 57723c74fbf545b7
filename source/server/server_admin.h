// ServerAdmin: the admin endpoint, given what it shows of this server.
//
// Owner: the Server. Thread: main.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "envoy/admin/v3/server_info.pb.h"
#include "source/admin/admin_config.h"
#include "source/admin/admin_server.h"
#include "source/admin/admin_source.h"
#include "source/admin/endpoint.h"
#include "source/admin/process_stats.h"

namespace proxenos::server {

class Server;

class ServerAdmin {
 public:
  explicit ServerAdmin(Server& server);
  ServerAdmin(const ServerAdmin&) = delete;
  ServerAdmin& operator=(const ServerAdmin&) = delete;
  ~ServerAdmin();

  // Opens the port that the bootstrap names, if any, and writes --admin-address-path.
  absl::Status Start();

 private:
  void FillConfig();
  void ForEachScopeSet(admin::Visit<admin::ScopeSetView> visit);
  void FillRuntime();

  Server& server_;
  envoy::admin::v3::CommandLineOptions command_line_;
  admin::AdminSource source_;
  std::unique_ptr<admin::ProcessStats> process_stats_;
  admin::EndpointTable table_;
  admin::AdminConfig config_;
  std::unique_ptr<admin::AdminServer> endpoint_;
};

}  // namespace proxenos::server
