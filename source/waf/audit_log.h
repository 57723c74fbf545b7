// AuditLog: one file of audit events, written by a thread of its own: what workers append never
// waits for a disk. Shared by all filters that name the file.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "source/access_log/file_sink.h"

namespace proxenos::waf {

// Owner: shared by the filters that are configured with it; const, because what changes in it is
// its own affair. Thread: any.
class AuditLog {
 public:
  explicit AuditLog(std::string path) : path_(std::move(path)) {}

  // The log of a path, one for the process. Nothing is opened.
  static std::shared_ptr<const AuditLog> Shared(const std::string& path);
  // Opens all of them anew, after their files were rotated.
  static void ReopenAll();

  // Opens the file, once; what fails is logged, and what is appended then is lost.
  void Open() const;
  // REQUIRES: after Open.
  void Append(absl::string_view line) const;
  void Reopen() const;

 private:
  struct File {
    access_log::LogWriter writer;
    access_log::LogFile log;  // Of the writer; empty: it could not be opened.
  };
  const std::string path_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<File> file_;  // Guarded by mutex_ until Open is over.
};

}  // namespace proxenos::waf
