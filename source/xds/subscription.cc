// From a response to a step and its answer.
#include "source/xds/subscription.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/any_resource.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

// Answers that wait for a slow stream. A control plane that sends more without reading the answers
// loses the oldest ones; the newest always tells it the state.
constexpr size_t kMaxAnswers = 64;

// A NACK's text. Each refused resource is named as long as there is room; what is cut is counted.
constexpr size_t kMaxReasonBytes = 4 * 1024;
constexpr size_t kMaxRefusalBytes = 1024 * 1024;

// Control planes answer a NACK at once, and many of them with the same resources again: without a
// pause the two would turn in a circle as fast as they can. The first refusal goes out at once, the
// next ones wait, twice as long each time. Short at the most: a control plane of this kind can
// send what its operator mended only after our answer.
constexpr base::Nanos kFirstRefusalPause = 100 * base::kMillisecond;
constexpr base::Nanos kLongestRefusalPause = 2 * base::kSecond;

// A line of the log about a refusal; the control plane has all of it.
constexpr size_t kMaxLoggedVersion = 200;
constexpr size_t kMaxLoggedRefusal = 16 * 1024;

std::string Describe(const std::vector<ResourceError>& errors) {
  std::string text;
  size_t described = 0;
  for (const ResourceError& error : errors) {
    if (text.size() > kMaxRefusalBytes) break;
    absl::StrAppend(&text, described == 0 ? "" : "\n", error.name, ": ",
                    absl::string_view(error.reason).substr(0, kMaxReasonBytes),
                    error.reason.size() > kMaxReasonBytes ? "…" : "");
    ++described;
  }
  if (described < errors.size()) {
    absl::StrAppend(&text, "\nand ", errors.size() - described, " more resources");
  }
  return text;
}

}  // namespace

// A response taken apart.
struct Subscription::Decoded {
  TypeUpdate update;
  absl::flat_hash_set<std::string> present;  // Every readable name in it.
  std::vector<ResourceError> errors;         // Entries that never reach the receiver.
  bool unreadable = false;                   // Some entry's name could not be told.
};

Subscription::Subscription(event::TimerWheel& timers, SubscriptionOptions options,
                           ApplyUpdate apply)
    : options_(std::move(options)),
      apply_(std::move(apply)),
      fetch_timer_(timers,
                   [this] {
                     ++stats_.init_fetch_timeout;
                     PX_LOG(kConfig, kWarn, "xds: no answer in time for ", options_.type_url);
                     if (fetch_timeout_) fetch_timeout_();
                   }),
      refusal_timer_(timers, [this] {
        if (request_due_) request_due_();
      }) {}

void Subscription::WantAll() {
  if (all_) return;
  all_ = true;
  names_.clear();
  NamesChanged();
}

void Subscription::Want(const std::set<std::string>& names) {
  if (!all_ && names == names_) return;
  all_ = false;
  names_ = names;
  // What is not wanted any more may have changed by the time it is wanted again.
  absl::erase_if(known_, [this](const auto& entry) { return !Wanted(entry.first); });
  NamesChanged();
}

void Subscription::NamesChanged() {
  if (all_ || !names_.empty()) ArmFetchTimer();
  ++stats_.update_attempt;
  ask_ = true;
  refusal_timer_.Disarm();  // The answer has the names.
  if (request_due_) request_due_();
}

void Subscription::ArmFetchTimer() {
  if (answered_ || fetch_timer_.armed() || options_.initial_fetch_timeout == 0) return;
  fetch_timer_.ArmIn(options_.initial_fetch_timeout);
}

void Subscription::OnStreamOpened() {
  stream_open_ = true;
  asked_ = false;
  ask_ = true;
  nonce_.clear();
  answers_.clear();
  if (request_due_) request_due_();
}

void Subscription::OnStreamLost() {
  stream_open_ = false;
  answers_.clear();
  refusal_timer_.Disarm();
  ++stats_.update_failure;
  ++stats_.update_attempt;
}

bool Subscription::has_request() const {
  if (!stream_open_) return false;
  if (!answers_.empty()) return !refusal_timer_.armed();
  // A first request without names would mean "everything"; later ones mean what they say.
  return ask_ && (all_ || asked_ || !names_.empty());
}

Subscription::Request Subscription::TakeRequest() {
  DCHECK(has_request());
  Request request;
  request.set_type_url(options_.type_url);
  for (const std::string& name : names_) request.add_resource_names(name);
  if (answers_.empty()) {
    request.set_version_info(version_);
    request.set_response_nonce(nonce_);
  } else {
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    request.set_version_info(std::move(answer.version));
    request.set_response_nonce(std::move(answer.nonce));
    if (!answer.refusal.empty()) {
      request.mutable_error_detail()->set_code(google::rpc::INVALID_ARGUMENT);
      request.mutable_error_detail()->set_message(std::move(answer.refusal));
    }
  }
  // An answer carries the names as well; only the newest nonce makes them count, though.
  if (answers_.empty()) ask_ = false;
  asked_ = true;
  return request;
}

Subscription::Decoded Subscription::Decode(const Response& response) {
  Decoded decoded;
  decoded.update.type_url = options_.type_url;
  decoded.update.version = response.version_info();
  for (int i = 0; i < response.resources_size(); ++i) {
    absl::StatusOr<Resource> resource =
        UnpackResource(response.resources(i), options_.type_url, response.version_info());
    if (!resource.ok()) {
      decoded.unreadable = true;
      decoded.errors.push_back(
          {absl::StrCat("resources[", i, "]"), std::string(resource.status().message())});
      continue;
    }
    // A control plane may send more than was asked for.
    if (!Wanted(resource->name)) continue;
    if (!decoded.present.insert(resource->name).second) {
      decoded.errors.push_back({resource->name, "is in the response more than once"});
      continue;
    }
    const auto known = known_.find(resource->name);
    if (known != known_.end() && !known->second.refused && known->second.bytes != nullptr &&
        known->second.hash == resource->hash && *known->second.bytes == *resource->bytes) {
      ++decoded.update.unchanged;
      continue;
    }
    decoded.update.resources.push_back(*std::move(resource));
  }
  return decoded;
}

void Subscription::AddRemoved(Decoded& decoded) const {
  // With an entry whose name cannot be told, absence proves nothing: remove nobody.
  if (!options_.whole_set || decoded.unreadable) return;
  for (const auto& [name, known] : known_) {
    if (!decoded.present.contains(name)) decoded.update.removed.push_back(name);
  }
  std::sort(decoded.update.removed.begin(), decoded.update.removed.end());
}

void Subscription::Remember(const Decoded& decoded, const std::vector<ResourceError>& refused) {
  absl::flat_hash_set<absl::string_view> bad;
  for (const ResourceError& error : refused) bad.insert(error.name);
  for (const std::string& name : decoded.update.removed) known_.erase(name);
  for (const Resource& resource : decoded.update.resources) {
    // The receiver may have changed what is wanted.
    if (!Wanted(resource.name)) continue;
    Known& known = known_[resource.name];
    known.refused = bad.contains(resource.name);
    if (known.refused) continue;
    known.hash = resource.hash;
    known.bytes = resource.bytes;
  }
}

void Subscription::OnResponse(const Response& response) {
  answered_ = true;
  fetch_timer_.Disarm();
  ++stats_.update_attempt;
  nonce_ = response.nonce();

  Decoded decoded = Decode(response);
  AddRemoved(decoded);
  stats_.unchanged_resources += decoded.update.unchanged;
  std::vector<ResourceError> refused = apply_(decoded.update);
  Remember(decoded, refused);
  // The response's own errors first: they explain what the receiver never saw.
  decoded.errors.insert(decoded.errors.end(), std::make_move_iterator(refused.begin()),
                        std::make_move_iterator(refused.end()));

  std::string refusal = Describe(decoded.errors);
  const bool repeated =
      !refusal.empty() && refusal == last_refusal_ && response.version_info() == refused_version_;
  last_refusal_ = std::move(refusal);
  if (decoded.errors.empty()) {
    version_ = response.version_info();
    stats_.version = XxHash64(version_);
    ++stats_.update_success;
    if (response.resources().empty()) ++stats_.update_empty;
  } else {
    refused_version_ = response.version_info();
    ++stats_.update_rejected;
    if (!repeated) {
      PX_LOG(kConfig, kWarn, "xds: refused ", decoded.errors.size(), " of ",
             response.resources_size(), " resources of ", options_.type_url, " version ",
             refused_version_.substr(0, kMaxLoggedVersion), ": ",
             last_refusal_.substr(0, kMaxLoggedRefusal));
    }
  }
  if (stream_open_) Queue(response, repeated);  // A file wants no answer.
}

void Subscription::Queue(const Response& response, bool repeated) {
  // The newest nonce answers for those before it.
  if (repeated && refusal_timer_.armed()) answers_.pop_back();
  if (answers_.size() >= kMaxAnswers) answers_.pop_front();
  answers_.push_back({version_, response.nonce(), last_refusal_});
  if (!repeated) {
    repeats_ = 0;
    refusal_timer_.Disarm();
  } else if (!refusal_timer_.armed()) {
    const base::Nanos pause = kFirstRefusalPause << std::min(repeats_++, 10);
    refusal_timer_.ArmIn(std::min(pause, kLongestRefusalPause));
  }
  if (request_due_) request_due_();
}

}  // namespace proxenos::xds
