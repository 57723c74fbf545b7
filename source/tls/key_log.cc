// Appending of key log lines.
#include "source/tls/key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/net/address.h"

namespace proxenos::tls {

namespace {

absl::StatusOr<KeyLog::Ranges> Parse(const std::vector<KeyLogOptions::Range>& texts) {
  KeyLog::Ranges ranges;
  for (const auto& [ip, bits] : texts) {
    const auto range = match::IpRange::Parse(ip, bits);
    if (!range) {
      return absl::InvalidArgumentError(
          absl::StrCat("key log: ", ip, "/", bits, " is no range of addresses"));
    }
    ranges.push_back(*range);
  }
  return ranges;
}

bool Has(const KeyLog::Ranges& ranges, const net::Address& address) {
  return std::any_of(ranges.begin(), ranges.end(), [&address](const match::IpRange& range) {
    return range.Contains(address.IpBytes());
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<const KeyLog>> KeyLog::Open(const KeyLogOptions& options) {
  const std::string& path = options.path;
  absl::StatusOr<Ranges> local = Parse(options.local);
  if (!local.ok()) return local.status();
  absl::StatusOr<Ranges> remote = Parse(options.remote);
  if (!remote.ok()) return remote.status();
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("key log ", path, ": cannot be opened (", std::strerror(errno), ")"));
  }
  PX_LOG(kConfig, kWarn, "key log ", path, ": TLS secrets are written there");
  return std::unique_ptr<const KeyLog>(
      std::make_unique<KeyLog>(fd, *std::move(local), *std::move(remote)));
}

KeyLog::~KeyLog() { close(fd_); }

bool KeyLog::Wants(int socket) const {
  return (local_.empty() || Has(local_, net::Address::LocalOf(socket))) &&
         (remote_.empty() || Has(remote_, net::Address::PeerOf(socket)));
}

void KeyLog::Write(absl::string_view line) const {
  const std::string whole = absl::StrCat(line, "\n");
  // A full disk must not stop traffic: what is lost is a debugging aid.
  const ssize_t written = write(fd_, whole.data(), whole.size());
  static_cast<void>(written);
}

}  // namespace proxenos::tls
