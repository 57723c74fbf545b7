// Looking up, waiting, letting go.
#include "source/upstream/dynamic_hosts.h"

#include <utility>

namespace proxenos::upstream {
namespace {

// How often names that have left the cache are looked for, and how many of them go at once. They
// are looked for at once when so many were added: who asks for ever new names has each push another
// out of the cache, and what is kept of those here (connections too) must not grow without end.
constexpr base::Nanos kCleaningInterval = 10 * base::kSecond;
constexpr uint32_t kDropsAtOnce = 100;

}  // namespace

std::unique_ptr<HostSource> SharedDnsCache::MakeSource(Parts parts) const {
  return std::make_unique<DynamicHosts>(
      parts.loop, parts.registry, *parts.config.dynamic_forward_proxy,
      std::static_pointer_cast<const SharedDnsCache>(std::move(parts.self)),
      std::move(parts.forget));
}

DynamicHosts::DynamicHosts(event::EventLoop& loop, stats::Registry& registry,
                           const DynamicForwardProxy& settings,
                           std::shared_ptr<const SharedDnsCache> cache,
                           absl::AnyInvocable<void(uint64_t)> forget)
    : loop_(loop),
      settings_(settings),
      cache_(std::move(cache)),
      forget_(std::move(forget)),
      stats_(registry.Open<stats::DnsCacheRequestStats>(
          stats::ScopeName(stats::kDnsCacheScope, {cache_->name()}))),
      cleaning_(loop.timers(), [this] { Clean(); }) {}

const NameView* DynamicHosts::Look(const DynamicName& name) {
  const std::string key = name.Key();
  auto known = names_.find(key);
  if (known != names_.end() && known->second.name->version() != known->second.version) {
    NameView now = cache_->Look(known->second.name);
    if (now.gone) {
      Drop(known);
      known = names_.end();
    } else {
      known->second = std::move(now);
    }
  }
  if (known == names_.end()) {
    NameView now = cache_->Look(name);
    if (now.name == nullptr || now.state == NameState::kPending) return nullptr;
    known = names_.emplace(key, std::move(now)).first;
    if (++added_ == kDropsAtOnce) {
      cleaning_.ArmIn(0);
    } else if (!cleaning_.armed()) {
      cleaning_.ArmIn(kCleaningInterval);
    }
  }
  known->second.name->Touch(loop_.now());
  return &known->second;
}

const std::shared_ptr<const Host>* DynamicHosts::Find(const PickRequest& request) {
  const auto name = ParseDynamicName(request.authority, settings_.default_port);
  if (!name.has_value()) return nullptr;
  const NameView* known = Look(*name);
  return known == nullptr || known->host == nullptr ? nullptr : &known->host;
}

std::unique_ptr<DnsWait> DynamicHosts::Wait(const DynamicName& name,
                                            absl::AnyInvocable<void()> done) {
  auto wait = DnsWait::Begin(cache_, name, loop_, std::move(done));
  if (wait == nullptr) stats_->dns_rq_pending_overflow.Inc();
  return wait;
}

void DynamicHosts::Drop(Names::iterator name) {
  const uint64_t id = name->second.host == nullptr ? 0 : name->second.host->id();
  names_.erase(name);
  if (id != 0) forget_(id);
}

void DynamicHosts::Clean() {
  added_ = 0;
  uint32_t drops = 0;
  for (auto it = names_.begin(); it != names_.end() && drops < kDropsAtOnce;) {
    const auto each = it++;
    const bool changed = each->second.name->version() != each->second.version;
    if (!changed || !cache_->Look(each->second.name).gone) continue;
    Drop(each);
    ++drops;
  }
  // Where there may be more, they go in the next turn.
  if (!names_.empty()) cleaning_.ArmIn(drops < kDropsAtOnce ? kCleaningInterval : 0);
}

}  // namespace proxenos::upstream
