// xds-load: a control plane of generated resources, driven by lines on its standard input; what it
// sends and what is answered it prints, with the time. tools/bench/scale.py measures with it.
//
//     clusters COUNT PORT   clusters c-0 ... by EDS, one endpoint each at 127.0.0.1:PORT
//     move INDEX PORT       the endpoint of one of them
//     many COUNT WEIGHT     cluster "many" of COUNT endpoints; WEIGHT is that of the last one
//     repeat                the same resources under new versions
//     push                  sends what has changed since the last push
//
// Output, one JSON object a line: {"event": "listening", "address": …}, {"event": "sent" | "ack" |
// "nack" | "ask", "type": …, "count": …, "ns": CLOCK_MONOTONIC}. It ends with its input.
#include <cstdio>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "tools/xds_load/generated_world.h"
#include "tools/xds_server/discovery_server.h"

namespace proxenos::xds_load {
namespace {

using xds_server::DiscoveryServer;
using xds_server::StreamId;

void Print(absl::string_view line) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void PrintEvent(const char* event, absl::string_view type_url, size_t count) {
  Print(absl::StrCat("{\"event\": \"", event, "\", \"type\": \"",
                     type_url.substr(type_url.rfind('.') + 1), "\", \"count\": ", count,
                     ", \"ns\": ", base::RealClock().Mono(), "}"));
}

// Of either protocol.
template <typename Request>
void PrintRequest(const Request& request, int names) {
  const char* event = request.has_error_detail()         ? "nack"
                      : request.response_nonce().empty() ? "ask"
                                                         : "ack";
  PrintEvent(event, request.type_url(), static_cast<size_t>(names));
}

DiscoveryServer::Observer MakeObserver() {
  DiscoveryServer::Observer observer;
  observer.on_request = [](StreamId, const DiscoveryServer::Request& request) {
    PrintRequest(request, request.resource_names_size());
  };
  observer.on_delta_request = [](StreamId, const DiscoveryServer::DeltaRequest& request) {
    PrintRequest(request, request.resource_names_subscribe_size());
  };
  observer.on_delta_response = [](StreamId, const DiscoveryServer::DeltaResponse& response) {
    PrintEvent("sent", response.type_url(), static_cast<size_t>(response.resources_size()));
  };
  observer.on_response = [](StreamId, const DiscoveryServer::Response& response) {
    PrintEvent("sent", response.type_url(), static_cast<size_t>(response.resources_size()));
  };
  return observer;
}

// False when the line makes no sense.
bool Obey(absl::string_view line, GeneratedWorld& world, DiscoveryServer& server) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  const auto number = [&words](size_t index, uint32_t limit, uint32_t& value) {
    return index < words.size() && absl::SimpleAtoi(words[index], &value) && value <= limit;
  };
  uint32_t first = 0;
  uint32_t second = 0;
  if (words.empty()) return false;
  if (words[0] == "push") {
    server.Update(world.state());
  } else if (words[0] == "repeat") {
    world.Repeat();
  } else if (words[0] == "clusters" && number(1, 1'000'000, first) && number(2, 65535, second)) {
    world.SetClusters(first, static_cast<uint16_t>(second));
  } else if (words[0] == "move" && number(1, 1'000'000, first) && number(2, 65535, second)) {
    world.MoveEndpoint(first, static_cast<uint16_t>(second));
  } else if (words[0] == "many" && number(1, 1'000'000, first) && number(2, 1000, second)) {
    world.SetMany(first, second);
  } else {
    return false;
  }
  return true;
}

int Serve() {
  GeneratedWorld world;
  DiscoveryServer server(MakeObserver());
  const absl::Status started = server.Start("127.0.0.1:0");
  if (!started.ok()) {
    std::cerr << started.message() << "\n";
    return 1;
  }
  Print(absl::StrCat("{\"event\": \"listening\", \"address\": \"", server.address(), "\"}"));
  std::string line;
  while (std::getline(std::cin, line)) {
    if (Obey(line, world, server)) continue;
    std::cerr << "xds-load: not understood: " << line << "\n";
    return 2;
  }
  server.Stop();
  return 0;
}

}  // namespace
}  // namespace proxenos::xds_load

int main() { return proxenos::xds_load::Serve(); }
