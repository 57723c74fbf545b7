// Who is sent what, and when.
#include "tools/xds_server/discovery_server.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/xds/any_resource.h"
#include "source/xds/type_url.h"
#include "source/xds/xdstp_name.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds_server {
namespace {

constexpr char kIdentifier[] = "proxenos-xds-server";

// By its name, or as one of a glob collection.
bool IsAskedFor(const std::string& name, const std::set<std::string>& names) {
  if (names.contains(name)) return true;
  if (!xds::IsXdstpName(name)) return false;
  const absl::StatusOr<xds::XdstpName> parsed = xds::ParseXdstpName(name);
  return parsed.ok() &&
         (names.contains(parsed->ToString()) || names.contains(parsed->Collection().ToString()));
}

// What is referred to comes before what refers to it.
std::vector<std::string> InPushOrder(const WorldState& world) {
  std::vector<std::string> types;
  for (const xds::ResourceType& type : xds::kResourceTypes) {
    if (world.contains(std::string(type.url))) types.push_back(std::string(type.url));
  }
  for (const auto& [type, state] : world) {
    if (xds::FindResourceType(type) == nullptr) types.push_back(type);
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
  peer.delta = method == xds::kDeltaAggregatedMethod;
  bool served = peer.delta || method == xds::kAggregatedMethod;
  for (const xds::ResourceType& type : xds::kResourceTypes) {
    if (method != type.stream_method && method != type.delta_method) continue;
    served = true;
    peer.delta = method == type.delta_method;
    peer.only_type = std::string(type.url);
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

template <typename Message>
bool DiscoveryServer::Accept(StreamId id, const Peer& peer, const std::string& bytes,
                             Message& request) {
  if (!request.ParseFromString(bytes)) {
    server_.Finish(id, absl::InvalidArgumentError("not a discovery request"));
    return false;
  }
  if (request.type_url().empty()) request.set_type_url(peer.only_type);
  if (request.type_url().empty() ||
      (!peer.only_type.empty() && request.type_url() != peer.only_type)) {
    server_.Finish(id, absl::InvalidArgumentError("type_url does not belong to this stream"));
    return false;
  }
  return true;
}

void DiscoveryServer::OnMessage(StreamId id, const std::string& message) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  if (peer.delta) {
    DeltaRequest request;
    if (Accept(id, peer, message, request)) OnDeltaRequest(id, peer, request);
  } else {
    Request request;
    if (Accept(id, peer, message, request)) OnRequest(id, peer, request);
  }
}

void DiscoveryServer::OnRequest(StreamId id, Peer& peer, const Request& request) {
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

void DiscoveryServer::OnDeltaRequest(StreamId id, Peer& peer, const DeltaRequest& request) {
  observer_.on_delta_request(id, request);
  const std::string& type = request.type_url();
  const bool first = !peer.delta_interests.contains(type);
  DeltaInterest& interest = peer.delta_interests[type];
  std::set<std::string> asked(request.resource_names_subscribe().begin(),
                              request.resource_names_subscribe().end());
  if (asked.erase("*") > 0 || (first && asked.empty())) interest.all = true;
  interest.names.insert(asked.begin(), asked.end());
  for (const std::string& name : request.resource_names_unsubscribe()) {
    if (name == "*") interest.all = false;
    interest.names.erase(name);
    if (!interest.all) interest.held.erase(name);
  }
  if (first) {
    const auto& held = request.initial_resource_versions();
    interest.held.insert(held.begin(), held.end());
    // What it holds already need not be sent again, though it asks for it by name.
    for (const auto& [name, version] : held) asked.erase(name);
  }
  if (world_.contains(type)) RespondDelta(id, type, interest, asked, first);
}

std::string DiscoveryServer::NextNonce() { return absl::StrCat(next_nonce_++); }

void DiscoveryServer::RespondDelta(StreamId id, const std::string& type_url,
                                   DeltaInterest& interest, const std::set<std::string>& asked,
                                   bool first) {
  DeltaResponse response;
  std::map<std::string, std::string> there;
  for (const google::protobuf::Any& resource : world_[type_url].resources) {
    const std::string name = NameOf(resource);
    if (!interest.all && !IsAskedFor(name, interest.names)) continue;
    const std::string version =
        absl::StrCat(absl::Hex(xds::XxHash64(resource.value()), absl::kZeroPad16));
    there[name] = version;
    const auto held = interest.held.find(name);
    if (held != interest.held.end() && held->second == version && !asked.contains(name)) continue;
    auto* entry = response.add_resources();
    entry->set_name(name);
    entry->set_version(version);
    *entry->mutable_resource() = resource;
  }
  for (const auto& [name, version] : interest.held) {
    if (!there.contains(name)) response.add_removed_resources(name);
  }
  for (const std::string& name : asked) {
    const bool told = interest.held.contains(name);
    // A collection that is empty is no resource that is missing.
    const bool glob = xds::IsXdstpName(name) && absl::StrContains(name, "/*");
    if (!there.contains(name) && !told && !glob) response.add_removed_resources(name);
  }
  interest.held = std::move(there);
  const bool empty = response.resources().empty() && response.removed_resources().empty();
  if (empty && !(first && interest.all)) return;
  response.set_system_version_info(world_[type_url].version);
  response.set_type_url(type_url);
  response.set_nonce(NextNonce());
  response.mutable_control_plane()->set_identifier(kIdentifier);
  observer_.on_delta_response(id, response);
  server_.Send(id, response.SerializeAsString());
}

void DiscoveryServer::Respond(StreamId id, const std::string& type_url, Interest& interest) {
  const TypeState& state = world_[type_url];
  Response response;
  response.set_version_info(state.version);
  response.set_type_url(type_url);
  response.set_nonce(NextNonce());
  response.mutable_control_plane()->set_identifier(kIdentifier);
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
      const auto delta = peer.delta_interests.find(type);
      if (delta != peer.delta_interests.end()) RespondDelta(id, type, delta->second, {}, false);
      const auto interest = peer.interests.find(type);
      if (interest == peer.interests.end()) continue;
      if (interest->second.sent_version == world_[type].version) continue;
      if (!interest->second.all && interest->second.names.empty()) continue;
      Respond(id, type, interest->second);
    }
  }
}

}  // namespace proxenos::xds_server
