// Opening late, so that a configuration that is only checked leaves no files.
#include "source/waf/audit_log.h"

#include "source/base/log.h"
#include "source/waf/shared_table.h"

namespace proxenos::waf {
namespace {

SharedTable<std::string, AuditLog>& Logs() {
  static SharedTable<std::string, AuditLog> logs;
  return logs;
}

}  // namespace

std::shared_ptr<const AuditLog> AuditLog::Shared(const std::string& path) {
  return Logs().FindOrMake(path, [&path] { return std::make_shared<const AuditLog>(path); });
}

void AuditLog::ReopenAll() {
  Logs().ForEach([](const AuditLog& log) { log.Reopen(); });
}

void AuditLog::Open() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (file_ != nullptr) return;
  file_ = std::make_unique<File>();
  auto sink = file_->writer.Open(path_);
  if (sink.ok()) {
    file_->log = *std::move(sink);
  } else {
    PX_LOG(kFile, kError, "audit log: ", sink.status().message());
  }
}

void AuditLog::Append(absl::string_view line) const {
  if (file_->log.get() != nullptr) file_->log->Append(line);
}

void AuditLog::Reopen() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (file_ != nullptr) file_->writer.Reopen();
}

}  // namespace proxenos::waf
