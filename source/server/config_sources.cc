// From ConfigSource messages to streams and files.
#include "source/server/config_sources.h"

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/upstream/duration_config.h"
#include "source/xds/rest_source.h"
#include "source/xds/stream_config.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

using ApiConfigSource = envoy::config::core::v3::ApiConfigSource;
using ConfigSourceProto = envoy::config::core::v3::ConfigSource;

constexpr char kNoAds[] =
    "`ads` needs dynamic_resources.ads_config to say where the control plane is";

base::Nanos FetchTimeout(const ConfigSourceProto& config) {
  if (!config.has_initial_fetch_timeout()) return 15 * base::kSecond;
  config::Errors errors;
  return upstream::CompileDuration(config.initial_fetch_timeout(), errors, config::Path());
}

void AddTo(xds::SubscriptionStats& sum, const xds::SubscriptionStats& each) {
  sum.update_attempt += each.update_attempt;
  sum.update_success += each.update_success;
  sum.update_failure += each.update_failure;
  sum.update_rejected += each.update_rejected;
  sum.update_empty += each.update_empty;
  sum.init_fetch_timeout += each.init_fetch_timeout;
  sum.version = each.version;
}

absl::Status CheckFile(const envoy::config::core::v3::PathConfigSource& config) {
  if (!config.has_poll_interval()) return absl::OkStatus();
  config::Errors errors;
  const config::Path at("path_config_source.poll_interval");
  upstream::CompileDuration(config.poll_interval(), errors, at);
  if (config.has_watched_directory()) {
    errors.Add(at, "cannot be used together with watched_directory");
  }
  return errors.ToStatus();
}

// What stands for a source; that of the aggregated stream has nothing set.
ConfigSourceProto PeerOf(const SourceKey& source) {
  ConfigSourceProto peer;
  if (!source.empty()) peer.ParseFromString(source);
  return peer;
}

}  // namespace

// One subscription and, unless it is on a stream that it shares, what carries it.
struct ConfigSources::Source {
  std::unique_ptr<xds::AdsStream> stream;
  std::unique_ptr<xds::FileSource> file;
  std::unique_ptr<xds::RestSource> rest;
  xds::AdsStream* shared = nullptr;
  xds::Subscription* subscription = nullptr;
  bool started = false;

  void Start() {
    if (started) return;
    started = true;
    if (stream != nullptr) stream->Start();
    if (shared != nullptr) shared->Start();
    if (file != nullptr) file->Start();
    if (rest != nullptr) rest->Start();
  }
};

ConfigSources::ConfigSources(event::EventLoop& loop,
                             const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                             ApplyStep apply, FetchTimedOut timed_out)
    : loop_(loop),
      bootstrap_(bootstrap),
      apply_(std::move(apply)),
      timed_out_(std::move(timed_out)),
      collections_(bootstrap),
      authorities_(bootstrap) {}

ConfigSources::~ConfigSources() = default;

void ConfigSources::UseClusters(xds::FindCluster find_cluster) {
  find_cluster_ = std::move(find_cluster);
}

void ConfigSources::OnClusters() {
  for (auto& [key, source] : sources_) {
    if (source->stream != nullptr) source->stream->OnClusters();
  }
  for (const auto& [key, stream] : shared_) stream->OnClusters();
  if (ads_ != nullptr) ads_->OnClusters();
}

xds::FoundAddresses ConfigSources::AddressesOf(const std::string& name) const {
  xds::FoundAddresses found;
  for (const auto& cluster : bootstrap_.static_resources().clusters()) {
    if (cluster.name() != name) continue;
    std::vector<std::string>& addresses = found.has_value() ? *found : found.emplace();
    for (const auto& locality : cluster.load_assignment().endpoints()) {
      for (const auto& endpoint : locality.lb_endpoints()) {
        const auto& address = endpoint.endpoint().address();
        if (address.has_pipe()) {
          addresses.push_back(address.pipe().path());
        } else {
          const auto& socket = address.socket_address();
          const bool v6 = socket.address().find(':') != std::string::npos;
          addresses.push_back(v6 ? absl::StrCat("[", socket.address(), "]:", socket.port_value())
                                 : absl::StrCat(socket.address(), ":", socket.port_value()));
        }
      }
    }
  }
  return found;
}

absl::StatusOr<xds::AdsStreamOptions> ConfigSources::StreamOptions(
    const xds::ResourceType* type, const ApiConfigSource& config) const {
  config::Errors errors;
  // As in Envoy, secrets alone may be asked for at a cluster that there is not: agents that hand
  // them out add it to the bootstrap, or not. The stream is tried again and again then.
  const bool may_lack = type != nullptr && type->url == xds::kSecretType;
  const auto addresses_of = [this, may_lack](const std::string& cluster) {
    xds::FoundAddresses addresses = AddressesOf(cluster);
    if (!addresses.has_value() && may_lack) addresses.emplace();
    return addresses;
  };
  xds::AdsStreamOptions options =
      xds::CompileStream(config, type, addresses_of, config::Path(), errors);
  if (!errors.ok()) return errors.ToStatus();
  if (find_cluster_ != nullptr) {
    options.find_cluster = [this](const std::string& name) { return find_cluster_(name); };
  }
  options.node = bootstrap_.node();
  return options;
}

absl::Status ConfigSources::CheckOverAds(const xds::ResourceType& type) const {
  if (ads_ == nullptr) return absl::InvalidArgumentError(kNoAds);
  if (type.stream_method.empty() && !xds::IsDelta(bootstrap_.dynamic_resources().ads_config())) {
    return absl::InvalidArgumentError(
        "`ads` is not of the delta protocol, and no other has resources of this type");
  }
  return absl::OkStatus();
}

absl::Status ConfigSources::Check(const std::string& type_url, const SourceKey& source,
                                  absl::string_view name) const {
  const xds::ResourceType* type = xds::FindResourceType(type_url);
  CHECK(type != nullptr);
  const auto elsewhere = authorities_.Find(name, PeerOf(source));
  if (!elsewhere.ok()) return elsewhere.status();
  if (*elsewhere != nullptr) {
    return StreamOptions(nullptr, (*elsewhere)->api_config_source()).status();
  }
  if (source.empty()) return CheckOverAds(*type);
  ConfigSourceProto config;
  if (!config.ParseFromString(source)) {
    return absl::InvalidArgumentError("is not a valid ConfigSource");
  }
  if (config.has_ads() || config.has_self()) return CheckOverAds(*type);
  if (config.has_api_config_source()) {
    const ApiConfigSource& api = config.api_config_source();
    if (api.api_type() == ApiConfigSource::REST) return CheckRest(*type, api);
    return StreamOptions(xds::IsAggregated(api) ? nullptr : type, api).status();
  }
  if (type->stream_method.empty() && (config.has_path_config_source() || !config.path().empty())) {
    return absl::InvalidArgumentError("is a file: only the delta protocol has such resources");
  }
  if (config.has_path_config_source()) return CheckFile(config.path_config_source());
  if (!config.path().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "expected one of ads, self, api_config_source, path_config_source and path");
}

absl::StatusOr<SourceKey> ConfigSources::SourceOfDemands(const std::string& config_source) {
  ConfigSourceProto config;
  if (!config.ParseFromString(config_source)) {
    return absl::InvalidArgumentError("is not a valid ConfigSource");
  }
  const auto& dynamic = bootstrap_.dynamic_resources();
  const bool over_ads = config.has_ads() || config.has_self();
  if (over_ads && ads_ == nullptr) return absl::InvalidArgumentError(kNoAds);
  if (over_ads && !xds::IsDelta(dynamic.ads_config())) {
    return absl::InvalidArgumentError("`ads` is not of the delta protocol: no names are asked for");
  }
  const absl::Status status = Check(xds::kClusterType, config_source);
  if (!status.ok()) return status;
  // A stream has one subscription of a type: where all clusters come over ads, these do too.
  const bool shares =
      !has_cds() || dynamic.cds_config().has_ads() || dynamic.cds_config().has_self();
  if (over_ads && shares) return SourceKey();
  demand_sources_.insert(config_source);
  return config_source;
}

absl::StatusOr<std::string> ConfigSources::CollectionOf(const std::string& type_url,
                                                        const SourceKey& source,
                                                        const std::string& locator) const {
  ConfigSourceProto peer = PeerOf(source);
  if (source.empty()) peer.mutable_ads();
  return collections_.Resolve(locator, type_url, peer);
}

xds::ApplyUpdate ConfigSources::ApplierFor(const SourceKey& key) {
  return [this, key](const xds::TypeUpdate& update) { return apply_(key, update); };
}

bool ConfigSources::ClustersDone(base::MonoTime begun, bool finish) {
  for (auto& [key, source] : sources_) {
    if (key.first != xds::kClusterType) continue;
    xds::Subscription& clusters = *source->subscription;
    if (!clusters.busy() || clusters.busy_since() > begun) continue;
    if (!finish) return false;
    clusters.FinishNow();
  }
  return true;
}

absl::Status ConfigSources::CheckRest(const xds::ResourceType& type,
                                      const ApiConfigSource& config) const {
  config::Errors errors;
  const config::Path path("api_config_source");
  if (type.rest_path.empty()) {
    errors.AddValue(path.Field("api_type"), "REST",
                    "DELTA_GRPC: no other protocol has resources of this type");
  }
  if (config.grpc_services_size() > 0) {
    errors.Add(path.Field("grpc_services"), "is not for REST; write cluster_names");
  }
  if (config.has_rate_limit_settings()) {
    errors.Add(path.Field("rate_limit_settings"), "is for gRPC; REST asks each refresh_delay");
  }
  if (config.cluster_names().empty()) errors.Add(path.Field("cluster_names"), "must not be empty");
  for (int i = 0; i < config.cluster_names_size(); ++i) {
    if (AddressesOf(config.cluster_names(i)).has_value()) continue;
    errors.AddValue(path.Field("cluster_names").Index(i), config.cluster_names(i),
                    "a cluster of static_resources");
  }
  const config::Path delay = path.Field("refresh_delay");
  if (upstream::CompileDuration(config.refresh_delay(), errors, delay) < base::kMillisecond) {
    errors.Add(delay, "is required for REST, and at least a millisecond");
  }
  return errors.ToStatus();
}

void ConfigSources::FillFromRest(const ApiConfigSource& config,
                                 const xds::SubscriptionOptions& options, const SourceKey& key,
                                 Source& source) {
  config::Errors errors;  // None: CheckRest has seen it.
  xds::RestSourceOptions rest;
  rest.clusters.assign(config.cluster_names().begin(), config.cluster_names().end());
  rest.find_cluster = [this](const std::string& name) {
    return find_cluster_ == nullptr ? base::Rc<upstream::WorkerCluster>() : find_cluster_(name);
  };
  rest.node = bootstrap_.node();
  rest.refresh_delay = upstream::CompileDuration(config.refresh_delay(), errors, config::Path());
  if (config.has_request_timeout()) {
    rest.request_timeout =
        upstream::CompileDuration(config.request_timeout(), errors, config::Path());
  }
  source.rest = std::make_unique<xds::RestSource>(loop_, std::move(rest), options, ApplierFor(key));
  source.subscription = source.rest->subscription();
}

absl::Status ConfigSources::FillFromApi(const ConfigSourceProto& config,
                                        const xds::SubscriptionOptions& options,
                                        const SourceKey& key, Source& source) {
  if (config.api_config_source().api_type() == ApiConfigSource::REST) {
    const absl::Status checked = CheckRest(options.type, config.api_config_source());
    if (checked.ok()) FillFromRest(config.api_config_source(), options, key, source);
    return checked;
  }
  const bool shared = xds::IsAggregated(config.api_config_source());
  auto stream = StreamOptions(shared ? nullptr : &options.type, config.api_config_source());
  if (!stream.ok()) return stream.status();
  source.stream = std::make_unique<xds::AdsStream>(loop_, *std::move(stream));
  if (shared) {
    std::unique_ptr<xds::AdsStream>& slot = shared_[config.SerializeAsString()];
    if (slot == nullptr) slot = std::move(source.stream);
    // A stream has one subscription of each type; what comes second has one of its own.
    if (slot->Find(options.type.url) == nullptr) source.shared = slot.get();
    if (source.shared != nullptr) source.stream.reset();
  }
  xds::AdsStream& carrier = source.shared != nullptr ? *source.shared : *source.stream;
  source.subscription = carrier.Subscribe(options, ApplierFor(key));
  return absl::OkStatus();
}

void ConfigSources::FillFromFile(const ConfigSourceProto& config, xds::SubscriptionOptions options,
                                 const SourceKey& key, Source& source) {
  xds::FileSourceOptions file;
  file.path = config.has_path_config_source() ? config.path_config_source().path() : config.path();
  file.watched_directory = config.path_config_source().watched_directory().path();
  config::Errors errors;  // None: Check has seen it.
  file.poll_interval = upstream::CompileDuration(config.path_config_source().poll_interval(),
                                                 errors, config::Path());
  file.collection = key.empty() && !collections_.FileOf(options.type.url).empty();
  source.file = std::make_unique<xds::FileSource>(loop_, file, std::move(options), ApplierFor(key));
  source.subscription = source.file->subscription();
}

absl::Status ConfigSources::Add(const std::string& type_url, const Place& place,
                                const ConfigSourceProto& config) {
  const SourceKey& key = place.key;
  const xds::ResourceType* type = xds::FindResourceType(type_url);
  CHECK(type != nullptr);
  auto source = std::make_unique<Source>();
  const xds::SubscriptionOptions options{*type, FetchTimeout(config)};
  if (config.has_ads() || config.has_self()) {
    const absl::Status status = CheckOverAds(*type);
    if (!status.ok()) return status;
    source->subscription = ads_->Subscribe(options, ApplierFor(key));
  } else if (config.has_api_config_source()) {
    const absl::Status status = FillFromApi(config, options, key, *source);
    if (!status.ok()) return status;
  } else {
    FillFromFile(config, options, key, *source);
  }
  if (type_url == xds::kListenerType || type_url == xds::kRouteType ||
      type_url == xds::kVirtualHostType) {
    // What may name clusters finds those that came before it.
    source->subscription->ApplyWhen(
        [this](base::MonoTime begun, bool finish) { return ClustersDone(begun, finish); });
  }
  source->subscription->OnFetchTimeout([this, type_url, key] { timed_out_(type_url, key); });
  sources_[{type_url, place}] = std::move(source);
  return absl::OkStatus();
}

absl::Status ConfigSources::Prepare() {
  const auto& dynamic = bootstrap_.dynamic_resources();
  std::string problems;
  const auto check = [&problems](absl::string_view field, const absl::Status& status) {
    if (status.ok()) return;
    absl::StrAppend(&problems, problems.empty() ? "" : "\n", "dynamic_resources.", field, ": ",
                    status.message());
  };
  const absl::Status collections = collections_.Prepare();
  if (dynamic.has_ads_config()) {
    auto stream = StreamOptions(nullptr, dynamic.ads_config());
    check("ads_config", stream.status());
    if (stream.ok()) ads_ = std::make_unique<xds::AdsStream>(loop_, *std::move(stream));
  }
  const auto add = [this](const char* type, ConfigSourceProto config) {
    const std::string& file = collections_.FileOf(type);
    if (!file.empty()) config.mutable_path_config_source()->set_path(file);
    // What is wrong with the aggregated stream was said above.
    const bool told =
        config.has_ads() && ads_ == nullptr && bootstrap_.dynamic_resources().has_ads_config();
    return told ? absl::OkStatus() : Add(type, Place(), config);
  };
  if (has_cds()) check("cds_config", add(xds::kClusterType, dynamic.cds_config()));
  if (has_lds()) check("lds_config", add(xds::kListenerType, dynamic.lds_config()));
  for (const absl::Status& status : {collections, authorities_.Check()}) {
    if (status.ok()) continue;
    absl::StrAppend(&problems, problems.empty() ? "" : "\n", status.message());
  }
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems);
}

ConfigSources::Source* ConfigSources::Find(const std::string& type_url, const Place& place) {
  const auto it = sources_.find({type_url, place});
  return it == sources_.end() ? nullptr : it->second.get();
}

void ConfigSources::Start() {
  started_ = true;
  if (Source* cds = Find(xds::kClusterType, Place())) {
    cds->subscription->Want({{collections_.Clusters()}, {}});
    cds->Start();
  }
  if (ads_ != nullptr) ads_->Start();
  for (auto& [key, source] : sources_) {
    if (key.first != xds::kListenerType) source->Start();
  }
}

void ConfigSources::StartListeners() {
  Source* lds = Find(xds::kListenerType, Place());
  if (lds == nullptr || lds->started) return;
  lds->subscription->Want({{collections_.Listeners()}, {}});
  lds->Start();
}

void ConfigSources::Want(const WantedNames::Change& change) {
  const ConfigSourceProto peer = PeerOf(change.source);
  if (!authorities_.any()) return WantAt({change.source}, change);
  // Some of the names may be asked for elsewhere.
  std::map<std::string, WantedNames::Change> by_place;
  const auto part_of = [&](const std::string& name) -> xds::NameChange* {
    const auto found = authorities_.Find(name, peer);
    if (!found.ok()) return nullptr;  // Check has told.
    const std::string elsewhere = *found == nullptr ? "" : (*found)->SerializeAsString();
    return &by_place.try_emplace(elsewhere, WantedNames::Change{change.type_url, change.source, {}})
                .first->second.names;
  };
  for (const std::string& name : change.names.added) {
    if (xds::NameChange* part = part_of(name)) part->added.push_back(name);
  }
  for (const std::string& name : change.names.removed) {
    if (xds::NameChange* part = part_of(name)) part->removed.push_back(name);
  }
  for (const auto& [elsewhere, part] : by_place) WantAt({change.source, elsewhere}, part);
}

void ConfigSources::WantAt(const Place& place, const WantedNames::Change& change) {
  Source* found = Find(change.type_url, place);
  if (found == nullptr && change.names.added.empty()) return;
  if (found == nullptr) {
    ConfigSourceProto config;
    const std::string& bytes = place.elsewhere.empty() ? place.key : place.elsewhere;
    if (bytes.empty()) {
      config.mutable_ads();
    } else if (!config.ParseFromString(bytes)) {
      return;
    }
    const absl::Status status = Add(change.type_url, place, config);
    if (!status.ok()) {
      const absl::string_view message = status.message();
      PX_LOG(kConfig, kError, "config source of ", change.type_url, ": ", message);
      return;
    }
    found = Find(change.type_url, place);
  }
  found->subscription->Want(change.names);
  const bool shares = found->stream == nullptr && found->file == nullptr && found->rest == nullptr;
  if (!found->subscription->wants_anything() && !shares) {
    const auto unused = sources_.find({change.type_url, place});
    if (change.type_url == xds::kClusterType && demand_sources_.contains(change.source)) {
      AddTo(past_demands_, found->subscription->stats());
    }
    loop_.Retire(std::move(unused->second));
    sources_.erase(unused);
    return;
  }
  if (started_) found->Start();
}

bool ConfigSources::Answered(const std::string& type_url) const {
  const xds::SubscriptionStats stats = StatsOf(type_url);
  return stats.update_success + stats.update_rejected + stats.init_fetch_timeout > 0;
}

xds::SubscriptionStats ConfigSources::StatsOf(const std::string& type_url) const {
  xds::SubscriptionStats sum;
  for (const auto& [key, source] : sources_) {
    const bool demands = type_url == xds::kClusterType && demand_sources_.contains(key.second.key);
    if (key.first == type_url && !demands) AddTo(sum, source->subscription->stats());
  }
  return sum;
}

xds::SubscriptionStats ConfigSources::DemandStats() const {
  xds::SubscriptionStats sum = past_demands_;
  for (const auto& [key, source] : sources_) {
    const bool demands = key.first == xds::kClusterType && demand_sources_.contains(key.second.key);
    if (demands) AddTo(sum, source->subscription->stats());
  }
  return sum;
}

std::string ConfigSources::VersionOf(const std::string& type_url) const {
  for (const auto& [key, source] : sources_) {
    if (key.first == type_url) return source->subscription->version();
  }
  return "";
}

uint64_t ConfigSources::FailuresOf(const std::string& type_url, const SourceKey& source) const {
  const auto it = sources_.find({type_url, Place{source}});
  return it == sources_.end() ? 0 : it->second->subscription->stats().update_failure;
}

template <typename Visit>
void ConfigSources::ForEachStream(Visit visit) const {
  if (ads_ != nullptr) visit(*ads_);
  for (const auto& [config, stream] : shared_) visit(*stream);
  for (const auto& [key, source] : sources_) {
    if (source->stream != nullptr) visit(*source->stream);
  }
}

xds::ControlPlaneStats ConfigSources::StreamStats() const {
  xds::ControlPlaneStats sum;
  ForEachStream([&sum](const xds::AdsStream& stream) {
    const xds::ControlPlaneStats& each = stream.stats();
    sum.streams_opened += each.streams_opened;
    sum.streams_lost += each.streams_lost;
    sum.unknown_types += each.unknown_types;
    sum.rate_limit_enforced += each.rate_limit_enforced;
    sum.pending_requests += each.pending_requests;
    sum.connected |= each.connected;
    if (sum.identifier.empty()) sum.identifier = each.identifier;
  });
  return sum;
}

}  // namespace proxenos::server
