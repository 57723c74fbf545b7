// Registry: the table of scopes. See registry.h.
#include "source/stats/registry.h"

#include <algorithm>

#include "source/base/check.h"

namespace proxenos::stats {

// Owner: the registry's table. Thread: any, under the registry's mutex. Dies when: holders is zero.
struct Scope {
  Scope(Registry* owner, const ScopeName& scope_name, const Schema& stat_schema)
      : registry(owner), name(scope_name), schema(&stat_schema) {}

  StatValues Sum() {
    StatValues sum(*schema);
    if (retired != nullptr) sum.Add(*retired);
    for (Instance* it = instances.front(); it != nullptr; it = instances.Next(it)) {
      sum.AddBlock(*schema, it->block, StatValues::Part::kAll);
    }
    return sum;
  }

  Registry* const registry;
  const ScopeName name;
  const Schema* const schema;

  base::IntrusiveList<Instance> instances;
  uint32_t holders = 0;  // groups and pins

  // Each null until there is something to hold: most scopes of a large configuration are idle.
  std::unique_ptr<StatValues> retired;  // what dead groups counted
  std::unique_ptr<StatValues> reset;    // counters and codes as they stood at the last reset
  struct Interval {
    StatValues::Distribution flushed;  // all that was recorded until the last flush
    HistogramData interval;            // and of that, what was new then
  };
  std::unique_ptr<std::vector<Interval>> intervals;
};

namespace {

// How many scopes are read in one hold of the lock.
constexpr int kScopesPerHold = 32;

void SubtractReset(StatValues& total, const StatValues& reset, const Schema& schema) {
  for (size_t i = 0; i < schema.stats.size(); ++i) {
    if (schema.stats[i].kind == Kind::kCounter) total.values[i] -= reset.values[i];
  }
  for (const StatValues::Code& code : reset.codes) {
    total.AddCode(code.stat, code.status, uint64_t{0} - code.count);
  }
}

void FlushScope(Scope& scope) {
  const StatValues sum = scope.Sum();
  if (sum.histograms.empty()) return;
  if (scope.intervals == nullptr) {
    scope.intervals = std::make_unique<std::vector<Scope::Interval>>();
  }
  std::vector<Scope::Interval> next;
  next.reserve(sum.histograms.size());
  for (const StatValues::Distribution& entry : sum.histograms) {
    Scope::Interval interval{entry, entry.data};
    for (const Scope::Interval& before : *scope.intervals) {
      if (before.flushed.stat == entry.stat) interval.interval.Subtract(before.flushed.data);
    }
    next.push_back(std::move(interval));
  }
  *scope.intervals = std::move(next);
}

}  // namespace

ScopePin& ScopePin::operator=(ScopePin&& other) noexcept {
  std::swap(scope_, other.scope_);
  return *this;
}

ScopePin::~ScopePin() {
  if (scope_ != nullptr) scope_->registry->Unpin(*scope_);
}

ReadHook& ReadHook::operator=(ReadHook&& other) noexcept {
  std::swap(registry_, other.registry_);
  std::swap(id_, other.id_);
  return *this;
}

ReadHook::~ReadHook() {
  if (registry_ != nullptr) registry_->RemoveHook(id_);
}

Registry::Registry() = default;

Registry::~Registry() {
  CHECK(scopes_.empty());
  CHECK(hooks_.empty());
}

ReadHook Registry::BeforeRead(absl::AnyInvocable<void()> callback) {
  const uint64_t id = next_hook_id_++;
  hooks_.emplace(id, std::move(callback));
  return ReadHook(this, id);
}

void Registry::RemoveHook(uint64_t id) { hooks_.erase(id); }

std::vector<ScopeReading> Registry::Read() {
  return Read([](const ScopeName&, const Schema&) { return true; });
}

std::vector<ScopeReading> Registry::Read(WantsScope wanted) {
  for (auto& [id, callback] : hooks_) callback();
  std::vector<ScopeReading> readings;
  ForEachScope([&readings, wanted](Scope& scope) {
    if (!wanted(scope.name, *scope.schema)) return;
    ScopeReading reading{scope.name, scope.schema, scope.Sum(), {}};
    if (scope.reset != nullptr) SubtractReset(reading.total, *scope.reset, *scope.schema);
    if (scope.intervals != nullptr) {
      for (const Scope::Interval& interval : *scope.intervals) {
        reading.intervals.push_back({interval.flushed.stat, interval.interval});
      }
    }
    readings.push_back(std::move(reading));
  });
  return readings;
}

void Registry::FlushIntervals() {
  ForEachScope([](Scope& scope) {
    const auto is_histogram = [](const StatSpec& spec) { return spec.kind == Kind::kHistogram; };
    if (std::any_of(scope.schema->stats.begin(), scope.schema->stats.end(), is_histogram)) {
      FlushScope(scope);
    }
  });
}

void Registry::ResetCounters() {
  ForEachScope([](Scope& scope) { scope.reset = std::make_unique<StatValues>(scope.Sum()); });
}

size_t Registry::scope_count() const {
  const std::lock_guard lock(mutex_);
  return scopes_.size();
}

void Registry::Enter(const ScopeName& name, const Schema& schema, Instance& instance) {
  const std::lock_guard lock(mutex_);
  Scope& scope = FindOrMake(name, schema);
  ++scope.holders;
  instance.scope = &scope;
  scope.instances.PushBack(&instance);
}

ScopePin Registry::PinScope(const ScopeName& name, const Schema& schema) {
  const std::lock_guard lock(mutex_);
  Scope& scope = FindOrMake(name, schema);
  ++scope.holders;
  return ScopePin(&scope);
}

void Registry::Leave(Instance& instance) {
  Scope& scope = *instance.scope;
  Registry& registry = *scope.registry;
  const std::lock_guard lock(registry.mutex_);
  instance.Unlink();
  if (scope.holders > 1) {
    if (scope.retired == nullptr) scope.retired = std::make_unique<StatValues>(*scope.schema);
    scope.retired->AddBlock(*scope.schema, instance.block, StatValues::Part::kAllButGauges);
  }
  registry.Release(scope);
}

void Registry::Unpin(Scope& scope) {
  const std::lock_guard lock(mutex_);
  Release(scope);
}

Scope& Registry::FindOrMake(const ScopeName& name, const Schema& schema) {
  const auto found = scopes_.find(Key(name.prefix(), &schema));
  if (found != scopes_.end()) return *found->second;
  auto scope = std::make_unique<Scope>(this, name, schema);
  Scope& made = *scope;
  scopes_.emplace(Key(made.name.prefix(), &schema), std::move(scope));
  return made;
}

void Registry::Release(Scope& scope) {
  CHECK(scope.holders > 0);
  if (--scope.holders != 0) return;
  const auto found = scopes_.find(Key(scope.name.prefix(), scope.schema));
  // The key points into the scope: it leaves the table before it dies.
  const std::unique_ptr<Scope> dead = std::move(found->second);
  scopes_.erase(found);
}

void Registry::ForEachScope(absl::FunctionRef<void(Scope&)> visit) {
  std::string last_prefix;
  const Schema* last_schema = nullptr;
  for (bool first = true;; first = false) {
    const std::lock_guard lock(mutex_);
    auto it = first ? scopes_.begin() : scopes_.upper_bound(Key(last_prefix, last_schema));
    for (int left = kScopesPerHold; it != scopes_.end(); ++it) {
      visit(*it->second);
      if (--left > 0) continue;
      last_prefix = it->second->name.prefix();
      last_schema = it->second->schema;
      break;
    }
    if (it == scopes_.end()) return;
  }
}

}  // namespace proxenos::stats
