// ChildProcess: a program started by a test, its output in files, ended by its process id.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace proxenos::testing {

class ChildProcess {
 public:
  // Starts `program` (a path from the folder in which tests run).
  ChildProcess(const std::string& program, const std::vector<std::string>& arguments);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  bool started() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // Of all files that belong to this process: free for more of them.
  const std::string& file_prefix() const { return prefix_; }

  // REQUIRES: WaitForExit has not seen it end.
  void Signal(int number) const;
  // True once it has ended; does not wait.
  bool HasEnded();
  // Waits for the end: its exit status, or -N when signal N ended it, or nullopt when it lives on.
  std::optional<int> WaitForExit();
  // SIGKILL, and waits.
  void Kill();

  std::string standard_output() const;
  std::string standard_error() const;
  // Waits for a whole first line on standard output.
  std::string WaitForFirstLine() const;

 private:
  const std::string prefix_;
  pid_t pid_ = -1;
  std::optional<int> exit_status_;
};

// All of a file, or "".
std::string ReadFile(const std::string& path);

}  // namespace proxenos::testing
