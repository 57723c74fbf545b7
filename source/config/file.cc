// POSIX reads: a pipe (`-c /dev/fd/63`) is a file too, and its size is not known before.
#include "source/config/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "source/config/concat.h"

namespace proxenos::config {
namespace {

constexpr size_t kBlock = 64 * 1024;

class OpenFile {
 public:
  explicit OpenFile(const std::string& name) : fd_(open(name.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status SystemError() {
  const std::string why = Concat("cannot be read: ", std::strerror(errno));
  return errno == ENOENT ? absl::NotFoundError(why) : absl::UnavailableError(why);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& name, size_t max_bytes) {
  const OpenFile file(name);
  if (file.fd() < 0) return SystemError();
  std::string content;
  size_t size = 0;
  while (true) {
    content.resize(std::min(std::max(content.size() * 2, kBlock), max_bytes + 1));
    while (size < content.size()) {
      const ssize_t n = read(file.fd(), content.data() + size, content.size() - size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return SystemError();
      if (n == 0) {
        content.resize(size);
        return content;
      }
      size += static_cast<size_t>(n);
    }
    if (size > max_bytes) {
      return absl::InvalidArgumentError(Concat("is larger than ", max_bytes, " bytes"));
    }
  }
}

}  // namespace proxenos::config
