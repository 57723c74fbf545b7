// Recording and waiting.
#include "test/support/fake_control_plane.h"

#include <chrono>
#include <utility>

#include "absl/algorithm/container.h"
#include "source/base/check.h"

namespace proxenos::testing {
namespace {

// Far beyond what a loaded machine or a sanitizer needs.
constexpr std::chrono::seconds kPatience(60);

template <typename Request>
std::vector<Request> OfType(const std::deque<Request>& requests, const std::string& type_url) {
  std::vector<Request> found;
  for (const Request& request : requests) {
    if (request.type_url() == type_url) found.push_back(request);
  }
  return found;
}

}  // namespace

FakeControlPlane::FakeControlPlane() : server_(MakeObserver()) {
  CHECK(server_.Start("127.0.0.1:0").ok());
  address_ = server_.address();
}

xds_server::DiscoveryServer::Observer FakeControlPlane::MakeObserver() {
  xds_server::DiscoveryServer::Observer observer;
  observer.on_request = [this](xds_server::StreamId, const Request& request) {
    std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(request);
    const auto version = version_of_.find(request.response_nonce());
    if (version != version_of_.end()) {
      const bool ack = !request.has_error_detail() && request.version_info() == version->second;
      answers_.push_back(
          {request.type_url(), version->second, ack, request.error_detail().message()});
    }
    changed_.notify_all();
  };
  observer.on_response = [this](xds_server::StreamId, const Response& response) {
    std::lock_guard<std::mutex> lock(mutex_);
    version_of_[response.nonce()] = response.version_info();
  };
  observer.on_delta_request = [this](xds_server::StreamId, const DeltaRequest& request) {
    std::lock_guard<std::mutex> lock(mutex_);
    delta_requests_.push_back(request);
    const auto version = version_of_.find(request.response_nonce());
    if (version != version_of_.end()) {
      answers_.push_back({request.type_url(), version->second, !request.has_error_detail(),
                          request.error_detail().message()});
    }
    changed_.notify_all();
  };
  observer.on_delta_response = [this](xds_server::StreamId, const DeltaResponse& response) {
    std::lock_guard<std::mutex> lock(mutex_);
    version_of_[response.nonce()] = response.system_version_info();
  };
  observer.on_streams = [this](size_t open) { OnStreams(open); };
  return observer;
}

void FakeControlPlane::OnStreams(size_t open) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (open > open_streams_) ++streams_ever_;
  open_streams_ = open;
  changed_.notify_all();
}

FakeControlPlane::~FakeControlPlane() { server_.Stop(); }

std::string FakeControlPlane::address() const { return address_; }

void FakeControlPlane::SetAny(const std::string& type_url, const std::string& version,
                              std::vector<google::protobuf::Any> resources) {
  server_.Update({{type_url, {version, std::move(resources)}}});
}

bool FakeControlPlane::Wait(absl::FunctionRef<bool()> holds) const {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, kPatience, [holds] { return holds(); });
}

std::optional<FakeControlPlane::Answer> FakeControlPlane::WaitForAnswer(
    const std::string& type_url, const std::string& version) {
  std::optional<Answer> found;
  const auto answered = [&found, &type_url, &version, this] {
    for (const Answer& answer : answers_) {
      if (answer.type_url != type_url || answer.version != version) continue;
      found = answer;
      return true;
    }
    return false;
  };
  Wait(answered);
  return found;
}

bool FakeControlPlane::WaitForAck(const std::string& type_url, const std::string& version) {
  const std::optional<Answer> answer = WaitForAnswer(type_url, version);
  return answer.has_value() && answer->ack;
}

std::optional<std::string> FakeControlPlane::WaitForNack(const std::string& type_url,
                                                         const std::string& version) {
  const std::optional<Answer> answer = WaitForAnswer(type_url, version);
  if (!answer.has_value() || answer->ack) return std::nullopt;
  return answer->error;
}

std::vector<FakeControlPlane::Request> FakeControlPlane::WaitForRequests(
    const std::string& type_url, size_t count) {
  Wait([this, &type_url, count] { return OfType(requests_, type_url).size() >= count; });
  return requests(type_url);
}

std::vector<FakeControlPlane::DeltaRequest> FakeControlPlane::WaitForDeltaRequests(
    const std::string& type_url, size_t count) {
  Wait([this, &type_url, count] { return OfType(delta_requests_, type_url).size() >= count; });
  return delta_requests(type_url);
}

bool FakeControlPlane::WaitForStreams(size_t open) {
  const auto reached = [this, open] { return open_streams_ == open; };
  return Wait(reached);
}

bool FakeControlPlane::WaitForStreamsEver(size_t count) {
  const auto reached = [this, count] { return streams_ever_ >= count; };
  return Wait(reached);
}

size_t FakeControlPlane::streams_ever() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return streams_ever_;
}

std::vector<FakeControlPlane::Request> FakeControlPlane::requests(
    const std::string& type_url) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return OfType(requests_, type_url);
}

std::vector<FakeControlPlane::DeltaRequest> FakeControlPlane::delta_requests(
    const std::string& type_url) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return OfType(delta_requests_, type_url);
}

size_t FakeControlPlane::TimesSubscribed(const std::string& type_url,
                                         const std::string& name) const {
  size_t times = 0;
  for (const DeltaRequest& request : delta_requests(type_url)) {
    times += absl::c_count(request.resource_names_subscribe(), name);
  }
  return times;
}

std::vector<FakeControlPlane::Request> FakeControlPlane::all_requests() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return {requests_.begin(), requests_.end()};
}

std::vector<FakeControlPlane::DeltaRequest> FakeControlPlane::all_delta_requests() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return {delta_requests_.begin(), delta_requests_.end()};
}

void FakeControlPlane::DropStreams(const absl::Status& status) {
  for (const xds_server::StreamId id : server_.transport().streams()) {
    server_.transport().Finish(id, status);
  }
}

void FakeControlPlane::Stop() { server_.Stop(); }

void FakeControlPlane::Restart() { CHECK(server_.Start(address_).ok()); }

void FakeControlPlane::SendResponse(const Response& response) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    version_of_[response.nonce()] = response.version_info();
  }
  SendRaw(response.SerializeAsString());
}

void FakeControlPlane::SendResponse(const DeltaResponse& response) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    version_of_[response.nonce()] = response.system_version_info();
  }
  SendRaw(response.SerializeAsString());
}

void FakeControlPlane::SendRaw(const std::string& bytes) {
  for (const xds_server::StreamId id : server_.transport().streams()) {
    server_.transport().Send(id, bytes);
  }
}

}  // namespace proxenos::testing
