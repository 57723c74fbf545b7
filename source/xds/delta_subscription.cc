// Differences out, differences in.
#include "source/xds/delta_subscription.h"

#include <utility>

#include "google/rpc/code.pb.h"
#include "source/base/check.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::xds {

void DeltaSubscription::OnNamesChanged(const NameChange& change) {
  if (!asked_) return;  // The first request has all names.
  for (const std::string& name : change.removed) {
    again_.erase(name);
    if (subscribe_.erase(name) == 0) unsubscribe_.insert(name);
  }
  // What was given up and is wanted again is no longer held: the server must hear of both, or it
  // would see no reason to send it once more.
  for (const std::string& name : change.added) {
    (unsubscribe_.contains(name) ? again_ : subscribe_).insert(name);
  }
}

void DeltaSubscription::OnOpened() {
  subscribe_.clear();
  unsubscribe_.clear();
  again_.clear();
}

bool DeltaSubscription::has_request() const {
  if (!stream_open_) return false;
  // A first request without names would mean "everything", if it were but an answer.
  if (!asked_) return wants_anything();
  return answers_.ready() || !subscribe_.empty() || !unsubscribe_.empty();
}

void DeltaSubscription::FillFirst(Request& request) const {
  // "Everything" alone is no names at all: what every server knows.
  if (all_ && !names_.empty()) request.add_resource_names_subscribe(std::string(1, kAllNames[0]));
  for (std::string& name : AskedNames()) request.add_resource_names_subscribe(std::move(name));
  auto& versions = *request.mutable_initial_resource_versions();
  for (const auto& [name, known] : known_) {
    if (known.bytes == nullptr) continue;
    // Versions of another server's could be this one's of something else. Without them it sends
    // all there is, and still learns what it must take away.
    versions[NormalName(name)] = same_server() ? known.version : std::string();
  }
}

DeltaSubscription::Request DeltaSubscription::TakeRequest() {
  DCHECK(has_request());
  Request request;
  request.set_type_url(std::string(type().url));
  if (!std::exchange(asked_, true)) FillFirst(request);
  for (const std::string& name : subscribe_) {
    request.add_resource_names_subscribe(NormalName(name));
  }
  for (const std::string& name : unsubscribe_) {
    request.add_resource_names_unsubscribe(NormalName(name));
  }
  subscribe_ = std::exchange(again_, {});
  unsubscribe_.clear();
  if (answers_.ready()) {
    Answer answer = answers_.Pop();
    if (!answer.refusal.empty()) answer.FillError(*request.mutable_error_detail());
    request.set_response_nonce(std::move(answer.nonce));
  }
  return request;
}

absl::StatusOr<ResourceEntry> DeltaSubscription::Unpack(absl::string_view entry,
                                                        const std::string&) const {
  envoy::service::discovery::v3::Resource wrapper;
  if (!wrapper.ParseFromArray(entry.data(), static_cast<int>(entry.size()))) return NotAMessage();
  // Each resource has its own version, if only an empty one.
  return UnpackResource(std::move(wrapper), type(), "");
}

void DeltaSubscription::Complete(Step& step) {
  for (const std::string& name : step.gone) {
    for (const std::string& spelling : Spellings(name)) AddRemoved(spelling, step);
  }
}

void DeltaSubscription::OnResponse(const Response& head, ResponseReader resources) {
  Step step = Begin(head.system_version_info(), head.nonce());
  step.unread = std::move(resources);
  const auto& removed = head.removed_resources();
  step.gone.assign(removed.begin(), removed.end());
  for (const auto& name : head.removed_resource_names()) step.gone.push_back(name.name());
  for (const auto& error : head.resource_errors()) {
    if (error.error_detail().code() != google::rpc::NOT_FOUND) continue;
    step.gone.push_back(error.resource_name().name());
  }
  Take(std::move(step));
}

void DeltaSubscription::OnResponse(const Response& response) {
  absl::StatusOr<ResponseReader> reader = ResponseReader::Open(response.SerializeAsString());
  CHECK(reader.ok());
  OnResponse(response, *std::move(reader));
}

}  // namespace proxenos::xds
