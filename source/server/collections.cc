// From locators to the names of collections.
#include "source/server/collections.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "source/config/errors.h"
#include "source/http/percent.h"
#include "source/xds/node_context.h"
#include "source/xds/stream_config.h"
#include "source/xds/type_url.h"
#include "source/xds/xdstp_name.h"

namespace proxenos::server {
namespace {

using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;
using ConfigSource = envoy::config::core::v3::ConfigSource;
using Context = std::map<std::string, std::string>;

// A state of the world would have to be everything that there is of the collection.
bool SpeaksDelta(const Bootstrap& bootstrap, const ConfigSource& config) {
  if (config.has_ads() || config.has_self()) {
    return xds::IsDelta(bootstrap.dynamic_resources().ads_config());
  }
  return config.has_api_config_source() && xds::IsDelta(config.api_config_source());
}

bool IsFile(const std::string& locator) { return absl::StartsWith(locator, "file:"); }

// The path that file:///PATH stands for.
absl::StatusOr<std::string> PathOf(const std::string& locator) {
  constexpr absl::string_view kBefore = "file://";
  const absl::string_view path = absl::StripPrefix(locator, kBefore);
  if (path.size() + kBefore.size() != locator.size() || !absl::StartsWith(path, "/") ||
      path.find_first_of("?#") != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", locator.substr(0, 200),
                     ": expected file:///PATH, without parameters and directives"));
  }
  std::string decoded = http::PercentDecoded(path);
  if (absl::StrContains(decoded, '\0')) {
    return absl::InvalidArgumentError("the path of a file cannot have a zero byte");
  }
  return decoded;
}

absl::StatusOr<std::string> NameOf(const std::string& locator, absl::string_view type_url,
                                   const Context& node) {
  if (!xds::IsXdstpName(locator)) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", locator.substr(0, 200), ": expected xdstp://AUTHORITY/TYPE/ID/*"));
  }
  absl::StatusOr<xds::XdstpName> name = xds::ParseXdstpName(locator);
  if (!name.ok()) return name.status();
  const absl::string_view type = absl::StripPrefix(type_url, "type.googleapis.com/");
  if (name->type != type) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", name->type.substr(0, 200), ": expected resources of ", type));
  }
  if (!name->glob()) {
    return absl::InvalidArgumentError(
        absl::StrCat(locator.substr(0, 200),
                     ": list collections come from files (file:///PATH) alone: expected an ID/*"));
  }
  name->context.insert(node.begin(), node.end());  // What the locator says comes first.
  std::string whole = name->ToString();
  // What the node adds may be too much.
  const absl::StatusOr<xds::XdstpName> parsed = xds::ParseXdstpName(whole);
  if (!parsed.ok()) return parsed.status();
  return whole;
}

}  // namespace

absl::StatusOr<std::string> Collections::Resolve(const std::string& locator,
                                                 absl::string_view type_url,
                                                 const ConfigSource& source) const {
  config::Errors errors;
  if (!SpeaksDelta(bootstrap_, source)) {
    errors.Add(config::Path(),
               "collections need a config source with the delta protocol: DELTA_GRPC, there or in "
               "ads_config");
  }
  absl::StatusOr<std::string> name = NameOf(locator, type_url, node_);
  if (!name.ok()) errors.AddLines(config::Path(), name.status());
  if (!errors.ok()) return errors.ToStatus();
  return name;
}

// One of the bootstrap's, and what it says of resources of a type.
struct Collections::Locator {
  const std::string& text;
  const char* field;
  const char* source_field;
  const ConfigSource* source;  // Null: none is given.
  const char* type;
  std::string& name;
  std::string& file;
};

void Collections::Prepare(const Locator& locator, config::Errors& errors) const {
  if (locator.text.empty()) return;
  const config::Path dynamic("dynamic_resources");
  const config::Path at = dynamic.Field(locator.field);
  if (IsFile(locator.text)) {
    absl::StatusOr<std::string> file = PathOf(locator.text);
    if (!file.ok()) errors.AddLines(at, file.status());
    if (file.ok()) locator.file = *std::move(file);
    if (locator.source == nullptr) return;
    errors.Add(dynamic.Field(locator.source_field),
               absl::StrCat("has no effect beside a locator of a file: leave out one of it and ",
                            locator.field));
    return;
  }
  if (locator.source == nullptr || !SpeaksDelta(bootstrap_, *locator.source)) {
    errors.Add(at, absl::StrCat("collections need ", locator.source_field,
                                " with the delta protocol: DELTA_GRPC, there or in ads_config"));
  }
  absl::StatusOr<std::string> name = NameOf(locator.text, locator.type, node_);
  if (name.ok()) {
    locator.name = *std::move(name);
  } else {
    errors.AddLines(at, name.status());
  }
}

const std::string& Collections::FileOf(absl::string_view type_url) const {
  static const std::string* const kNone = new std::string;
  if (type_url == xds::kClusterType) return clusters_file_;
  return type_url == xds::kListenerType ? listeners_file_ : *kNone;
}

absl::Status Collections::Prepare() {
  const auto& dynamic = bootstrap_.dynamic_resources();
  config::Errors errors;
  node_ = xds::NodeContext(bootstrap_.node(), bootstrap_.node_context_params(),
                           config::Path("node_context_params"), errors);
  Prepare({dynamic.cds_resources_locator(), "cds_resources_locator", "cds_config",
           dynamic.has_cds_config() ? &dynamic.cds_config() : nullptr, xds::kClusterType, clusters_,
           clusters_file_},
          errors);
  Prepare({dynamic.lds_resources_locator(), "lds_resources_locator", "lds_config",
           dynamic.has_lds_config() ? &dynamic.lds_config() : nullptr, xds::kListenerType,
           listeners_, listeners_file_},
          errors);
  return errors.ToStatus();
}

}  // namespace proxenos::server
