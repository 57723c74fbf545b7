// inotify on the loop.
#include "source/xds/directory_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"

namespace proxenos::xds {
namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr base::Nanos kLookAgain = base::kSecond;

}  // namespace

// Owner: the DirectoryWatch, which retires it (the loop may still hold an event for it).
class DirectoryWatch::Inotify final : public event::IoHandler {
 public:
  Inotify(event::EventLoop& loop, std::string directory, absl::AnyInvocable<void()> changed)
      : loop_(loop),
        directory_(std::move(directory)),
        changed_(std::move(changed)),
        fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
        look_again_(loop.timers(), [this] {
          if (Look()) changed_();
        }) {
    if (fd_ < 0) {
      PX_LOG(kFile, kError, "cannot watch ", directory_, ": ", std::strerror(errno));
      return;
    }
    loop_.WatchLevel(fd_, EPOLLIN, this);
    Look();
  }

  ~Inotify() override {
    if (fd_ >= 0) close(fd_);
  }

  void Close() {
    open_ = false;
    look_again_.Disarm();
    if (fd_ >= 0) loop_.Unwatch(fd_);
  }

  void OnIo(uint32_t) override {
    if (!open_) return;
    bool any = false;
    bool lost = false;
    alignas(inotify_event) char buffer[16 * 1024];
    ssize_t size;
    while ((size = read(fd_, buffer, sizeof(buffer))) > 0) {
      any = true;
      for (ssize_t at = 0; at < size;) {
        inotify_event event;
        std::memcpy(&event, buffer + at, sizeof(event));
        at += static_cast<ssize_t>(sizeof(event) + event.len);
        // What came in between an overflow and now is found by looking, as always.
        if ((event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) lost = true;
      }
    }
    if (lost) Lost();
    if (any) changed_();
  }

 private:
  // True when the directory is watched now.
  bool Look() {
    watch_ = inotify_add_watch(fd_, directory_.c_str(), kEvents);
    if (watch_ < 0) look_again_.ArmIn(kLookAgain);
    return watch_ >= 0;
  }

  void Lost() {
    if (watch_ >= 0) inotify_rm_watch(fd_, watch_);
    Look();
  }

  event::EventLoop& loop_;
  const std::string directory_;
  absl::AnyInvocable<void()> changed_;
  const int fd_;
  event::Timer look_again_;
  int watch_ = -1;
  bool open_ = true;
};

DirectoryWatch::DirectoryWatch(event::EventLoop& loop, std::string directory,
                               absl::AnyInvocable<void()> changed)
    : loop_(loop),
      inotify_(std::make_unique<Inotify>(loop, std::move(directory), std::move(changed))) {}

DirectoryWatch::~DirectoryWatch() {
  inotify_->Close();
  loop_.Retire(std::move(inotify_));
}

}  // namespace proxenos::xds
