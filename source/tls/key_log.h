// KeyLog: a file of TLS secrets in the format of NSS, which Wireshark reads. For debugging only.
//
// Thread: any (one write a line, appended).
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::tls {

class KeyLog {
 public:
  // Error: the file cannot be opened.
  static absl::StatusOr<std::unique_ptr<const KeyLog>> Open(const std::string& path);
  explicit KeyLog(int fd) : fd_(fd) {}
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog();

  void Write(absl::string_view line) const;

 private:
  const int fd_;
};

}  // namespace proxenos::tls
