// Asking, answers, forgetting.
#include "source/upstream/dns_cache_keeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "source/base/log.h"

namespace proxenos::upstream {
namespace {

// Of how many names the one goes that was not used for longest.
constexpr int kCandidates = 16;

}  // namespace

class DnsCacheKeeper::Name {
 public:
  // tidy: allow shared-mutable: the cache's lock guards what changes of a name.
  Name(DnsCacheKeeper& keeper, std::shared_ptr<CachedName> cached)
      : keeper_(keeper),
        cached_(std::move(cached)),
        refresh_(keeper.loop_.timers(), [this] { OnRefresh(); }),
        timeout_(keeper.loop_.timers(),
                 [this] {
                   keeper_.stats_->dns_query_timeout.Inc();
                   query_ = nullptr;
                   OnFailure("no answer in time");
                 }),
        next_failure_wait_(keeper.settings_.dns.failure_refresh_base) {}

  CachedName& cached() { return *cached_; }
  bool asking() const { return query_ != nullptr; }
  size_t at = 0;  // In names_.

  void Ask() {
    keeper_.stats_->dns_query_attempt.Inc();
    const DnsCacheSettings& settings = keeper_.settings_;
    query_ =
        keeper_.resolver_->Resolve(cached_->name().host, settings.dns.family,
                                   [this](net::DnsAnswer answer) { OnAnswer(std::move(answer)); });
    if (settings.query_timeout != 0) timeout_.ArmIn(settings.query_timeout);
  }

 private:
  void OnRefresh() {
    const base::Nanos unused = keeper_.loop_.now() - cached_->last_used();
    if (unused > keeper_.settings_.host_ttl) return keeper_.Forget(*this);
    Ask();
  }

  void OnAnswer(net::DnsAnswer answer) {
    query_ = nullptr;
    timeout_.Disarm();
    if (answer.status == net::DnsStatus::kTimeout) keeper_.stats_->dns_query_timeout.Inc();
    if (answer.status != net::DnsStatus::kOk) return OnFailure(answer.error);
    if (answer.addresses.empty()) return OnFailure("the name has no addresses");
    std::erase_if(answer.addresses, [this](const net::Address& each) {
      return keeper_.settings_.removed.Matches(each);
    });
    if (answer.addresses.empty()) return OnFailure("none of its addresses may be used");
    keeper_.stats_->dns_query_success.Inc();
    next_failure_wait_ = keeper_.settings_.dns.failure_refresh_base;
    Take(answer.addresses);
    const base::Nanos wait =
        answer.ttl == base::kNever ? keeper_.settings_.dns.refresh_rate : answer.ttl;
    refresh_.ArmIn(std::max(wait, keeper_.settings_.min_refresh_rate));
  }

  // REQUIRES: there are some, all of which may be used.
  void Take(const std::vector<net::Address>& resolved) {
    const uint16_t port = cached_->name().port;
    HostIdentity identity;
    identity.address = resolved.front().WithPort(port);
    for (size_t i = 1; i < resolved.size() && i <= kMaxFurtherAddresses; ++i) {
      identity.further.Mutable().push_back(resolved[i].WithPort(port));
    }
    if (host_ != nullptr && host_->address() == identity.address &&
        host_->identity().further == identity.further) {
      return;
    }
    identity.hostname = cached_->name().host;
    identity.logical_name = cached_->key();
    if (host_ != nullptr) keeper_.stats_->host_address_changed.Inc();
    // With other addresses it is the same host: its pools go on, new connections go there.
    const uint64_t id = host_ == nullptr ? NextHostId() : host_->id();
    host_ = std::make_shared<const Host>(id, std::move(identity));
    keeper_.cache_->Settle(*cached_, NameState::kResolved, host_);
  }

  // What was known stays known.
  void OnFailure(absl::string_view why) {
    keeper_.stats_->dns_query_failure.Inc();
    PX_LOG(kDns, kDebug, "dns cache ", keeper_.settings_.name, ": cannot resolve ",
           cached_->name().host, ": ", why);
    if (host_ == nullptr) {
      keeper_.cache_->Settle(*cached_, NameState::kFailed, nullptr);
      if (!keeper_.settings_.refresh_on_failure) return keeper_.Forget(*this);
    }
    refresh_.ArmIn(FailureWait());
  }

  // Fixed, or one that doubles and is drawn from its upper half.
  base::Nanos FailureWait() {
    const DnsSettings& dns = keeper_.settings_.dns;
    const base::Nanos wait = std::min(next_failure_wait_, dns.failure_refresh_max);
    next_failure_wait_ = wait > dns.failure_refresh_max / 2 ? dns.failure_refresh_max : wait * 2;
    if (dns.failure_refresh_base == dns.failure_refresh_max) return wait;
    return wait / 2 + static_cast<base::Nanos>(
                          keeper_.loop_.random().Below(static_cast<uint64_t>(wait / 2) + 1));
  }

  DnsCacheKeeper& keeper_;
  // tidy: allow shared-mutable: as above.
  const std::shared_ptr<CachedName> cached_;
  event::Timer refresh_;
  event::Timer timeout_;                  // Of the query under way.
  std::unique_ptr<net::DnsQuery> query_;  // Null while waiting to ask again.
  std::shared_ptr<const Host> host_;      // Null: there has been none.
  base::Nanos next_failure_wait_;
};

DnsCacheKeeper::DnsCacheKeeper(event::EventLoop& loop, std::unique_ptr<net::DnsResolver> resolver,
                               stats::Registry& registry, DnsCacheSettings settings)
    : loop_(loop),
      resolver_(std::move(resolver)),
      settings_(std::move(settings)),
      cache_(std::make_shared<const SharedDnsCache>(loop, settings_)),
      stats_(registry.Open<stats::DnsCacheStats>(
          stats::ScopeName(stats::kDnsCacheScope, {settings_.name}))),
      breaker_stats_(registry.Open<stats::DnsCacheBreakerStats>(
          stats::ScopeName(stats::kDnsCacheBreakerScope, {settings_.name}))) {
  cache_->SetKeeper(this);
  for (const DynamicName& name : settings_.preresolved) {
    cache_->Enter(name)->Touch(loop_.now());
    Ask(name);
  }
}

DnsCacheKeeper::~DnsCacheKeeper() {
  cache_->SetKeeper(nullptr);
  // Who waits is not left waiting.
  for (const auto& name : names_) {
    cache_->Remove(name->cached());
  }
}

void DnsCacheKeeper::Ask(const DynamicName& asked) {
  // tidy: allow shared-mutable: as above.
  std::shared_ptr<CachedName> cached = cache_->Enter(asked);
  if (index_.contains(cached->key())) return;
  if (names_.size() >= settings_.max_hosts && !MakeRoom()) {
    stats_->host_overflow.Inc();
    return cache_->Remove(*cached);
  }
  stats_->host_added.Inc();
  index_[cached->key()] = names_.size();
  names_.push_back(std::make_unique<Name>(*this, std::move(cached)));
  names_.back()->at = names_.size() - 1;
  names_.back()->Ask();
}

// False: all that were looked at are still being asked for.
bool DnsCacheKeeper::MakeRoom() {
  Name* oldest = nullptr;
  for (int i = 0; i < kCandidates; ++i) {
    Name* one = names_[loop_.random().Below(names_.size())].get();
    if (one->asking()) continue;
    if (oldest == nullptr || one->cached().last_used() < oldest->cached().last_used()) oldest = one;
  }
  if (oldest != nullptr) Forget(*oldest);
  return oldest != nullptr;
}

void DnsCacheKeeper::Forget(Name& name) {
  stats_->host_removed.Inc();
  const size_t at = name.at;
  index_.erase(name.cached().key());
  std::unique_ptr<Name> gone = std::exchange(names_[at], nullptr);
  if (at + 1 != names_.size()) {
    names_[at] = std::move(names_.back());
    names_[at]->at = at;
    index_[names_[at]->cached().key()] = at;
  }
  names_.pop_back();
  cache_->Remove(gone->cached());
  loop_.Retire(std::move(gone));  // Its own timer may be what called.
}

void DnsCacheKeeper::RefreshStats() {
  stats_->num_hosts.Set(names_.size());
  const uint32_t waiting = cache_->waiting();
  const uint32_t limit = settings_.max_pending_requests;
  breaker_stats_->rq_pending_open.Set(waiting >= limit ? 1 : 0);
  breaker_stats_->rq_pending_remaining.Set(waiting >= limit ? 0 : limit - waiting);
}

}  // namespace proxenos::upstream
