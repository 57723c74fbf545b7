// From ConfigSource messages to streams and files.
#include "source/server/config_sources.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/upstream/duration_config.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

using ConfigSourceProto = envoy::config::core::v3::ConfigSource;

constexpr char kNoAds[] =
    "`ads` needs dynamic_resources.ads_config to say where the control plane is";

base::Nanos FetchTimeout(const ConfigSourceProto& config) {
  if (!config.has_initial_fetch_timeout()) return 15 * base::kSecond;
  config::Errors errors;
  return upstream::CompileDuration(config.initial_fetch_timeout(), errors, config::Path());
}

}  // namespace

// One subscription and, unless it is on the aggregated stream, what carries it.
struct ConfigSources::Source {
  std::unique_ptr<xds::AdsStream> stream;
  std::unique_ptr<xds::FileSource> file;
  xds::Subscription* subscription = nullptr;
  bool started = false;

  void Start() {
    if (started) return;
    started = true;
    if (stream != nullptr) stream->Start();
    if (file != nullptr) file->Start();
  }
};

ConfigSources::ConfigSources(event::EventLoop& loop,
                             const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                             ApplyStep apply, FetchTimedOut timed_out)
    : loop_(loop),
      bootstrap_(bootstrap),
      apply_(std::move(apply)),
      timed_out_(std::move(timed_out)) {}

ConfigSources::~ConfigSources() = default;

void ConfigSources::UseClusters(xds::FindCluster find_cluster) {
  find_cluster_ = std::move(find_cluster);
}

std::vector<std::string> ConfigSources::AddressesOf(const std::string& name) const {
  std::vector<std::string> addresses;
  for (const auto& cluster : bootstrap_.static_resources().clusters()) {
    if (cluster.name() != name) continue;
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
  return addresses;
}

absl::StatusOr<xds::AdsStreamOptions> ConfigSources::StreamOptions(
    const std::string& method, const envoy::config::core::v3::ApiConfigSource& config) const {
  config::Errors errors;
  xds::AdsStreamOptions options;
  if (config.grpc_services_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("grpc_services: ", config.grpc_services_size(), " items: expected one"));
  }
  options.target = xds::CompileGrpcTarget(
      config.grpc_services(0), [this](const std::string& cluster) { return AddressesOf(cluster); },
      config::Path("grpc_services[0]"), errors);
  if (!errors.ok()) return errors.ToStatus();
  if (find_cluster_ != nullptr) {
    options.find_cluster = [this](const std::string& name) { return find_cluster_(name); };
  }
  options.method = method;
  options.node = bootstrap_.node();
  options.node_on_first_message_only = config.set_node_on_first_message_only();
  return options;
}

absl::Status ConfigSources::Check(const std::string& type_url, const SourceKey& source) const {
  ConfigSourceProto config;
  if (source.empty()) {
    config.mutable_ads();
  } else if (!config.ParseFromString(source)) {
    return absl::InvalidArgumentError("is not a valid ConfigSource");
  }
  if (config.has_ads() || config.has_self()) {
    return ads_ != nullptr ? absl::OkStatus() : absl::InvalidArgumentError(kNoAds);
  }
  if (config.has_api_config_source()) {
    return StreamOptions(std::string(xds::StreamMethod(type_url)), config.api_config_source())
        .status();
  }
  if (config.has_path_config_source() || !config.path().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "expected one of ads, api_config_source, path_config_source and path");
}

xds::Subscription* ConfigSources::SubscribeOn(xds::AdsStream& stream, const std::string& type_url,
                                              const SourceKey& key,
                                              const xds::SubscriptionOptions& options) {
  xds::Subscription* subscription = stream.Subscribe(
      options, [this, key](const xds::TypeUpdate& update) { return apply_(key, update); });
  subscription->OnFetchTimeout([this, type_url, key] { timed_out_(type_url, key); });
  return subscription;
}

absl::Status ConfigSources::Add(const std::string& type_url, const SourceKey& key,
                                const ConfigSourceProto& config, bool whole_set) {
  auto source = std::make_unique<Source>();
  xds::SubscriptionOptions options;
  options.type_url = type_url;
  options.whole_set = whole_set;
  options.initial_fetch_timeout = FetchTimeout(config);
  if (config.has_ads() || config.has_self()) {
    if (ads_ == nullptr) return absl::InvalidArgumentError(kNoAds);
    source->subscription = SubscribeOn(*ads_, type_url, key, options);
  } else if (config.has_api_config_source()) {
    auto stream =
        StreamOptions(std::string(xds::StreamMethod(type_url)), config.api_config_source());
    if (!stream.ok()) return stream.status();
    source->stream = std::make_unique<xds::AdsStream>(loop_, *std::move(stream));
    source->subscription = SubscribeOn(*source->stream, type_url, key, options);
  } else {
    xds::FileSourceOptions file;
    file.path =
        config.has_path_config_source() ? config.path_config_source().path() : config.path();
    file.watched_directory = config.path_config_source().watched_directory().path();
    source->file = std::make_unique<xds::FileSource>(
        loop_, file, options,
        [this, key](const xds::TypeUpdate& update) { return apply_(key, update); });
    source->subscription = source->file->subscription();
    source->subscription->OnFetchTimeout([this, type_url, key] { timed_out_(type_url, key); });
  }
  sources_[{type_url, key}] = std::move(source);
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
  if (dynamic.has_ads_config()) {
    auto stream = StreamOptions(xds::kAggregatedMethod, dynamic.ads_config());
    check("ads_config", stream.status());
    if (stream.ok()) ads_ = std::make_unique<xds::AdsStream>(loop_, *std::move(stream));
  }
  ConfigSourceProto over_ads;
  over_ads.mutable_ads();
  const auto add = [this](const char* type, const ConfigSourceProto& config, bool whole_set) {
    // What is wrong with the aggregated stream was said above.
    const bool told =
        config.has_ads() && ads_ == nullptr && bootstrap_.dynamic_resources().has_ads_config();
    return told ? absl::OkStatus() : Add(type, SourceKey(), config, whole_set);
  };
  // The order in which requests that are due together go out: what is referred to comes first.
  if (has_cds()) check("cds_config", add(xds::kClusterType, dynamic.cds_config(), true));
  if (ads_ != nullptr) {
    check("ads_config", add(xds::kSecretType, over_ads, false));
    check("ads_config", add(xds::kEndpointType, over_ads, false));
  }
  if (has_lds()) check("lds_config", add(xds::kListenerType, dynamic.lds_config(), true));
  if (ads_ != nullptr) check("ads_config", add(xds::kRouteType, over_ads, false));
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems);
}

bool ConfigSources::has_cds() const { return bootstrap_.dynamic_resources().has_cds_config(); }
bool ConfigSources::has_lds() const { return bootstrap_.dynamic_resources().has_lds_config(); }

ConfigSources::Source* ConfigSources::Find(const std::string& type_url, const SourceKey& key) {
  const auto it = sources_.find({type_url, key});
  return it == sources_.end() ? nullptr : it->second.get();
}

void ConfigSources::Start() {
  started_ = true;
  if (Source* cds = Find(xds::kClusterType, SourceKey())) {
    cds->subscription->WantAll();
    cds->Start();
  }
  if (ads_ != nullptr) ads_->Start();
  for (auto& [key, source] : sources_) {
    if (key.first != xds::kListenerType) source->Start();
  }
}

void ConfigSources::StartListeners() {
  Source* lds = Find(xds::kListenerType, SourceKey());
  if (lds == nullptr || lds->started) return;
  lds->subscription->WantAll();
  lds->Start();
}

void ConfigSources::Want(const std::string& type_url, const SourceKey& source,
                         const std::set<std::string>& names) {
  Source* found = Find(type_url, source);
  if (names.empty() && !source.empty()) {
    const auto unused = sources_.find({type_url, source});
    if (unused == sources_.end()) return;
    loop_.Retire(std::move(unused->second));
    sources_.erase(unused);
    return;
  }
  if (found == nullptr) {
    ConfigSourceProto config;
    if (source.empty()) {
      config.mutable_ads();
    } else if (!config.ParseFromString(source)) {
      return;
    }
    const absl::Status status = Add(type_url, source, config, /*whole_set=*/false);
    if (!status.ok()) {
      const absl::string_view message = status.message();
      PX_LOG(kConfig, kError, "config source of ", type_url, ": ", message);
      return;
    }
    found = Find(type_url, source);
  }
  found->subscription->Want(names);
  if (started_) found->Start();
}

bool ConfigSources::Answered(const std::string& type_url) const {
  const xds::SubscriptionStats stats = StatsOf(type_url);
  return stats.update_success + stats.update_rejected + stats.init_fetch_timeout > 0;
}

xds::SubscriptionStats ConfigSources::StatsOf(const std::string& type_url) const {
  xds::SubscriptionStats sum;
  for (const auto& [key, source] : sources_) {
    if (key.first != type_url) continue;
    const xds::SubscriptionStats& each = source->subscription->stats();
    sum.update_attempt += each.update_attempt;
    sum.update_success += each.update_success;
    sum.update_failure += each.update_failure;
    sum.update_rejected += each.update_rejected;
    sum.update_empty += each.update_empty;
    sum.init_fetch_timeout += each.init_fetch_timeout;
    sum.version = each.version;
  }
  return sum;
}

std::string ConfigSources::VersionOf(const std::string& type_url) const {
  for (const auto& [key, source] : sources_) {
    if (key.first == type_url) return source->subscription->version();
  }
  return "";
}

bool ConfigSources::connected() const {
  if (ads_ != nullptr && ads_->stats().connected) return true;
  return std::any_of(sources_.begin(), sources_.end(), [](const auto& each) {
    return each.second->stream != nullptr && each.second->stream->stats().connected;
  });
}

std::string ConfigSources::control_plane() const {
  return ads_ == nullptr ? std::string() : ads_->stats().identifier;
}

}  // namespace proxenos::server
