// ProxyProcess: the real binary as a child process, with a bootstrap given as text. What a test
// knows of it is what its users know: ports, the admin interface, its output and its exit status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "test/support/child_process.h"
#include "test/support/http_text.h"

namespace proxenos::testing {

class ProxyProcess {
 public:
  struct Options {
    int concurrency = 1;
    std::vector<std::string> arguments{};  // More of them.
    // Wait until the server is ready: all it needs has come from its control plane.
    bool wait_ready = true;
  };

  // Starts the binary and waits until its admin port answers. The bootstrap needs an admin address
  // of port 0.
  ProxyProcess(const std::string& bootstrap, const Options& options);
  explicit ProxyProcess(const std::string& bootstrap) : ProxyProcess(bootstrap, Options()) {}
  // Shows the proxy's last words when the test has failed.
  ~ProxyProcess();

  bool started() const { return admin_port_ != 0; }
  uint16_t admin_port() const { return admin_port_; }
  ChildProcess& process() { return *process_; }

  // The port of a listener; 0 when there is none of that name. Asks the admin interface each time.
  uint16_t ListenerPort(const std::string& name) const;
  // Waits until the listener is there.
  uint16_t WaitForListener(const std::string& name) const;

  Message Admin(const std::string& method, const std::string& target) const;
  std::string AdminGet(const std::string& target) const { return Admin("GET", target).body; }
  // A counter or gauge; nullopt when no such stat exists.
  std::optional<uint64_t> Stat(const std::string& name) const;
  bool WaitForStat(const std::string& name, uint64_t at_least) const;

  void Signal(int number) const { process_->Signal(number); }
  std::optional<int> WaitForExit() { return process_->WaitForExit(); }
  // SIGTERM, then WaitForExit.
  std::optional<int> Terminate();

  std::string standard_output() const { return process_->standard_output(); }
  std::string standard_error() const { return process_->standard_error(); }

  // Runs the binary to its end and returns its exit status; both outputs go to `output`.
  static int Run(const std::vector<std::string>& arguments, std::string* output);
  // A file in the test's own folder, with this content.
  static std::string WriteFile(const std::string& name, const std::string& content);

 private:
  std::optional<ChildProcess> process_;
  uint16_t admin_port_ = 0;
};

}  // namespace proxenos::testing
