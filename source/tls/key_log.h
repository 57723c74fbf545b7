// KeyLog: a file of TLS secrets in the format of NSS, which Wireshark reads, of connections from
// and to certain addresses. For debugging only.
//
// Thread: any (one write a line, appended).
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/match/ip_range.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

class KeyLog {
 public:
  using Ranges = std::vector<match::IpRange>;

  // Error: the file cannot be opened, or a range is none.
  static absl::StatusOr<std::unique_ptr<const KeyLog>> Open(const KeyLogOptions& options);
  KeyLog(int fd, Ranges local, Ranges remote)
      : fd_(fd), local_(std::move(local)), remote_(std::move(remote)) {}
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog();

  // Whether the secrets of a connection, by its socket, are for the file.
  bool Wants(int socket) const;
  void Write(absl::string_view line) const;

 private:
  const int fd_;
  const Ranges local_;
  const Ranges remote_;
};

}  // namespace proxenos::tls
