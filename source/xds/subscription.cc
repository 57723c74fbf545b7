// From the entries of a response to a step, and what becomes of it.
#include "source/xds/subscription.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/xdstp_name.h"
#include "source/xds/xxhash64.h"

namespace proxenos::xds {
namespace {

// A line of the log about a refusal; the control plane has all of it.
constexpr size_t kMaxLoggedVersion = 200;
constexpr size_t kMaxLoggedRefusal = 16 * 1024;

// Resources applied in one turn. A cluster takes some 30 µs, so this is about two milliseconds.
constexpr size_t kPart = 64;
// Entries unpacked in one turn, and after how many bytes it is enough: some two milliseconds.
constexpr size_t kUnpackedPart = 512;
constexpr size_t kUnpackedBytes = 1024 * 1024;

}  // namespace

Subscription::Subscription(event::TimerWheel& timers, SubscriptionOptions options,
                           ApplyUpdate apply)
    : options_(std::move(options)),
      answers_(timers, [this] { RequestDue(); }),
      timers_(timers),
      apply_(std::move(apply)),
      work_timer_(timers, [this] { Advance(); }),
      fetch_timer_(timers,
                   [this] {
                     ++stats_.init_fetch_timeout;
                     PX_LOG(kConfig, kWarn, "xds: no answer in time for ", type().url);
                     if (fetch_timeout_) fetch_timeout_();
                   }),
      leases_(timers, [this](std::vector<std::string> names) { Expire(std::move(names)); }) {}

bool Subscription::SetWanted(const std::string& name, bool wanted) {
  if (name == kAllNames) return std::exchange(all_, wanted) != wanted;
  if (!(wanted ? names_.insert(name).second : names_.erase(name) > 0)) return false;
  if (!IsXdstpName(name)) return true;
  if (wanted ? collections_.Add(name) : collections_.Remove(name)) return true;
  // The same is wanted by another way of writing it: the server hears nothing.
  wanted ? Copy(name) : Forget({name});
  return false;
}

void Subscription::Want(const NameChange& change) {
  NameChange real;
  for (const std::string& name : change.removed) {
    if (SetWanted(name, false)) real.removed.push_back(NormalName(name));
  }
  for (const std::string& name : change.added) {
    if (SetWanted(name, true)) real.added.push_back(NormalName(name));
  }
  if (real.empty()) return;
  ForgetUnwanted(change.removed);
  if (wants_anything()) ArmFetchTimer();
  ++stats_.update_attempt;
  OnNamesChanged(real);
  RequestDue();
}

// What is not wanted any more may have changed by the time it is wanted again.
void Subscription::ForgetUnwanted(const std::vector<std::string>& removed) {
  const bool many = std::any_of(removed.begin(), removed.end(), [this](const std::string& name) {
    return name == kAllNames || type().namespaces || WantedCollections::IsCollection(name);
  });
  std::vector<std::string> unwanted;
  if (many) {
    for (const auto& [name, known] : known_) {
      if (!Wanted(name)) unwanted.push_back(name);
    }
  } else {
    for (const std::string& name : removed) {
      if (!Wanted(name)) unwanted.push_back(name);
    }
  }
  Forget(unwanted);
}

bool Subscription::Wanted(absl::string_view name) const {
  if (all_) return true;
  if (IsXdstpName(name)) return collections_.Has(name);
  if (names_.contains(name)) return true;
  if (!type().namespaces) return false;
  const size_t slash = name.rfind('/');
  return slash != absl::string_view::npos && names_.contains(name.substr(0, slash));
}

bool Subscription::WantedByAlias(const Resource& resource) const {
  return std::any_of(resource.aliases.begin(), resource.aliases.end(),
                     [this](const std::string& alias) { return Wanted(alias); });
}

std::vector<std::string> Subscription::Spellings(const std::string& name) const {
  if (!IsXdstpName(name)) return {name};
  std::vector<std::string> spellings = collections_.Spellings(name);
  if (spellings.empty()) spellings.push_back(name);
  return spellings;
}

std::vector<std::string> Subscription::AskedNames() const {
  std::vector<std::string> asked;
  for (const std::string& name : names_) asked.push_back(NormalName(name));
  if (!collections_.ambiguous()) return asked;
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  return asked;
}

void Subscription::Copy(const std::string& name) {
  for (const std::string& other : collections_.Spellings(name)) {
    const auto known = known_.find(other);
    if (known == known_.end() || known->second.bytes == nullptr || known->second.refused) continue;
    Resource copy;
    copy.name = name;
    copy.version = known->second.version;
    copy.type_url = std::string(type().url);
    copy.bytes = known->second.bytes;
    copies_.push_back(std::move(copy));
    if (work_ == nullptr) work_timer_.ArmIn(0);  // Later: the receiver is being called.
    return;
  }
}

void Subscription::ApplyCopies() {
  TypeUpdate update;
  update.type_url = std::string(type().url);
  update.version = version_;
  for (Resource& copy : std::exchange(copies_, {})) {
    // It may have come, or gone, by itself.
    if (!names_.contains(copy.name) || known_.contains(copy.name)) continue;
    update.resources.push_back(std::move(copy));
  }
  if (update.resources.empty()) return;
  const std::vector<ResourceError> refused = apply_(update);
  absl::flat_hash_set<absl::string_view> bad;
  for (const ResourceError& error : refused) bad.insert(error.name);
  Remember(update, bad);
}

void Subscription::ArmFetchTimer() {
  if (answered_ || fetch_timer_.armed() || options_.initial_fetch_timeout == 0) return;
  fetch_timer_.ArmIn(options_.initial_fetch_timeout);
}

void Subscription::OnStreamOpened(size_t server) {
  stream_open_ = true;
  ++stream_;
  server_ = server;
  asked_ = false;
  answers_.Clear();
  OnOpened();
  RequestDue();
}

void Subscription::OnStreamLost() {
  stream_open_ = false;
  answers_.Clear();
  ++stats_.update_failure;
  ++stats_.update_attempt;
}

void Subscription::OnUnreadable() {
  ++stats_.update_attempt;
  ++stats_.update_failure;
}

Subscription::Step Subscription::Begin(std::string version, std::string nonce) {
  FinishNow();
  answered_ = true;
  fetch_timer_.Disarm();
  ++stats_.update_attempt;
  if (!same_server()) {
    for (auto& [name, known] : known_) known.version.clear();
    version_.clear();
    held_from_ = server_;
  }
  Step step;
  step.update.type_url = std::string(type().url);
  step.update.version = std::move(version);
  step.nonce = std::move(nonce);
  step.stream = stream_;
  return step;
}

bool Subscription::IsUnchanged(const Resource& resource) const {
  const auto known = known_.find(resource.name);
  return known != known_.end() && !known->second.refused && known->second.bytes != nullptr &&
         *known->second.bytes == *resource.bytes;
}

void Subscription::Add(absl::StatusOr<ResourceEntry> entry, Step& step) {
  const size_t place = step.entries++;
  if (!entry.ok()) {
    step.unreadable = true;
    step.errors.push_back(
        {absl::StrCat("resources[", place, "]"), std::string(entry.status().message())});
    return;
  }
  for (const std::string& name : Spellings(entry->resource.name)) {
    entry->resource.name = name;
    AddOne(*entry, step);
  }
}

void Subscription::AddOne(const ResourceEntry& entry, Step& step) {
  const Resource& resource = entry.resource;
  // A control plane may send more than was asked for.
  if (!Wanted(resource.name) && !WantedByAlias(resource)) {
    ++stats_.unwanted_resources;
    return;
  }
  if (!step.present.insert(resource.name).second) {
    step.errors.push_back({resource.name, "is in the response more than once"});
    return;
  }
  if (resource.bytes == nullptr) return AddHeartbeat(entry, step);
  if (entry.ttl > 0 || leases_.Has(resource.name)) {
    step.leases.push_back({resource.name, entry.ttl});
  }
  // Of one with aliases the receiver hears in any case: it may answer for another name this time.
  if (resource.aliases.empty() && IsUnchanged(resource)) {
    ++step.update.unchanged;
    known_[resource.name].version = resource.version;
    step.update.renewed.push_back(resource.name);
    return;
  }
  step.update.resources.push_back(resource);
}

void Subscription::AddHeartbeat(const ResourceEntry& entry, Step& step) {
  const Resource& resource = entry.resource;
  if (entry.ttl == 0) {
    step.update.removed.push_back(resource.name);
    for (const std::string& alias : resource.aliases) step.update.removed.push_back(alias);
    return;
  }
  ++step.heartbeats;
  // Of another version it says nothing about the one that is held.
  const auto known = known_.find(resource.name);
  if (known == known_.end() || known->second.version != resource.version) return;
  step.leases.push_back({resource.name, entry.ttl});
}

void Subscription::AddRemoved(const std::string& name, Step& step) {
  if (step.present.contains(name)) {
    step.errors.push_back({name, "is both sent and removed in the response"});
    return;
  }
  // Of what nobody asked for by name, only the end of what is held means something.
  if (!known_.contains(name) && !names_.contains(name)) return;
  step.update.removed.push_back(name);
}

void Subscription::Take(Step step) {
  work_ = std::make_unique<Work>();
  work_->step = std::move(step);
  work_->begun = timers_.now();
  Advance();
}

void Subscription::FinishNow() {
  if (work_ == nullptr) return;
  while (!work_->unpacked) UnpackPart();
  if (ready_) ready_(work_->begun, /*finish=*/true);
  while (work_ != nullptr) ApplyPart();
  work_timer_.Disarm();
  if (!copies_.empty()) work_timer_.ArmIn(0);
  if (idle_) idle_();
}

// One turn's part.
void Subscription::Advance() {
  if (work_ == nullptr) return ApplyCopies();
  if (!work_->unpacked) UnpackPart();
  if (work_->unpacked && (!ready_ || ready_(work_->begun, /*finish=*/false))) ApplyPart();
  if (work_ != nullptr || !copies_.empty()) work_timer_.ArmIn(0);  // In the next turn.
  if (work_ != nullptr) return;
  if (idle_) idle_();
}

void Subscription::UnpackPart() {
  Step& step = work_->step;
  size_t bytes = 0;
  for (size_t i = 0; i < kUnpackedPart && bytes < kUnpackedBytes && !step.unread.at_end(); ++i) {
    const absl::string_view entry = step.unread.Next();
    bytes += entry.size();
    Add(Unpack(entry, step.update.version), step);
  }
  if (!step.unread.at_end()) return;
  step.unread = ResponseReader();
  Complete(step);
  std::vector<std::string>& removed = step.update.removed;
  std::sort(removed.begin(), removed.end());
  removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
  stats_.unchanged_resources += step.update.unchanged;
  work_->unpacked = true;
}

void Subscription::ApplyPart() {
  TypeUpdate& all = work_->step.update;
  TypeUpdate part;
  part.type_url = all.type_url;
  part.version = all.version;
  if (work_->applied == 0) {
    part.removed = std::move(all.removed);
    part.unchanged = all.unchanged;
    part.renewed = std::move(all.renewed);
  }
  const auto first = all.resources.begin() + static_cast<ptrdiff_t>(work_->applied);
  const size_t count = std::min(kPart, all.resources.size() - work_->applied);
  part.resources.assign(std::make_move_iterator(first),
                        std::make_move_iterator(first + static_cast<ptrdiff_t>(count)));
  work_->applied += count;
  std::vector<ResourceError> refused = apply_(part);
  absl::flat_hash_set<absl::string_view> bad;
  for (const ResourceError& error : refused) bad.insert(error.name);
  Remember(part, bad);
  std::move(refused.begin(), refused.end(), std::back_inserter(work_->refused));
  if (work_->applied < all.resources.size()) return;
  GrantLeases();
  const std::unique_ptr<Work> done = std::move(work_);
  // The response's own errors first: they explain what the receiver never saw.
  std::move(done->refused.begin(), done->refused.end(), std::back_inserter(done->step.errors));
  Conclude(done->step);
}

void Subscription::Remember(const TypeUpdate& part,
                            const absl::flat_hash_set<absl::string_view>& refused) {
  Forget(part.removed);
  for (const Resource& resource : part.resources) {
    // The receiver may have changed what is wanted.
    if (!Wanted(resource.name) && !WantedByAlias(resource)) continue;
    Known& known = known_[resource.name];
    known.refused = refused.contains(resource.name);
    if (known.refused) continue;
    known.version = resource.version;
    known.bytes = resource.bytes;
  }
}

void Subscription::GrantLeases() {
  for (const auto& [name, ttl] : work_->step.leases) {
    const auto known = known_.find(name);
    if (known != known_.end() && !known->second.refused) leases_.Grant(name, ttl);
  }
}

void Subscription::Forget(const std::vector<std::string>& removed) {
  for (const std::string& name : removed) {
    known_.erase(name);
    leases_.Drop(name);
  }
}

void Subscription::Conclude(const Step& step) {
  const std::string& version = step.update.version;
  std::string refusal = DescribeErrors(step.errors);
  const bool repeated = !refusal.empty() && refusal == last_refusal_ && version == refused_version_;
  last_refusal_ = std::move(refusal);
  if (step.errors.empty()) {
    version_ = version;
    stats_.version = XxHash64(version_);
    ++stats_.update_success;
    if (step.entries == 0) ++stats_.update_empty;
  } else {
    refused_version_ = version;
    ++stats_.update_rejected;
    if (!repeated) {
      PX_LOG(kConfig, kWarn, "xds: refused ", step.errors.size(), " of ", step.entries,
             " resources of ", type().url, " version ", version.substr(0, kMaxLoggedVersion), ": ",
             last_refusal_.substr(0, kMaxLoggedRefusal));
    }
  }
  // A file wants no answer, and another stream's nonce means nothing to this one.
  if (!stream_open_ || step.stream != stream_) return;
  answers_.Push({version_, step.nonce, last_refusal_}, repeated);
  RequestDue();
}

void Subscription::Expire(std::vector<std::string> names) {
  TypeUpdate update;
  update.type_url = std::string(type().url);
  update.version = version_;
  for (std::string& name : names) {
    PX_LOG(kConfig, kInfo, "xds: ", name, " of ", type().url, " is over: its ttl ran out");
    update.removed.push_back(std::move(name));
  }
  stats_.expired_resources += update.removed.size();
  Forget(update.removed);
  apply_(update);
}

}  // namespace proxenos::xds
