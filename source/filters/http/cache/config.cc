// Compiles the configuration of caches.
#include "source/filters/http/cache/config.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/cache/v3/cache.pb.h"
#include "envoy/extensions/filters/http/cache_v2/v3/cache.pb.h"
#include "envoy/extensions/http/cache/file_system_http_cache/v3/file_system_http_cache.pb.h"
#include "envoy/extensions/http/cache/simple_http_cache/v3/config.pb.h"
#include "envoy/extensions/http/cache_v2/file_system_http_cache/v3/file_system_http_cache.pb.h"
#include "envoy/extensions/http/cache_v2/simple_http_cache/v3/config.pb.h"
#include "proxenos/http/cache/v3/cache_store.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filters/http/cache/filter.h"
#include "source/http/chars.h"
#include "source/match/match_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::cache {
namespace {

// Envoy's two filters of this kind, whose messages say the same, with the stores of each.
namespace stores = envoy::extensions::http;
struct V1 {
  using Config = envoy::extensions::filters::http::cache::v3::CacheConfig;
  using Simple = stores::cache::simple_http_cache::v3::SimpleHttpCacheConfig;
  using Files = stores::cache::file_system_http_cache::v3::FileSystemHttpCacheConfig;
};
struct V2 {
  using Config = envoy::extensions::filters::http::cache_v2::v3::CacheV2Config;
  using Simple = stores::cache_v2::simple_http_cache::v3::SimpleHttpCacheV2Config;
  using Files = stores::cache_v2::file_system_http_cache::v3::FileSystemHttpCacheV2Config;
};
using OwnStore = ::proxenos::http::cache::v3::CacheStore;

// Less could not hold one response with its overhead in a useful way.
constexpr uint64_t kMinStoreBytes = uint64_t{1} << 20;
constexpr uint32_t kMaxVariants = 1024;
constexpr uint64_t kMaxSharedEntryBytes = uint64_t{64} << 20;
constexpr size_t kMaxSecretBytes = 4096;

constexpr stats::ScopeShape kScope{
    "http.$.cache.", "http.cache.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {
    for (const std::string& one : settings_.targets) settings_.target_views.push_back(one);
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Cache>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<CachePart>();
    part->store = settings_.store;
    part->registry = &registry;
    part->stats = registry.Open<CacheStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }

 private:
  Settings settings_;
};

// Names of fields, in lower case.
template <typename Names>
std::vector<std::string> CompileFields(const Names& names, const config::Path& path,
                                       config::Errors& errors, std::vector<std::string> otherwise) {
  std::vector<std::string> fields;
  for (int i = 0; i < names.size(); ++i) {
    std::string name = absl::AsciiStrToLower(names[i]);
    bool valid = !name.empty();
    for (const char c : name) valid = valid && ::proxenos::http::IsTokenChar(c);
    if (!valid) {
      errors.AddValue(path.Index(static_cast<size_t>(i)), names[i], "the name of a field");
    }
    fields.push_back(std::move(name));
  }
  return fields.empty() ? otherwise : fields;
}

int64_t CompileSeconds(const google::protobuf::Duration& proto, config::Errors& errors,
                       const config::Path& path) {
  return std::min(upstream::CompileDuration(proto, errors, path) / base::kSecond,
                  store::kMaxSeconds);
}

void CheckBytes(uint64_t max_bytes, const config::Path& path, config::Errors& errors) {
  if (max_bytes < kMinStoreBytes) errors.Add(path, "expected 1048576 or more");
}

bool CheckFolder(const std::string& folder, const config::Path& path, config::Errors& errors) {
  if (!folder.empty() && folder.front() == '/') return true;
  errors.AddValue(path, folder, "an absolute path");
  return false;
}

void CompileDisk(const OwnStore::Disk& proto, const config::Path& path, config::Errors& errors,
                 store::DiskStore::Options& options) {
  options.path = proto.path();
  CheckFolder(options.path, path.Field("path"), errors);
  while (options.path.size() > 1 && options.path.back() == '/') options.path.pop_back();
  if (proto.has_max_bytes()) options.max_bytes = proto.max_bytes().value();
  CheckBytes(options.max_bytes, path.Field("max_bytes"), errors);
}

std::string CompileSecret(const OwnStore::Secret& proto, const config::Path& path,
                          config::Errors& errors) {
  envoy::config::core::v3::DataSource source;
  switch (proto.source_case()) {
    case OwnStore::Secret::kFilename:
      source.set_filename(proto.filename());
      break;
    case OwnStore::Secret::kInlineString:
      source.set_inline_string(proto.inline_string());
      break;
    case OwnStore::Secret::kEnvironmentVariable:
      source.set_environment_variable(proto.environment_variable());
      break;
    case OwnStore::Secret::SOURCE_NOT_SET:
      errors.Add(path, "expected one of filename, inline_string, environment_variable");
      return std::string();
  }
  const auto text = config::ReadDataSource(source, path, errors, kMaxSecretBytes);
  return text.has_value() ? *text : std::string();
}

void CompileShared(const OwnStore::Redis& proto, const config::Path& path, config::Errors& errors,
                   store::SharedOptions& options) {
  options.cluster = proto.cluster();
  if (options.cluster.empty()) errors.Add(path.Field("cluster"), "expected the name of a cluster");
  options.username = proto.username();
  if (proto.has_password()) {
    options.password = CompileSecret(proto.password(), path.Field("password"), errors);
  } else if (!options.username.empty()) {
    errors.Add(path.Field("password"), "expected one for the username");
  }
  options.database = proto.database();
  if (!proto.key_prefix().empty()) options.key_prefix = proto.key_prefix();
  if (proto.has_timeout()) {
    options.timeout = upstream::CompileDuration(proto.timeout(), errors, path.Field("timeout"));
    if (options.timeout <= 0) errors.Add(path.Field("timeout"), "expected more than 0");
  }
  if (proto.has_max_entry_bytes()) options.max_entry_bytes = proto.max_entry_bytes().value();
  if (options.max_entry_bytes < 1 || options.max_entry_bytes > kMaxSharedEntryBytes) {
    errors.Add(path.Field("max_entry_bytes"), "expected 1 to 67108864");
  }
}

void CompileStore(const OwnStore& proto, const config::Path& path, config::Errors& errors,
                  Settings& settings) {
  store::StoreOptions options;
  options.keys = settings.key;
  if (proto.has_max_bytes()) options.memory.max_bytes = proto.max_bytes().value();
  CheckBytes(options.memory.max_bytes, path.Field("max_bytes"), errors);
  if (proto.has_max_variants()) options.memory.max_variants = proto.max_variants().value();
  if (options.memory.max_variants < 1 || options.memory.max_variants > kMaxVariants) {
    errors.Add(path.Field("max_variants"), "expected 1 to 1024");
  }
  settings.any_vary = proto.allow_any_vary();
  settings.targets = CompileFields(proto.targeted_fields(), path.Field("targeted_fields"), errors,
                                   std::move(settings.targets));
  settings.tag_fields = CompileFields(proto.tag_fields(), path.Field("tag_fields"), errors,
                                      std::move(settings.tag_fields));
  settings.stale_if_error =
      CompileSeconds(proto.default_stale_if_error(), errors, path.Field("default_stale_if_error"));
  settings.stale_while_revalidate = CompileSeconds(proto.default_stale_while_revalidate(), errors,
                                                   path.Field("default_stale_while_revalidate"));
  if (proto.has_max_heuristic_lifetime()) {
    settings.max_heuristic = CompileSeconds(proto.max_heuristic_lifetime(), errors,
                                            path.Field("max_heuristic_lifetime"));
  }
  if (!proto.cache_status_name().empty()) settings.status_name = proto.cache_status_name();
  settings.shows_status = !proto.omit_cache_status();
  settings.collapses = !proto.disable_collapsing();
  settings.fetches_whole = proto.fetch_whole_for_ranges();
  if (proto.has_collapse_timeout()) {
    settings.collapse_timeout =
        upstream::CompileDuration(proto.collapse_timeout(), errors, path.Field("collapse_timeout"));
  }
  if (proto.has_disk()) CompileDisk(proto.disk(), path.Field("disk"), errors, options.disk);
  if (proto.has_redis()) CompileShared(proto.redis(), path.Field("redis"), errors, options.shared);
  if (proto.has_disk() && proto.has_redis()) {
    errors.Add(path.Field("redis"), "expected either disk or redis");
  }
  if (!errors.ok()) return;
  std::string error;
  settings.store =
      store::StoreHandle::Open(proto.name().empty() ? "default" : proto.name(), options, &error);
  if (!settings.store) errors.Add(path.Field("disk").Field("path"), error);
}

// Envoy's store of files as one of ours. Its path is its name.
template <typename Files>
void CompileFiles(const Files& proto, const config::Path& path, config::Errors& errors,
                  OwnStore& own, Settings& settings) {
  const std::string& folder = proto.cache_path();
  const config::Path folder_path = path.Field("cache_path");
  own.set_name(absl::StrCat("files ", folder));
  own.mutable_disk()->set_path(folder);
  if (proto.has_max_cache_size_bytes()) {
    const uint64_t max_bytes = proto.max_cache_size_bytes().value();
    own.mutable_disk()->mutable_max_bytes()->set_value(max_bytes);
    CheckBytes(max_bytes, path.Field("max_cache_size_bytes"), errors);
  }
  if (proto.has_max_individual_cache_entry_size_bytes()) {
    settings.max_body_bytes =
        std::min(settings.max_body_bytes, proto.max_individual_cache_entry_size_bytes().value());
  }
  if (!CheckFolder(folder, folder_path, errors)) return;
  std::error_code error;
  if (proto.create_cache_path()) {
    std::filesystem::create_directories(folder, error);
    if (error) errors.Add(folder_path, absl::StrCat("cannot make the folder: ", error.message()));
  } else if (!std::filesystem::is_directory(folder, error)) {
    errors.AddValue(folder_path, folder, "a folder (create_cache_path makes it)");
  }
}

template <typename Version>
void CompileTypedConfig(const google::protobuf::Any& any, const config::Path& path,
                        config::Errors& errors, Settings& settings) {
  const std::string type = config::TypedConfigType(any);
  OwnStore own;
  if (type == Version::Simple::descriptor()->full_name()) {
    typename Version::Simple simple;
    if (!config::UnpackTypedConfigTo(any, simple, path, errors)) return;
    own.set_name("simple");
  } else if (type == Version::Files::descriptor()->full_name()) {
    typename Version::Files files;
    if (!config::UnpackTypedConfigTo(any, files, path, errors)) return;
    const size_t before = errors.count();
    CompileFiles(files, path, errors, own, settings);
    if (errors.count() != before) return;
  } else if (!config::UnpackTypedConfigTo(any, own, path, errors)) {
    return;
  }
  CompileStore(own, path, errors, settings);
}

template <typename Version>
Settings Compile(const typename Version::Config& proto, const config::Path& path,
                 config::Errors& errors) {
  Settings settings;
  settings.disabled = proto.disabled().value();
  settings.targets = {"cdn-cache-control"};
  settings.tag_fields = {"surrogate-key", "cache-tag"};
  settings.key.without_scheme = proto.key_creator_params().exclude_scheme();
  settings.key.without_host = proto.key_creator_params().exclude_host();
  settings.ignore_request_directives = proto.ignore_request_cache_control_header();
  if (proto.max_body_bytes() != 0) settings.max_body_bytes = proto.max_body_bytes();
  for (int i = 0; i < proto.allowed_vary_headers_size(); ++i) {
    auto matcher = match::CompileStringMatcher(
        proto.allowed_vary_headers(i), errors,
        path.Field("allowed_vary_headers").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) settings.vary.push_back(*std::move(matcher));
  }
  const config::Path typed = path.Field("typed_config");
  if (proto.has_typed_config()) {
    CompileTypedConfig<Version>(proto.typed_config(), typed, errors, settings);
  } else if (!settings.disabled) {
    errors.Add(typed, "expected a store, such as SimpleHttpCacheConfig");
  }
  return settings;
}

template <typename Version>
std::unique_ptr<filter::FilterFactory> Create(const google::protobuf::Any& config,
                                              const config::Path& path, config::Errors& errors) {
  typename Version::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = Compile<Version>(proto, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateCache(const google::protobuf::Any& config,
                                                   const config::Path& path,
                                                   config::Errors& errors) {
  return Create<V1>(config, path, errors);
}

std::unique_ptr<filter::FilterFactory> CreateCacheV2(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors) {
  return Create<V2>(config, path, errors);
}

}  // namespace proxenos::filters::cache
