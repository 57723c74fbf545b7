// Reading, when it is worth it.
#include "source/xds/file_source.h"

#include <sys/stat.h>

#include <utility>

#include "source/base/log.h"
#include "source/config/text.h"
#include "source/xds/list_collection.h"

namespace proxenos::xds {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int64_t NanosOf(const timespec& time) {
  return int64_t{time.tv_sec} * base::kSecond + time.tv_nsec;
}

}  // namespace

FileSource::FileSource(event::EventLoop& loop, FileSourceOptions options,
                       SubscriptionOptions subscription, ApplyUpdate apply)
    : loop_(loop),
      options_(std::move(options)),
      subscription_(loop.timers(), std::move(subscription), std::move(apply)),
      poll_timer_(loop.timers(), [this] { Poll(); }) {
  // A file has no peer to ask, but it may hold the names that are wanted only now.
  subscription_.OnRequestDue([this] {
    if (started_) loop_.Schedule(this);
  });
}

void FileSource::Start() {
  if (std::exchange(started_, true)) return;
  if (options_.poll_interval > 0) {
    poll_timer_.ArmIn(options_.poll_interval);
    return Read();
  }
  watch_ = std::make_unique<DirectoryWatch>(
      loop_,
      options_.watched_directory.empty() ? DirectoryOf(options_.path) : options_.watched_directory,
      [this] { ReadIfChanged(); });
  Read();
}

FileSource::Identity FileSource::Look() const {
  struct stat status;
  if (stat(options_.path.c_str(), &status) != 0) return {};  // Follows links, as it should.
  return {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
          NanosOf(status.st_mtim), NanosOf(status.st_ctim)};
}

void FileSource::ReadIfChanged() {
  if (Look() != seen_) Read();
}

void FileSource::Poll() {
  poll_timer_.ArmIn(options_.poll_interval);
  ReadIfChanged();
}

void FileSource::Read() {
  // Looked at first: a change while it is being read makes it look different afterwards.
  seen_ = Look();
  SotwSubscription::Response response;
  config::Errors errors;
  if (options_.collection) {
    LoadListCollection(options_.path, response, errors);
  } else {
    config::LoadFile(options_.path, response, errors);
  }
  if (!errors.ok()) {
    last_error_ = std::string(errors.ToStatus(options_.path).message());
    PX_LOG(kConfig, kWarn, "xds: not in force: ", last_error_);
    subscription_.OnUnreadable();
    return;
  }
  subscription_.OnResponse(response);
  last_error_ = subscription_.last_refusal();
}

}  // namespace proxenos::xds
