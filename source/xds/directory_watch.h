// DirectoryWatch: tells when something in a directory may have changed: a file was written and
// closed, moved in, made or removed (a symlink that is swapped is moved in).
//
// It names no file: Kubernetes swaps a link beside the one that is being followed, so whoever
// watches looks at its file again. A directory that vanishes is looked for again each second.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"

namespace proxenos::xds {

// Owner: whoever wants to know. Thread: the main loop's. Its destructor ends the watch.
class DirectoryWatch {
 public:
  // `changed` is called from the loop, once for any number of events that are there together.
  DirectoryWatch(event::EventLoop& loop, std::string directory, absl::AnyInvocable<void()> changed);
  ~DirectoryWatch();

 private:
  class Inotify;

  event::EventLoop& loop_;
  std::unique_ptr<Inotify> inotify_;
};

}  // namespace proxenos::xds
