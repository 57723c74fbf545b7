// Looking, entering, waiting.
#include "source/upstream/dns_cache.h"

#include <utility>

#include "source/upstream/dns_cache_keeper.h"

namespace proxenos::upstream {

SharedDnsCache::SharedDnsCache(event::EventLoop& main_loop, const DnsCacheSettings& settings)
    : main_loop_(main_loop), name_(settings.name), max_waiting_(settings.max_pending_requests) {}

NameView SharedDnsCache::ViewOf(const std::shared_ptr<const CachedName>& name) {
  return NameView{name, name->version_.load(std::memory_order_relaxed), name->state_, name->gone_,
                  name->host_};
}

NameView SharedDnsCache::Look(const DynamicName& name) const {
  const std::string key = name.Key();
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = names_.find(key);
  return known == names_.end() ? NameView() : ViewOf(known->second);
}

NameView SharedDnsCache::Look(const std::shared_ptr<const CachedName>& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ViewOf(name);
}

// tidy: allow shared-mutable: the cache's lock guards what changes of a name.
std::shared_ptr<CachedName> SharedDnsCache::EnterLocked(const DynamicName& name,
                                                        bool& added) const {
  auto& slot = names_[name.Key()];
  added = slot == nullptr;
  // tidy: allow shared-mutable: as above.
  if (added) slot = std::make_shared<CachedName>(name);
  return slot;
}

// tidy: allow shared-mutable: as above.
std::shared_ptr<CachedName> SharedDnsCache::Enter(const DynamicName& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool added;
  return EnterLocked(name, added);
}

void SharedDnsCache::Settle(CachedName& name, NameState state,
                            std::shared_ptr<const Host> host) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  name.state_ = state;
  name.host_ = std::move(host);
  Tell(name);
}

void SharedDnsCache::Remove(CachedName& name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (name.state_ == NameState::kPending) name.state_ = NameState::kRefused;
  name.gone_ = true;
  Tell(name);
  // The caller holds a share: `name` outlives this.
  names_.erase(name.key());
}

void SharedDnsCache::Tell(CachedName& name) {
  name.version_.fetch_add(1, std::memory_order_release);
  while (!name.waits_.empty()) {
    DnsWait* wait = name.waits_.front();
    wait->Unlink();
    wait->Notify();
  }
}

DnsWait::DnsWait(std::shared_ptr<const SharedDnsCache> cache, event::EventLoop& loop,
                 absl::AnyInvocable<void()> done)
    : cache_(std::move(cache)),
      loop_(loop),
      done_(std::move(done)),
      // tidy: allow shared-mutable: held by posts under way, which outlive the wait.
      address_(std::make_shared<Address>(Address{this})) {}

std::unique_ptr<DnsWait> DnsWait::Begin(const std::shared_ptr<const SharedDnsCache>& cache,
                                        const DynamicName& name, event::EventLoop& loop,
                                        absl::AnyInvocable<void()> done) {
  if (cache->waiting_.fetch_add(1, std::memory_order_relaxed) >= cache->max_waiting_) {
    cache->waiting_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto wait = std::make_unique<DnsWait>(cache, loop, std::move(done));
  bool added;
  {
    const std::lock_guard<std::mutex> lock(cache->mutex_);
    const auto entered = cache->EnterLocked(name, added);
    entered->Touch(loop.now());
    wait->name_ = entered;
    if (entered->state_ == NameState::kPending) {
      entered->waits_.PushBack(wait.get());
    } else {
      wait->Notify();  // It was answered since the caller looked.
    }
  }
  if (added) {
    cache->main_loop_.Post([cache, name] {
      if (cache->keeper_ != nullptr) return cache->keeper_->Ask(name);
      const auto cached = cache->Enter(name);
      cache->Remove(*cached);
    });
  }
  return wait;
}

DnsWait::~DnsWait() {
  address_->wait = nullptr;
  cache_->waiting_.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(cache_->mutex_);
  Unlink();
}

// A loop outlives the waits on it, and one that is in the list is alive: posting is safe.
void DnsWait::Notify() {
  loop_.Post([address = address_] {
    if (address->wait != nullptr) address->wait->done_();
  });
}

}  // namespace proxenos::upstream
