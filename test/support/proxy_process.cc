// Starting and watching the proxy.
#include "test/support/proxy_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "test/support/eventually.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

// The program under test: ours, or any other that takes the same arguments, which is how the
// expectations of these tests are checked against Envoy itself.
std::string Binary() {
  const char* other = std::getenv("PROXY_UNDER_TEST");
  return other != nullptr ? other : "source/server/proxenos";
}

// "127.0.0.1:1234" -> 1234.
uint16_t PortOf(absl::string_view address) {
  address = address.substr(0, address.find('\n'));
  uint32_t port = 0;
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return 0;
  }
  return static_cast<uint16_t>(port);
}

}  // namespace

ProxyProcess::ProxyProcess(const std::string& bootstrap, const Options& options) {
  const std::string config = WriteFile("bootstrap.yaml", bootstrap);
  const std::string admin = config + ".admin";
  std::vector<std::string> arguments = {"-c",
                                        config,
                                        "--admin-address-path",
                                        admin,
                                        "--disable-hot-restart",
                                        "--log-level",
                                        "warning",
                                        "--concurrency",
                                        absl::StrCat(options.concurrency)};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  process_.emplace(Binary(), arguments);
  const bool up = process_->started() && Eventually([&] {
                    if (process_->HasEnded()) return true;
                    admin_port_ = PortOf(ReadFile(admin));
                    if (admin_port_ == 0) return false;
                    const Message ready = Admin("GET", "/ready");
                    return ready.status() == 200 || (ready.status() != 0 && !options.wait_ready);
                  });
  if (!up || process_->HasEnded()) {
    admin_port_ = 0;
    ADD_FAILURE() << "the proxy did not start";
  }
}

ProxyProcess::~ProxyProcess() {
  if (!::testing::Test::HasFailure()) return;
  const std::string words = standard_error();
  std::cerr << "--- the proxy's standard error ends in:\n"
            << words.substr(words.size() > 8000 ? words.size() - 8000 : 0) << "---\n";
}

uint16_t ProxyProcess::ListenerPort(const std::string& name) const {
  // One listener a line: "NAME::ADDRESS".
  const std::string listeners = AdminGet("/listeners");
  for (const absl::string_view line : absl::StrSplit(listeners, '\n')) {
    const size_t colons = line.find("::");
    if (colons != absl::string_view::npos && line.substr(0, colons) == name) {
      return PortOf(line.substr(colons + 2));
    }
  }
  return 0;
}

uint16_t ProxyProcess::WaitForListener(const std::string& name) const {
  uint16_t port = 0;
  Eventually([&] { return (port = ListenerPort(name)) != 0; });
  return port;
}

Message ProxyProcess::Admin(const std::string& method, const std::string& target) const {
  TestClient client(admin_port_);
  return client.Request(method, target, {{"Connection", "close"}});
}

std::optional<uint64_t> ProxyProcess::Stat(const std::string& name) const {
  const std::string stats = AdminGet("/stats");
  for (const absl::string_view line : absl::StrSplit(stats, '\n')) {
    uint64_t value;
    if (line.substr(0, name.size()) == name && line.substr(name.size(), 2) == ": " &&
        absl::SimpleAtoi(line.substr(name.size() + 2), &value)) {
      return value;
    }
  }
  return std::nullopt;
}

bool ProxyProcess::WaitForStat(const std::string& name, uint64_t at_least) const {
  return Eventually([&] { return Stat(name).value_or(0) >= at_least; });
}

std::optional<int> ProxyProcess::Terminate() {
  Signal(SIGTERM);
  return WaitForExit();
}

int ProxyProcess::Run(const std::vector<std::string>& arguments, std::string* output) {
  ChildProcess child(Binary(), arguments);
  const std::optional<int> status = child.WaitForExit();
  if (output != nullptr) *output = child.standard_output() + child.standard_error();
  return status.value_or(-1);
}

std::string ProxyProcess::WriteFile(const std::string& name, const std::string& content) {
  static int next = 0;
  const std::string path =
      absl::StrCat(::testing::TempDir(), "/", getpid(), ".", next++, ".", name);
  std::ofstream(path) << content;
  return path;
}

}  // namespace proxenos::testing
