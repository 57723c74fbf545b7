// Who is sent what, and when.
#include "tools/xds_server/discovery_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/xds/any_resource.h"
#include "source/xds/type_url.h"

namespace proxenos::xds_server {
namespace {

constexpr const char* kPushOrder[] = {xds::kClusterType, xds::kEndpointType, xds::kListenerType,
                                      xds::kRouteType};

std::vector<std::string> InPushOrder(const WorldState& world) {
  std::vector<std::string> types;
  for (const char* type : kPushOrder) {
    if (world.contains(type)) types.push_back(type);
  }
  for (const auto& [type, state] : world) {
    bool listed = false;
    for (const char* known : kPushOrder) listed |= type == known;
    if (!listed) types.push_back(type);
  }
  return types;
}

}  // namespace

bool operator==(const TypeState& a, const TypeState& b) {
  if (a.version != b.version || a.resources.size() != b.resources.size()) return false;
  for (size_t i = 0; i < a.resources.size(); ++i) {
    if (a.resources[i].type_url() != b.resources[i].type_url() ||
        a.resources[i].value() != b.resources[i].value()) {
      return false;
    }
  }
  return true;
}

std::string NameOf(const google::protobuf::Any& resource) {
  return xds::ResourceName(resource.value()).value_or("");
}

DiscoveryServer::DiscoveryServer(Observer observer)
    : observer_(std::move(observer)),
      server_({[this](StreamId id, absl::string_view method) { return OnOpen(id, method); },
               [this](StreamId id, const std::string& message) { OnMessage(id, message); },
               [this](StreamId id) { OnClosed(id); }}) {}

bool DiscoveryServer::OnOpen(StreamId id, absl::string_view method) {
  Peer peer;
  bool served = method == xds::kAggregatedMethod;
  for (const char* type : kPushOrder) {
    if (method != xds::StreamMethod(type)) continue;
    served = true;
    peer.only_type = type;
  }
  if (!served) return false;
  std::lock_guard<std::mutex> lock(mutex_);
  peers_[id] = std::move(peer);
  observer_.on_streams(peers_.size());
  return true;
}

void DiscoveryServer::OnClosed(StreamId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (peers_.erase(id) > 0) observer_.on_streams(peers_.size());
}

void DiscoveryServer::OnMessage(StreamId id, const std::string& message) {
  Request request;
  if (!request.ParseFromString(message)) {
    server_.Finish(id, absl::InvalidArgumentError("not a DiscoveryRequest"));
    return;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (request.type_url().empty()) request.set_type_url(peer.only_type);
  if (request.type_url().empty() ||
      (!peer.only_type.empty() && request.type_url() != peer.only_type)) {
    server_.Finish(id, absl::InvalidArgumentError("type_url does not belong to this stream"));
    return;
  }
  observer_.on_request(id, request);

  const bool first = !peer.interests.contains(request.type_url());
  Interest& interest = peer.interests[request.type_url()];
  if (!request.response_nonce().empty() && request.response_nonce() != interest.nonce) return;
  std::set<std::string> names(request.resource_names().begin(), request.resource_names().end());
  // Only a first request may mean "everything" by naming nothing.
  const bool all = names.contains("*") || (names.empty() && (first || interest.all));
  const bool other_names = all != interest.all || names != interest.names;
  interest.names = std::move(names);
  interest.all = all;
  const auto state = world_.find(request.type_url());
  if (state == world_.end()) return;
  if (first || other_names || interest.sent_version != state->second.version) {
    Respond(id, request.type_url(), interest);
  }
}

void DiscoveryServer::Respond(StreamId id, const std::string& type_url, Interest& interest) {
  const TypeState& state = world_[type_url];
  Response response;
  response.set_version_info(state.version);
  response.set_type_url(type_url);
  response.set_nonce(absl::StrCat(next_nonce_++));
  response.mutable_control_plane()->set_identifier("proxenos-xds-server");
  for (const google::protobuf::Any& resource : state.resources) {
    if (interest.all || interest.names.contains(NameOf(resource))) {
      *response.add_resources() = resource;
    }
  }
  interest.nonce = response.nonce();
  interest.sent_version = state.version;
  observer_.on_response(id, response);
  server_.Send(id, response.SerializeAsString());
}

void DiscoveryServer::Update(const WorldState& world) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [type, state] : world) world_[type] = state;
  for (const std::string& type : InPushOrder(world)) {
    for (auto& [id, peer] : peers_) {
      const auto interest = peer.interests.find(type);
      if (interest == peer.interests.end()) continue;
      if (interest->second.sent_version == world_[type].version) continue;
      if (!interest->second.all && interest->second.names.empty()) continue;
      Respond(id, type, interest->second);
    }
  }
}

}  // namespace proxenos::xds_server
