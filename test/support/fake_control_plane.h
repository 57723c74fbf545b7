// FakeControlPlane: a real xDS server in the test's process (the one of tools/xds_server, on a port
// of the kernel's choice), with a memory of what it was told and the means to misbehave.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "google/protobuf/message.h"
#include "tools/xds_server/discovery_server.h"

namespace proxenos::testing {

// Thread: any. Waiting functions give up after kPatience and say so by their result; a test that
// passes never waits that long.
class FakeControlPlane {
 public:
  using Request = envoy::service::discovery::v3::DiscoveryRequest;
  using Response = envoy::service::discovery::v3::DiscoveryResponse;
  using DeltaRequest = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  // What the peer said of one response, in either protocol.
  struct Answer {
    std::string type_url;
    std::string version;  // Of the response that is answered; of a delta its system_version_info.
    bool ack = false;
    std::string error;
  };

  FakeControlPlane();
  ~FakeControlPlane();

  // "127.0.0.1:PORT".
  std::string address() const;

  // Replaces all resources of a type and pushes them. The type URL is made from the messages.
  template <typename Message>
  void Set(const std::string& version, const std::vector<Message>& messages) {
    std::vector<google::protobuf::Any> resources(messages.size());
    for (size_t i = 0; i < messages.size(); ++i) resources[i].PackFrom(messages[i]);
    SetAny("type.googleapis.com/" + Message::descriptor()->full_name(), version,
           std::move(resources));
  }
  void SetAny(const std::string& type_url, const std::string& version,
              std::vector<google::protobuf::Any> resources);
  // Several types in one step, pushed dependencies first.
  void Update(const xds_server::WorldState& world) { server_.Update(world); }

  // Waits for the first answer to a response of this type and version.
  std::optional<Answer> WaitForAnswer(const std::string& type_url, const std::string& version);
  bool WaitForAck(const std::string& type_url, const std::string& version);
  // The NACK's text.
  std::optional<std::string> WaitForNack(const std::string& type_url, const std::string& version);
  // Waits until `count` requests of the type have come since the beginning; returns all there are.
  std::vector<Request> WaitForRequests(const std::string& type_url, size_t count);
  bool WaitForStreams(size_t open);
  // Streams opened since the beginning.
  bool WaitForStreamsEver(size_t count);
  size_t streams_ever() const;
  std::vector<Request> requests(const std::string& type_url) const;
  // The same of delta streams.
  std::vector<DeltaRequest> WaitForDeltaRequests(const std::string& type_url, size_t count);
  std::vector<DeltaRequest> delta_requests(const std::string& type_url) const;
  // How often the name was subscribed to.
  size_t TimesSubscribed(const std::string& type_url, const std::string& name) const;
  // All requests in the order in which they came.
  std::vector<Request> all_requests() const;
  std::vector<DeltaRequest> all_delta_requests() const;

  // Ends every stream with this status; peers may come back at once.
  void DropStreams(const absl::Status& status = absl::UnavailableError("dropped"));
  // Closes the port; Restart opens the same one.
  void Stop();
  void Restart();

  // Sends to every open stream, past all book-keeping.
  void SendResponse(const Response& response);
  void SendResponse(const DeltaResponse& response);
  void SendRaw(const std::string& bytes);

 private:
  bool Wait(absl::FunctionRef<bool()> holds) const;
  xds_server::DiscoveryServer::Observer MakeObserver();
  void OnStreams(size_t open);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Request> requests_;                   // Guarded by mutex_.
  std::deque<DeltaRequest> delta_requests_;        // Guarded by mutex_.
  std::vector<Answer> answers_;                    // Guarded by mutex_.
  std::map<std::string, std::string> version_of_;  // By nonce. Guarded by mutex_.
  size_t open_streams_ = 0;                        // Guarded by mutex_.
  size_t streams_ever_ = 0;                        // Guarded by mutex_.
  std::string address_;

  xds_server::DiscoveryServer server_;
};

}  // namespace proxenos::testing
