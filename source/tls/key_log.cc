// Appending of key log lines.
#include "source/tls/key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace proxenos::tls {

absl::StatusOr<std::unique_ptr<const KeyLog>> KeyLog::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("key log ", path, ": cannot be opened (", std::strerror(errno), ")"));
  }
  PX_LOG(kConfig, kWarn, "key log ", path, ": TLS secrets are written there");
  return std::unique_ptr<const KeyLog>(std::make_unique<KeyLog>(fd));
}

KeyLog::~KeyLog() { close(fd_); }

void KeyLog::Write(absl::string_view line) const {
  const std::string whole = absl::StrCat(line, "\n");
  // A full disk must not stop traffic: what is lost is a debugging aid.
  const ssize_t written = write(fd_, whole.data(), whole.size());
  static_cast<void>(written);
}

}  // namespace proxenos::tls
