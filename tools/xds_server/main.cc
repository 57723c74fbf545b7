// xds-server DIR [--port N] [--address A]: a control plane for trying things out, and for tests.
//
// Serves the resources that the files of DIR hold over ADS and over the separate services, in the
// state-of-the-world and the delta protocol, pushes them when a file changes, and prints who asked
// for what and what was acknowledged.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/xds/directory_watch.h"
#include "tools/xds_server/discovery_server.h"
#include "tools/xds_server/world_files.h"

namespace proxenos::xds_server {
namespace {

constexpr char kUsage[] =
    "usage: xds-server DIR [--port N] [--address A]\n"
    "  DIR        folder of DiscoveryResponse files (.yaml .yml .json .pb .pb_text)\n"
    "  --port     port to listen on, default 18000; 0 lets the kernel choose\n"
    "  --address  address to listen on, default 127.0.0.1, or unix:PATH\n";

struct Flags {
  std::string folder;
  std::string address = "127.0.0.1";
  uint32_t port = 18000;
};

// False when the command line makes no sense.
bool ParseFlags(int argc, char** argv, Flags& flags) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    std::string value;
    const bool flag = absl::StartsWith(argument, "--");
    const size_t equals = argument.find('=');
    if (flag && equals != absl::string_view::npos) {
      value = std::string(argument.substr(equals + 1));
      argument = argument.substr(0, equals);
    } else if (flag) {
      if (i + 1 >= argc) return false;
      value = argv[++i];
    }
    if (argument == "--address") {
      flags.address = value;
    } else if (argument == "--port") {
      if (!absl::SimpleAtoi(value, &flags.port) || flags.port > 65535) return false;
    } else if (!flag && flags.folder.empty()) {
      flags.folder = std::string(argument);
    } else {
      return false;
    }
  }
  return !flags.folder.empty();
}

// One line at a time, whichever thread it comes from.
void Say(absl::string_view line) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

absl::string_view ShortType(absl::string_view type_url) {
  return type_url.substr(type_url.rfind('.') + 1);
}

void SayRequest(StreamId id, const DiscoveryServer::Request& request) {
  const absl::string_view what = request.has_error_detail()         ? "NACK"
                                 : request.response_nonce().empty() ? "asks"
                                                                    : "ACK";
  std::string line =
      absl::StrCat("stream ", id, ": ", what, " ", ShortType(request.type_url()), " version '",
                   request.version_info(), "' node '", request.node().id(), "' names [",
                   absl::StrJoin(request.resource_names(), ", "), "]");
  if (request.has_error_detail()) absl::StrAppend(&line, "\n", request.error_detail().message());
  Say(line);
}

void SayDeltaRequest(StreamId id, const DiscoveryServer::DeltaRequest& request) {
  const absl::string_view what = request.has_error_detail()         ? "NACK"
                                 : request.response_nonce().empty() ? "asks"
                                                                    : "ACK";
  std::string line = absl::StrCat(
      "stream ", id, ": ", what, " delta ", ShortType(request.type_url()), " node '",
      request.node().id(), "' wants [", absl::StrJoin(request.resource_names_subscribe(), ", "),
      "] not [", absl::StrJoin(request.resource_names_unsubscribe(), ", "), "] holds ",
      request.initial_resource_versions_size());
  if (request.has_error_detail()) absl::StrAppend(&line, "\n", request.error_detail().message());
  Say(line);
}

void SayDeltaResponse(StreamId id, const DiscoveryServer::DeltaResponse& response) {
  Say(absl::StrCat("stream ", id, ": sent delta of ", response.resources_size(), " ",
                   ShortType(response.type_url()), ", removed ", response.removed_resources_size(),
                   ", version '", response.system_version_info(), "'"));
}

void SayResponse(StreamId id, const DiscoveryServer::Response& response) {
  Say(absl::StrCat("stream ", id, ": sent ", response.resources_size(), " ",
                   ShortType(response.type_url()), " version '", response.version_info(), "'"));
}

// Stops the loop on SIGINT and SIGTERM.
class StopSignals final : public event::IoHandler {
 public:
  explicit StopSignals(event::EventLoop& loop) : loop_(loop) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    // Before any thread is made, so that all of them inherit it.
    CHECK(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd_ >= 0);
    loop_.WatchLevel(fd_, EPOLLIN, this);
  }
  ~StopSignals() override { close(fd_); }

  void OnIo(uint32_t) override {
    signalfd_siginfo info;
    if (read(fd_, &info, sizeof(info)) == sizeof(info)) loop_.Stop();
  }

 private:
  event::EventLoop& loop_;
  int fd_ = -1;
};

int Serve(const Flags& flags) {
  base::RealClock clock;
  event::EventLoop loop(clock);
  StopSignals stop(loop);
  DiscoveryServer server(
      {SayRequest, SayResponse, [](size_t) {}, SayDeltaRequest, SayDeltaResponse});

  const auto load = [&server, &flags] {
    absl::StatusOr<WorldState> world = LoadWorld(flags.folder);
    if (!world.ok()) {
      Say(absl::StrCat("not served: ", world.status().message()));
      return false;
    }
    server.Update(*world);
    return true;
  };
  if (!load()) return 1;
  // A type whose last file is gone is served empty: LoadWorld names all four types every time.
  xds::DirectoryWatch watch(loop, flags.folder, load);

  const bool path = absl::StartsWith(flags.address, "unix");
  const absl::Status started =
      server.Start(path ? flags.address : absl::StrCat(flags.address, ":", flags.port));
  if (!started.ok()) {
    Say(started.message());
    return 1;
  }
  Say(absl::StrCat("listening on ", server.address()));
  loop.Run();
  server.Stop();
  return 0;
}

}  // namespace
}  // namespace proxenos::xds_server

int main(int argc, char** argv) {
  proxenos::xds_server::Flags flags;
  if (!proxenos::xds_server::ParseFlags(argc, argv, flags)) {
    std::fputs(proxenos::xds_server::kUsage, stderr);
    return 2;
  }
  return proxenos::xds_server::Serve(flags);
}
