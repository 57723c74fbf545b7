// ProxyProcess: the real binary as a child process, with a bootstrap given as text. What a test
// knows of it is what its users know: ports, the admin interface, its output and its exit status.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "test/support/http_text.h"

namespace proxenos::testing {

class ProxyProcess {
 public:
  struct Options {
    int concurrency = 1;
    std::vector<std::string> arguments;  // More of them.
    // Wait until the server is ready: all it needs has come from its control plane.
    bool wait_ready = true;
  };

  // Starts the binary and waits until its admin port answers. The bootstrap needs an admin address
  // of port 0.
  ProxyProcess(const std::string& bootstrap, const Options& options);
  explicit ProxyProcess(const std::string& bootstrap) : ProxyProcess(bootstrap, Options()) {}
  ProxyProcess(const ProxyProcess&) = delete;
  ProxyProcess& operator=(const ProxyProcess&) = delete;
  // Kills it if it still runs; shows its last words when the test has failed.
  ~ProxyProcess();

  bool started() const { return admin_port_ != 0; }
  pid_t pid() const { return pid_; }
  uint16_t admin_port() const { return admin_port_; }
  // Of a listener by its name; 0 when there is none. Asks the admin interface each time.
  uint16_t ListenerPort(const std::string& name) const;
  // Waits until the listener is there.
  uint16_t WaitForListener(const std::string& name) const;

  Message Admin(const std::string& method, const std::string& target) const;
  std::string AdminGet(const std::string& target) const { return Admin("GET", target).body; }
  // A counter or gauge; nullopt when no such stat exists.
  std::optional<uint64_t> Stat(const std::string& name) const;
  bool WaitForStat(const std::string& name, uint64_t at_least) const;

  void Signal(int number) const;
  // Waits for the end: its exit status, or -N when signal N ended it, or nullopt when it lives on.
  std::optional<int> WaitForExit();
  // SIGTERM, then WaitForExit.
  std::optional<int> Terminate();

  std::string standard_output() const;
  std::string standard_error() const;

  // Runs the binary to its end and returns its exit status; its output goes to `output`.
  static int Run(const std::vector<std::string>& arguments, std::string* output);
  // A file in the test's own folder, with this content.
  static std::string WriteFile(const std::string& name, const std::string& content);
  static std::string ReadFile(const std::string& path);

 private:
  const std::string prefix_;  // Of the files of this process.
  pid_t pid_ = -1;
  uint16_t admin_port_ = 0;
  std::optional<int> exit_status_;
};

}  // namespace proxenos::testing
