// Layers, one by one, and the snapshot of all of them.
#include "source/server/runtime_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/runtime/disk_layer.h"
#include "source/runtime/layer_config.h"
#include "source/server/source_key.h"
#include "source/stats/scope.h"
#include "source/xds/directory_watch.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

// Keys that one may set at the admin endpoint in all.
constexpr size_t kMaxAdminKeys = 10'000;

std::shared_ptr<const runtime::Layer> EmptyLayer(const std::string& name) {
  auto layer = std::make_unique<runtime::Layer>();
  layer->name = name;
  return layer;
}

}  // namespace

struct RuntimeStore::Source {
  enum class Kind : uint8_t { kStatic, kDisk, kAdmin, kDiscovered };

  // Which folder a link led to, so that changes of its neighbours do not cost reading it.
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t changed_s = 0;
    int64_t changed_ns = 0;
    bool operator==(const Identity&) const = default;

    static Identity Of(const std::string& path) {
      struct stat facts;
      if (lstat(path.c_str(), &facts) != 0) return {};
      return {facts.st_dev, facts.st_ino, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec};
    }
  };

  Kind kind = Kind::kStatic;
  std::string name;
  std::shared_ptr<const runtime::Layer>
      layer;  // Null: there is no such folder, or no readable one.

  // kDisk
  std::string root;       // symlink_root
  std::string directory;  // Below it, where the files are.
  bool counts_directory = false;
  Identity seen;
  std::unique_ptr<xds::DirectoryWatch> watch;

  // kDiscovered
  SourceKey source;
  std::string resource_name;
  NameClaim claim;
  base::MonoTime deadline = base::kNever;
  std::optional<ResourceVersion> active;
  std::optional<Refusal> refused;
  bool answered() const { return active.has_value() || refused.has_value(); }
};

RuntimeStore::RuntimeStore(StoreContext context, Compilers& compilers, stats::Registry& registry)
    : context_(context),
      compilers_(compilers),
      stats_(registry.Open<stats::RuntimeStats>(stats::ScopeName(stats::kRuntimeScope, {}))) {
  Rebuild();
}

RuntimeStore::~RuntimeStore() = default;

void RuntimeStore::Begin(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                         config::Errors& errors) {
  const config::Path layers = config::Path("layered_runtime").Field("layers");
  for (int i = 0; i < bootstrap.layered_runtime().layers_size(); ++i) {
    AddLayer(bootstrap.layered_runtime().layers(i), bootstrap.node().cluster(), errors,
             layers.Index(static_cast<size_t>(i)));
  }
  if (!sources_.empty()) Change();
}

void RuntimeStore::AddLayer(const LayerProto& config, const std::string& cluster,
                            config::Errors& errors, const config::Path& path) {
  for (const auto& other : sources_) {
    if (other->name == config.name()) {
      errors.AddValue(path.Field("name"), config.name(), "a name that no other layer has");
    }
  }
  Source& added = *sources_.emplace_back(std::make_unique<Source>());
  added.name = config.name();
  added.layer = EmptyLayer(config.name());
  switch (config.layer_specifier_case()) {
    case LayerProto::kStaticLayer:
      added.layer = runtime::CompileLayer(config.name(), config.static_layer(), errors,
                                          path.Field("static_layer"));
      return;
    case LayerProto::kAdminLayer:
      added.kind = Source::Kind::kAdmin;
      for (const auto& other : sources_) {
        if (other.get() != &added && other->kind == Source::Kind::kAdmin) {
          errors.Add(path.Field("admin_layer"), "there may be only one admin layer");
        }
      }
      return;
    case LayerProto::kDiskLayer:
      return AddDisk(config, cluster, added);
    case LayerProto::kRtdsLayer:
      return AddDiscovered(config, added, errors, path.Field("rtds_layer"));
    case LayerProto::LAYER_SPECIFIER_NOT_SET:
      break;
  }
  errors.Add(path, "expected one of static_layer, disk_layer, admin_layer, rtds_layer");
}

void RuntimeStore::AddDisk(const LayerProto& config, const std::string& cluster, Source& added) {
  namespace fs = std::filesystem;
  added.kind = Source::Kind::kDisk;
  added.layer = nullptr;
  added.root = config.disk_layer().symlink_root();
  added.counts_directory = config.disk_layer().append_service_cluster();
  fs::path directory = added.root;
  if (!config.disk_layer().subdirectory().empty()) directory /= config.disk_layer().subdirectory();
  if (added.counts_directory) directory /= cluster;
  added.directory = directory.string();
  const fs::path parent = fs::path(added.root).parent_path();
  Source* self = &added;  // It owns the watch.
  added.watch = std::make_unique<xds::DirectoryWatch>(
      context_.loop, parent.empty() ? "." : parent.string(), [this, self] {
        if (Source::Identity::Of(self->root) == self->seen) return;
        ReadDisk(*self);
        Change();
      });
  ReadDisk(added);
}

void RuntimeStore::ReadDisk(Source& source) {
  source.seen = Source::Identity::Of(source.root);
  if (source.counts_directory) {
    std::error_code error;
    const bool exists = std::filesystem::is_directory(source.directory, error);
    (exists ? stats_->override_dir_exists : stats_->override_dir_not_exists).Inc();
    if (!exists) {
      source.layer = nullptr;
      return;
    }
  }
  auto layer = runtime::ReadDiskLayer(source.name, source.directory);
  if (layer.ok()) {
    source.layer = *std::move(layer);
    return;
  }
  stats_->load_error.Inc();
  const absl::string_view why = layer.status().message();
  PX_LOG(kConfig, kError, "runtime layer ", source.name, " stays as it was: ", why);
}

void RuntimeStore::AddDiscovered(const LayerProto& config, Source& added, config::Errors& errors,
                                 const config::Path& path) {
  const auto& rtds = config.rtds_layer();
  added.kind = Source::Kind::kDiscovered;
  added.source = SourceKeyOf(rtds.rtds_config());
  added.resource_name = rtds.name();
  const std::optional<std::string> problem =
      context_.SourceProblem(xds::kRuntimeType, added.source, added.resource_name, "rtds_config");
  if (problem.has_value()) {
    errors.Add(path, std::string_view(*problem));
    return;
  }
  added.claim = context_.wanted.Claim(xds::kRuntimeType, added.source, added.resource_name);
  added.deadline = context_.Deadline(FetchTimeoutOf(rtds.rtds_config()));
}

RuntimeStore::Source* RuntimeStore::FindDiscovered(const SourceKey& source,
                                                   const std::string& name) {
  for (const auto& each : sources_) {
    if (each->kind == Source::Kind::kDiscovered && each->source == source &&
        each->resource_name == name) {
      return each.get();
    }
  }
  return nullptr;
}

std::optional<std::string> RuntimeStore::Take(const SourceKey& source,
                                              const xds::Resource& resource) {
  Source* const found = FindDiscovered(source, resource.name);
  if (found == nullptr) return std::nullopt;  // Nobody asked for it.
  if (found->active.has_value() && found->active->SameBytes(resource)) {
    found->refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  std::shared_ptr<const runtime::Layer> layer =
      compilers_.runtime_layer(found->name, *resource.bytes, errors);
  const base::WallTime now = context_.loop.wall_now();
  if (layer == nullptr) {
    const std::string reason(errors.ToStatus().message());
    found->refused = Refusal{ResourceVersion::Of(resource, now), reason};
    context_.Pump();
    return reason;
  }
  found->refused.reset();
  found->active = ResourceVersion::Of(resource, now);
  found->layer = std::move(layer);
  Change();
  return std::nullopt;
}

void RuntimeStore::Remove(const SourceKey& source, const std::string& name) {
  Source* const found = FindDiscovered(source, name);
  if (found == nullptr || !found->active.has_value()) return;
  found->active.reset();
  found->layer = EmptyLayer(found->name);
  Change();
}

absl::Status RuntimeStore::Modify(const Changes& changes) {
  const auto admin = std::find_if(sources_.begin(), sources_.end(), [](const auto& each) {
    return each->kind == Source::Kind::kAdmin;
  });
  if (admin == sources_.end()) return absl::UnavailableError("No admin layer specified");
  auto layer = std::make_unique<runtime::Layer>(*(*admin)->layer);
  std::set<absl::string_view> seen;
  for (const auto& [key, text] : changes) {
    if (!seen.insert(key).second) continue;  // The first of a name counts.
    if (text.empty()) {
      layer->values.erase(key);
    } else {
      layer->values[key] = runtime::ParseValue(text);
    }
  }
  if (layer->values.size() > kMaxAdminKeys) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxAdminKeys, " keys"));
  }
  stats_->admin_overrides_active.Set(layer->values.empty() ? 0 : 1);
  (*admin)->layer = std::move(layer);
  Change();
  return absl::OkStatus();
}

void RuntimeStore::Change() {
  changed_ = true;
  Rebuild();
  context_.Pump();
}

void RuntimeStore::Rebuild() {
  std::vector<std::shared_ptr<const runtime::Layer>> layers;
  for (const auto& source : sources_) {
    if (source->layer != nullptr) layers.push_back(source->layer);
  }
  snapshot_ = std::make_shared<const runtime::Snapshot>(std::move(layers));
  stats_->num_layers.Set(snapshot_->layers().size());
  stats_->num_keys.Set(snapshot_->size());
  uint64_t switches = 0;
  for (const absl::string_view key : snapshot_->Keys()) switches += runtime::IsSwitchOfEnvoy(key);
  stats_->num_ignored_keys.Set(switches);
  if (changed_) stats_->load_success.Inc();
}

void RuntimeStore::Settle(Batch& batch) {
  if (std::exchange(changed_, false)) batch.runtime = snapshot_;
}

bool RuntimeStore::discovers() const {
  return std::any_of(sources_.begin(), sources_.end(),
                     [](const auto& each) { return each->kind == Source::Kind::kDiscovered; });
}

bool RuntimeStore::ready() const {
  const base::MonoTime now = context_.loop.now();
  return std::all_of(sources_.begin(), sources_.end(), [now](const auto& each) {
    return each->kind != Source::Kind::kDiscovered || each->answered() || now >= each->deadline;
  });
}

base::MonoTime RuntimeStore::NextDeadline() const {
  base::MonoTime next = base::kNever;
  const base::MonoTime now = context_.loop.now();
  for (const auto& each : sources_) {
    if (!each->answered() && each->deadline > now) next = std::min(next, each->deadline);
  }
  return next;
}

void RuntimeStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& each : sources_) {
    if (each->kind != Source::Kind::kDiscovered) continue;
    ResourceView view{each->resource_name};
    if (each->active.has_value()) view.active = &*each->active;
    if (each->refused.has_value()) view.refused = &*each->refused;
    visit(view);
  }
}

}  // namespace proxenos::server
