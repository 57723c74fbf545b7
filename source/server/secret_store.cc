// Accepting, watching, telling.
#include "source/server/secret_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/xds/directory_watch.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

namespace {

using From = tls::SecretRef::From;

// Of two waits, of which 0 has no end.
base::Nanos Longer(base::Nanos a, base::Nanos b) { return a == 0 || b == 0 ? 0 : std::max(a, b); }

}  // namespace

bool AreThere(const std::vector<tls::SecretCellPtr>& cells) {
  return std::all_of(cells.begin(), cells.end(),
                     [](const tls::SecretCellPtr& cell) { return cell->Get() != nullptr; });
}

base::MonoTime DeadlineOf(const std::vector<tls::SecretCellPtr>& cells,
                          const StoreContext& context) {
  base::MonoTime until = context.loop.now();
  for (const tls::SecretCellPtr& cell : cells) {
    if (cell->Get() != nullptr) continue;
    until = std::max(until, context.Deadline(cell->ref().initial_fetch_timeout));
  }
  return until;
}

struct SecretStore::Entry {
  Key key;
  std::optional<tls::Secret> secret;  // The last good one; nothing while it is awaited.
  std::optional<ResourceVersion> active;
  std::optional<Refusal> refused;
  std::vector<std::unique_ptr<xds::DirectoryWatch>> watches;
  std::vector<SecretUse*> users;
  std::vector<const tls::SecretCell*> cells;  // Of `cells_`.
  stats::Group<stats::SecretStats> stats;     // Of those that have a name.
  uint64_t failures = 0;                      // Of its source, as far as they are counted.
  std::optional<event::Timer> patience;       // initial_fetch_timeout, while it is awaited.

  bool is_static() const { return key.from == From::kBootstrap; }
};

SecretStore::SecretStore(StoreContext context, Compilers& compilers, stats::Registry& registry)
    : context_(context), compilers_(compilers), registry_(registry) {}

SecretStore::~SecretStore() {
  // Who names these again is not to find what was.
  for (const auto& [cell, use] : cells_) tls::SecretCells::OfProcess().Forget(use.cell);
  for (const auto& [key, entry] : entries_) CHECK(entry->users.empty());
}

SecretStore::Key SecretStore::KeyOf(const tls::SecretRef& ref) {
  if (ref.from == From::kFiles) return {ref.from, ref.bytes, ""};
  return {ref.from, ref.name, ref.source};
}

std::unique_ptr<SecretStore::Entry>& SecretStore::Slot(const Key& key) {
  std::unique_ptr<Entry>& slot = entries_[key];
  if (slot == nullptr) {
    slot = std::make_unique<Entry>();
    slot->key = key;
    if (key.from == From::kDiscovery) {
      slot->stats = registry_.Open<stats::SecretStats>(stats::SecretScope(key.name));
      slot->failures = Failures(key.source);
    }
  }
  return slot;
}

std::optional<std::string> SecretStore::AddStatic(const xds::Resource& resource) {
  Entry& entry = *Slot({From::kBootstrap, resource.name, ""});
  if (entry.active.has_value()) return "a secret of this name was defined before";
  return Accept(entry, resource, Origin::kBootstrap);
}

std::optional<std::string> SecretStore::Take(const SourceKey& source,
                                             const xds::Resource& resource) {
  Entry& entry = *Slot({From::kDiscovery, resource.name, source});
  entry.stats->update_attempt.Inc();
  std::optional<std::string> problem = Accept(entry, resource, Origin::kDiscovery);
  if (problem.has_value()) {
    entry.stats->update_rejected.Inc();
    return problem;
  }
  entry.stats->update_success.Inc();
  entry.stats->version.Set(xds::XxHash64(resource.version));
  entry.stats->version_text.Set(resource.version);
  return std::nullopt;
}

std::optional<std::string> SecretStore::Accept(Entry& entry, const xds::Resource& resource,
                                               Origin origin) {
  const base::WallTime now = context_.loop.wall_now();
  if (entry.active.has_value() && entry.active->SameBytes(resource)) {
    entry.refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  std::optional<tls::Secret> secret = compilers_.secret(*resource.bytes, origin, errors);
  if (secret.has_value()) {
    for (const SecretUse* use : entry.users) {
      for (const SecretUse::Named& named : use->named_) {
        if (named.entry != &entry || named.kind == secret->kind) continue;
        errors.Add({}, std::string(absl::StrCat("is ", tls::NameOf(secret->kind), ", but ",
                                                use->owner_.name, " names it as ",
                                                tls::NameOf(named.kind))));
      }
    }
  }
  if (secret.has_value() && secret->kind != tls::SecretKind::kGeneric && !entry.cells.empty()) {
    errors.Add({}, absl::StrCat("is ", tls::NameOf(secret->kind),
                                ", but a filter names it as a generic secret"));
  }
  if (!errors.ok()) {
    std::string reason(errors.ToStatus().message());
    entry.refused = Refusal{ResourceVersion::Of(resource, now), reason};
    return reason;
  }
  entry.refused.reset();
  entry.patience.reset();
  entry.active = ResourceVersion::Of(resource, now);
  entry.secret = *std::move(secret);
  Watch(entry);
  Changed(entry);
  return std::nullopt;
}

void SecretStore::Watch(Entry& entry) {
  entry.watches.clear();
  std::vector<std::string> directories = entry.secret->watched_directories;
  if (entry.key.from == From::kDiscovery) {
    const auto& more = entry.secret->file_directories;
    directories.insert(directories.end(), more.begin(), more.end());
  }
  Entry* self = &entry;  // It owns the watches, so they end before it does.
  for (std::string& directory : directories) {
    entry.watches.push_back(std::make_unique<xds::DirectoryWatch>(
        context_.loop, std::move(directory), [this, self] { Reread(*self); }));
  }
  // What changed since it was read, and before it was watched.
  if (!entry.watches.empty()) Reread(entry);
}

void SecretStore::Reread(Entry& entry) {
  config::Errors errors;
  std::optional<tls::Secret> now =
      compilers_.secret(*entry.active->bytes, Origin::kBootstrap, errors);
  if (!now.has_value()) {
    if (entry.stats) entry.stats->key_rotation_failed.Inc();
    const std::string why(errors.ToStatus().message());
    const std::string name = entry.key.from == From::kFiles ? "of files" : entry.key.name;
    PX_LOG(kConfig, kWarn, "secret ", name, ": its changed files are not in force: ", why);
    return;
  }
  if (tls::SameFiles(*now, *entry.secret)) return;
  entry.secret = *std::move(now);
  entry.active->last_updated = context_.loop.wall_now();
  Changed(entry);
}

void SecretStore::Changed(Entry& entry) {
  if (entry.users.empty() && entry.cells.empty()) return;
  for (const tls::SecretCell* cell : entry.cells) PublishTo(*cell, entry);
  for (SecretUse* use : entry.users) {
    use->changed_ = true;
    changed_[static_cast<int>(use->owner_.kind)].insert(use->owner_.name);
  }
  context_.Pump();
}

void SecretStore::Drop(const SourceKey& source, const std::string& name) {
  entries_.erase(Key{From::kDiscovery, name, source});
}

std::optional<std::string> SecretStore::Check(const tls::SecretRef& ref) const {
  if (ref.from == From::kFiles) return std::nullopt;
  std::optional<std::string> problem;
  const auto found = entries_.find(KeyOf(ref));
  const Entry* entry = found == entries_.end() ? nullptr : found->second.get();
  if (ref.from == From::kDiscovery) {
    problem = context_.SourceProblem(xds::kSecretType, ref.source, ref.name,
                                     absl::StrCat("sds_config of secret ", ref.name));
  } else if (entry == nullptr || !entry->secret.has_value()) {
    problem = absl::StrCat("secret ", ref.name,
                           " is not one of static_resources.secrets, and no sds_config says "
                           "where else it is");
  }
  if (!problem && entry != nullptr && entry->secret && entry->secret->kind != ref.kind) {
    problem = absl::StrCat("secret ", ref.name, " is ", tls::NameOf(entry->secret->kind),
                           "; expected ", tls::NameOf(ref.kind));
  }
  return problem;
}

std::optional<std::string> SecretStore::Check(const std::vector<tls::SecretCellPtr>& cells) const {
  for (const tls::SecretCellPtr& cell : cells) {
    std::optional<std::string> problem = Check(cell->ref());
    if (problem.has_value()) return problem;
  }
  return std::nullopt;
}

std::optional<std::string> SecretStore::Check(const tls::ContextSecrets& secrets) const {
  std::optional<std::string> problem;
  const auto check = [this, &problem](const tls::SecretRef& ref) {
    if (!problem.has_value()) problem = Check(ref);
  };
  for (const tls::SecretRef& ref : secrets.identities) check(ref);
  if (secrets.validation) check(*secrets.validation);
  if (secrets.ticket_keys) check(*secrets.ticket_keys);
  return problem;
}

std::set<std::string> SecretStore::TakeChanged(SecretOwner::Kind kind) {
  return std::exchange(changed_[static_cast<int>(kind)], {});
}

void SecretStore::RefreshStats() {
  for (auto& [key, entry] : entries_) {
    if (key.from != From::kDiscovery) continue;
    const uint64_t now = Failures(key.source);
    // A source that nobody wanted for a while begins to count anew.
    const uint64_t more = now >= entry->failures ? now - entry->failures : now;
    entry->failures = now;
    entry->stats->update_failure.Add(more);
    entry->stats->update_attempt.Add(more);
  }
}

stats::Group<stats::TlsUpdateStats> SecretStore::OpenUpdateStats(const SecretOwner& owner) const {
  const bool server = owner.kind == SecretOwner::Kind::kListener;
  return registry_.Open<stats::TlsUpdateStats>(stats::ScopeName(
      server ? stats::kServerTlsFactoryScope : stats::kClientTlsFactoryScope, {owner.stat_name}));
}

void SecretStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [key, entry] : entries_) {
    if (key.from == From::kFiles) continue;
    ResourceView view{key.name, entry->is_static()};
    if (entry->active.has_value()) view.active = &*entry->active;
    if (entry->refused.has_value()) view.refused = &*entry->refused;
    visit(view);
  }
}

void SecretStore::Join(SecretUse& use, const tls::SecretRef& ref) {
  const bool is_new = !entries_.contains(KeyOf(ref));
  Entry& entry = *Slot(KeyOf(ref));
  SecretUse::Named named{&entry, ref.kind, NameClaim()};
  if (ref.from == From::kDiscovery) {
    named.claim = context_.wanted.Claim(xds::kSecretType, ref.source, ref.name);
    use.timeout_ =
        Longer(use.timeout_.value_or(ref.initial_fetch_timeout), ref.initial_fetch_timeout);
    if (!entry.secret.has_value()) Await(entry, ref.initial_fetch_timeout);
  }
  entry.users.push_back(&use);
  use.named_.push_back(std::move(named));
  if (ref.from != From::kFiles || !is_new) return;
  xds::Resource resource;
  resource.bytes = std::make_shared<const std::string>(ref.bytes);
  const auto problem = Accept(entry, resource, Origin::kBootstrap);
  // It was good a moment ago, when its owner was compiled; the next change will tell.
  if (problem) PX_LOG(kConfig, kError, use.owner_.name, ": a watched secret: ", *problem);
}

void SecretStore::Join(tls::SecretCellPtr cell) {
  const tls::SecretRef& ref = cell->ref();
  const auto [it, is_new] = cells_.try_emplace(cell.get());
  if (!is_new) return;
  CellUse& use = it->second;
  const std::optional<std::string> problem = Check(ref);
  if (problem.has_value()) {
    PX_LOG(kConfig, kError, "a filter goes without its secret: ", *problem);
  } else {
    use.entry = Slot(KeyOf(ref)).get();
    use.entry->cells.push_back(cell.get());
    if (ref.from == From::kDiscovery) {
      use.claim = context_.wanted.Claim(xds::kSecretType, ref.source, ref.name);
      if (!use.entry->secret.has_value()) Await(*use.entry, ref.initial_fetch_timeout);
    }
    PublishTo(*cell, *use.entry);
  }
  use.cell = std::move(cell);
}

void SecretStore::PublishTo(const tls::SecretCell& cell, const Entry& entry) {
  if (!entry.secret.has_value()) return;
  const auto* values = std::get_if<tls::GenericValues>(&entry.secret->content);
  if (values != nullptr) cell.Publish(std::make_shared<const tls::GenericValues>(*values));
}

void SecretStore::SettleCells() {
  tls::SecretCells& cells = tls::SecretCells::OfProcess();
  for (tls::SecretCellPtr& cell : cells.NamedSince(cells_seen_)) {
    // What named it may have been refused meanwhile.
    if (cells_.contains(cell.get()) || !cells.Forget(cell)) Join(std::move(cell));
  }
  cells_seen_ = cells.stamp();
  for (auto it = cells_.begin(); it != cells_.end();) {
    CellUse& use = it->second;
    if (!cells.Forget(use.cell)) {
      ++it;
      continue;
    }
    if (use.entry != nullptr) std::erase(use.entry->cells, it->first);
    it = cells_.erase(it);
  }
}

// Counts when a discovered secret has not come in time; whoever names it knows by itself.
void SecretStore::Await(Entry& entry, base::Nanos patience) {
  if (patience == 0 || entry.patience.has_value()) return;
  Entry* self = &entry;  // It owns the timer.
  entry.patience.emplace(context_.loop.timers(), [self] { self->stats->init_fetch_timeout.Inc(); });
  entry.patience->ArmIn(patience);
}

void SecretStore::Leave(SecretUse& use, Entry& entry) {
  entry.users.erase(std::find(entry.users.begin(), entry.users.end(), &use));
  if (entry.users.empty() && entry.key.from == From::kFiles) entries_.erase(Key(entry.key));
}

SecretUse::SecretUse(SecretStore& store, const tls::ContextSecrets& secrets, SecretOwner owner)
    : store_(store), owner_(std::move(owner)) {
  for (const tls::SecretRef& ref : secrets.identities) store_.Join(*this, ref);
  if (secrets.validation) store_.Join(*this, *secrets.validation);
  if (secrets.ticket_keys) store_.Join(*this, *secrets.ticket_keys);
}

SecretUse::~SecretUse() {
  for (Named& named : named_) store_.Leave(*this, *named.entry);
}

bool SecretUse::ready() const {
  return std::all_of(named_.begin(), named_.end(), [](const Named& named) {
    return named.entry->secret.has_value() && named.entry->secret->kind == named.kind;
  });
}

tls::FoundSecrets SecretUse::found() const {
  tls::FoundSecrets found;
  for (const Named& named : named_) {
    const auto& content = named.entry->secret->content;
    switch (named.kind) {
      case tls::SecretKind::kIdentity:
        found.identities.push_back(&std::get<tls::Identity>(content));
        break;
      case tls::SecretKind::kValidation:
        found.validation = &std::get<tls::Validation>(content);
        break;
      case tls::SecretKind::kTicketKeys:
        found.ticket_keys = &std::get<tls::TicketKeys>(content);
        break;
      case tls::SecretKind::kGeneric:
        break;
    }
  }
  return found;
}

}  // namespace proxenos::server
