// Starting and watching the proxy.
#include "test/support/proxy_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/check.h"
#include "test/support/eventually.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

constexpr char kBinary[] = "source/server/proxenos";

std::string NextPrefix() {
  static std::atomic<int> next{0};
  return absl::StrCat(::testing::TempDir(), "/proxy.", getpid(), ".", next++);
}

// The child's stdout and stderr become these files.
pid_t Spawn(const std::vector<std::string>& arguments, const std::string& out,
            const std::string& err) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), kFlags, 0600);
  std::vector<char*> argv = {const_cast<char*>(kBinary)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, kBinary, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  return failed == 0 ? pid : -1;
}

std::optional<int> Decode(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WIFSIGNALED(status)) return -WTERMSIG(status);
  return std::nullopt;
}

// "127.0.0.1:1234" -> 1234.
uint16_t PortOf(const std::string& address) {
  const std::vector<std::string> lines = absl::StrSplit(address, '\n');
  uint32_t port = 0;
  const size_t colon = lines[0].rfind(':');
  if (colon == std::string::npos || !absl::SimpleAtoi(lines[0].substr(colon + 1), &port)) return 0;
  return static_cast<uint16_t>(port);
}

}  // namespace

ProxyProcess::ProxyProcess(const std::string& bootstrap, const Options& options)
    : prefix_(NextPrefix()) {
  const std::string config = prefix_ + ".yaml";
  const std::string admin = prefix_ + ".admin";
  std::ofstream(config) << bootstrap;
  std::vector<std::string> arguments = {"-c",  config,          "--admin-address-path",
                                        admin, "--concurrency", absl::StrCat(options.concurrency)};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  pid_ = Spawn(arguments, prefix_ + ".out", prefix_ + ".err");
  const bool up = pid_ > 0 && Eventually([&] {
                    int status;
                    if (waitpid(pid_, &status, WNOHANG) == pid_) {
                      exit_status_ = Decode(status);
                      return true;
                    }
                    admin_port_ = PortOf(ReadFile(admin));
                    if (admin_port_ == 0) return false;
                    const Message ready = Admin("GET", "/ready");
                    return ready.status() == 200 || (ready.status() != 0 && !options.wait_ready);
                  });
  if (!up || exit_status_) {
    admin_port_ = 0;
    ADD_FAILURE() << "the proxy did not start";
  }
}

ProxyProcess::~ProxyProcess() {
  if (pid_ > 0 && !exit_status_) {
    kill(pid_, SIGKILL);
    int status;
    waitpid(pid_, &status, 0);
  }
  if (::testing::Test::HasFailure()) {
    const std::string words = standard_error();
    std::cerr << "--- the proxy's standard error ends in:\n"
              << words.substr(words.size() > 8000 ? words.size() - 8000 : 0) << "---\n";
  }
}

uint16_t ProxyProcess::ListenerPort(const std::string& name) const {
  // One listener a line: "NAME::ADDRESS".
  for (const absl::string_view line : absl::StrSplit(AdminGet("/listeners"), '\n')) {
    const size_t colons = line.find("::");
    if (colons != absl::string_view::npos && line.substr(0, colons) == name) {
      return PortOf(std::string(line.substr(colons + 2)));
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

void ProxyProcess::Signal(int number) const {
  CHECK(pid_ > 0 && !exit_status_);
  kill(pid_, number);
}

std::optional<int> ProxyProcess::WaitForExit() {
  Eventually([&] {
    int status;
    if (!exit_status_ && waitpid(pid_, &status, WNOHANG) == pid_) exit_status_ = Decode(status);
    return exit_status_.has_value();
  });
  return exit_status_;
}

std::optional<int> ProxyProcess::Terminate() {
  Signal(SIGTERM);
  return WaitForExit();
}

std::string ProxyProcess::standard_output() const { return ReadFile(prefix_ + ".out"); }

std::string ProxyProcess::standard_error() const { return ReadFile(prefix_ + ".err"); }

int ProxyProcess::Run(const std::vector<std::string>& arguments, std::string* output) {
  const std::string file = NextPrefix() + ".run";
  const pid_t pid = Spawn(arguments, file, file);
  if (pid < 0) return -1;
  int status = 0;
  if (!Eventually([&] { return waitpid(pid, &status, WNOHANG) == pid; })) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  if (output != nullptr) *output = ReadFile(file);
  return Decode(status).value_or(-1);
}

std::string ProxyProcess::WriteFile(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", getpid(), ".", name);
  std::ofstream(path) << content;
  return path;
}

std::string ProxyProcess::ReadFile(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

}  // namespace proxenos::testing
