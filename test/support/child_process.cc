// Starting, watching and ending programs.
#include "test/support/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "test/support/eventually.h"

namespace proxenos::testing {
namespace {

std::string NextPrefix() {
  static std::atomic<int> next{0};
  return absl::StrCat(::testing::TempDir(), "/child.", getpid(), ".", next++);
}

}  // namespace

ChildProcess::ChildProcess(const std::string& program, const std::vector<std::string>& arguments)
    : prefix_(NextPrefix()) {
  const std::string out = prefix_ + ".out";
  const std::string err = prefix_ + ".err";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), kFlags, 0600);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (posix_spawn(&pid_, program.c_str(), &files, nullptr, argv.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&files);
  EXPECT_TRUE(started()) << program << " cannot be started";
}

ChildProcess::~ChildProcess() {
  if (started() && !exit_status_) Kill();
}

void ChildProcess::Signal(int number) const {
  CHECK(started() && !exit_status_);
  kill(pid_, number);
}

bool ChildProcess::HasEnded() {
  int status;
  if (!exit_status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  return exit_status_.has_value();
}

std::optional<int> ChildProcess::WaitForExit() {
  Eventually([this] { return HasEnded(); });
  return exit_status_;
}

void ChildProcess::Kill() {
  Signal(SIGKILL);
  WaitForExit();
}

std::string ChildProcess::standard_output() const { return ReadFile(prefix_ + ".out"); }

std::string ChildProcess::standard_error() const { return ReadFile(prefix_ + ".err"); }

std::string ChildProcess::WaitForFirstLine() const {
  std::string text;
  Eventually([&] { return (text = standard_output()).find('\n') != std::string::npos; });
  return text.substr(0, text.find('\n'));
}

std::string ReadFile(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

}  // namespace proxenos::testing
