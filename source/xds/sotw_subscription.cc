// All names out, all resources in.
#include "source/xds/sotw_subscription.h"

#include <utility>

#include "source/base/check.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::xds {

void SotwSubscription::OnNamesChanged(const NameChange&) {
  ask_ = true;
  answers_.Hurry();  // The answer has the names.
}

void SotwSubscription::OnOpened() {
  ask_ = true;
  explicit_ = false;
  nonce_.clear();
}

bool SotwSubscription::has_request() const {
  // A first request without names would mean "everything"; later ones mean what they say.
  if (!stream_open_ || !(asked_ || wants_anything())) return false;
  return answers_.empty() ? ask_ : answers_.ready();
}

void SotwSubscription::FillNames(Request& request) {
  // "Everything" is no names at all as long as no names were sent: what every server knows.
  explicit_ |= !names_.empty() || (asked_ && !all_);
  if (all_ && explicit_) request.add_resource_names(std::string(1, kAllNames[0]));
  for (std::string& name : AskedNames()) request.add_resource_names(std::move(name));
}

SotwSubscription::Request SotwSubscription::TakeRequest() {
  DCHECK(has_request());
  Request request;
  request.set_type_url(std::string(type().url));
  FillNames(request);
  // An answer carries the names as well; only the newest nonce makes them count, though.
  const bool newest = answers_.empty();
  if (!newest) {
    Answer answer = answers_.Pop();
    if (!answer.refusal.empty()) answer.FillError(*request.mutable_error_detail());
    request.set_version_info(std::move(answer.version));
    request.set_response_nonce(std::move(answer.nonce));
  } else {
    // A version of another server's would mean something else to this one, or nothing.
    if (same_server()) request.set_version_info(version_);
    request.set_response_nonce(nonce_);
  }
  if (answers_.empty()) ask_ = false;
  asked_ = true;
  return request;
}

SotwSubscription::Request SotwSubscription::MakePoll() const {
  Request request;
  request.set_type_url(std::string(type().url));
  request.set_version_info(version_);
  if (all_ && !names_.empty()) request.add_resource_names(std::string(1, kAllNames[0]));
  for (std::string& name : AskedNames()) request.add_resource_names(std::move(name));
  return request;
}

absl::StatusOr<ResourceEntry> SotwSubscription::Unpack(absl::string_view entry,
                                                       const std::string& version) const {
  google::protobuf::Any any;
  if (!any.ParseFromArray(entry.data(), static_cast<int>(entry.size()))) return NotAMessage();
  return UnpackResource(std::move(any), type(), version);
}

void SotwSubscription::Complete(Step& step) {
  // With an entry whose name cannot be told, absence proves nothing: remove nobody. Heartbeats
  // alone are no state of the world.
  if (!type().whole_set || step.unreadable) return;
  if (step.heartbeats > 0 && step.heartbeats == step.entries) return;
  for (const auto& [name, known] : known_) {
    if (!step.present.contains(name)) step.update.removed.push_back(name);
  }
}

void SotwSubscription::OnResponse(const Response& head, ResponseReader resources) {
  nonce_ = head.nonce();
  Step step = Begin(head.version_info(), head.nonce());
  step.unread = std::move(resources);
  Take(std::move(step));
}

void SotwSubscription::OnResponse(const Response& response) {
  absl::StatusOr<ResponseReader> reader = ResponseReader::Open(response.SerializeAsString());
  CHECK(reader.ok());
  OnResponse(response, *std::move(reader));
}

}  // namespace proxenos::xds
