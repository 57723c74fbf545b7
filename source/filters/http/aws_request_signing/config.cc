// Compiles what is signed, and finds the credentials.
#include "source/filters/http/aws_request_signing/config.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "envoy/extensions/filters/http/aws_request_signing/v3/aws_request_signing.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/aws_request_signing/filter.h"
#include "source/http/chars.h"
#include "source/match/match_config.h"

namespace proxenos::filters::aws_request_signing {
namespace {

namespace v3 = envoy::extensions::filters::http::aws_request_signing::v3;
using ProviderProto = envoy::extensions::common::aws::v3::AwsCredentialProvider;

// By whether it stands before a cluster's hosts (FilterFactory::upstream).
constexpr stats::ScopeShape kScope[] = {
    {"http.$.aws_request_signing.",
     "http.aws_request_signing.",
     {"envoy.http_conn_manager_prefix"}},
    {"cluster.$.aws_request_signing.", "cluster.aws_request_signing.", {"envoy.cluster_name"}}};

// Of a body that is signed: more is 413. As Envoy's buffer of a connection.
constexpr uint32_t kMaxSignedBytes = 1 << 20;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {
    request_body = filter::BodyMode::kBuffer;
    buffer_limit = kMaxSignedBytes;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* of_route = filter::FindSettings<Settings>(stream, *this);
    auto& part = static_cast<AwsRequestSigningPart&>(*stream.worker_part(*this));
    return std::make_unique<AwsRequestSigning>(of_route == nullptr ? settings_ : *of_route, part,
                                               stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<AwsRequestSigningPart>();
    part->stats =
        registry.Open<AwsRequestSigningStats>(stats::ScopeName(kScope[upstream], {stat_prefix}));
    return part;
  }

 private:
  const Settings settings_;
};

std::string Environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

Credentials OfEnvironment() {
  return {Environment("AWS_ACCESS_KEY_ID"), Environment("AWS_SECRET_ACCESS_KEY"),
          Environment("AWS_SESSION_TOKEN")};
}

std::string ProfileOr(const std::string& profile) {
  if (!profile.empty()) return profile;
  const std::string named = Environment("AWS_PROFILE");
  return named.empty() ? "default" : named;
}

// Where nothing is configured: the environment, then the usual file, as in AWS' own tools.
Credentials Usual() {
  Credentials credentials = OfEnvironment();
  if (credentials.set()) return credentials;
  std::string path = Environment("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = absl::StrCat(Environment("HOME"), "/.aws/credentials");
  envoy::config::core::v3::DataSource source;
  source.set_filename(path);
  config::Errors ignored;  // It need not be there.
  const auto text = config::ReadDataSource(source, config::Path(), ignored);
  return ParseCredentials(text.value_or(""), ProfileOr("")).value_or(Credentials());
}

Credentials OfFile(
    const envoy::extensions::common::aws::v3::CredentialsFileCredentialProvider& file,
    const config::Path& path, config::Errors& errors) {
  const config::Path at = path.Field("credentials_data_source");
  const auto text = config::ReadDataSource(file.credentials_data_source(), at, errors);
  if (!text.has_value()) return {};
  const std::string profile = ProfileOr(file.profile());
  auto credentials = ParseCredentials(*text, profile);
  if (!credentials.has_value()) {
    errors.Add(at, absl::StrCat("has no aws_access_key_id and aws_secret_access_key below [",
                                profile, "]"));
  }
  return credentials.value_or(Credentials());
}

Credentials CompileCredentials(const ProviderProto& proto, const config::Path& path,
                               config::Errors& errors) {
  if (proto.has_inline_credential()) {
    const auto& own = proto.inline_credential();
    return {own.access_key_id(), own.secret_access_key(), own.session_token()};
  }
  if (proto.has_credentials_file_provider()) {
    return OfFile(proto.credentials_file_provider(), path.Field("credentials_file_provider"),
                  errors);
  }
  if (proto.has_environment_credential_provider()) return OfEnvironment();
  if (!proto.custom_credential_provider_chain()) return Usual();
  errors.Add(path,
             "expected inline_credential, credentials_file_provider or "
             "environment_credential_provider");
  return {};
}

template <typename Protos>
std::vector<match::StringMatcher> Matchers(const Protos& protos, const config::Path& path,
                                           config::Errors& errors) {
  std::vector<match::StringMatcher> matchers;
  for (int i = 0; i < protos.size(); ++i) {
    auto one = match::CompileStringMatcher(protos[i], errors, path.Index(static_cast<size_t>(i)));
    if (one) matchers.push_back(*std::move(one));
  }
  return matchers;
}

// What goes into fields as it is.
void CheckText(const std::string& text, const config::Path& path, config::Errors& errors) {
  const bool good = std::all_of(text.begin(), text.end(), http::IsTargetChar);
  if (!good) errors.Add(path, "has characters that cannot be sent");
}

Settings Compile(const v3::AwsRequestSigning& proto, const config::Path& path,
                 config::Errors& errors) {
  Settings settings;
  settings.service = proto.service_name();
  settings.region = proto.region();
  if (settings.region.empty()) settings.region = Environment("AWS_REGION");
  if (settings.region.empty()) settings.region = Environment("AWS_DEFAULT_REGION");
  if (settings.region.empty()) {
    errors.Add(path.Field("region"), "expected one, here or in the environment as AWS_REGION");
  }
  settings.host_rewrite = proto.host_rewrite();
  settings.unsigned_payload = proto.use_unsigned_payload();
  // S3 takes paths as they are.
  settings.normalizes = settings.service != "s3" && settings.service != "s3express" &&
                        settings.service != "s3-outposts";
  settings.included =
      Matchers(proto.match_included_headers(), path.Field("match_included_headers"), errors);
  settings.excluded =
      Matchers(proto.match_excluded_headers(), path.Field("match_excluded_headers"), errors);
  settings.credentials =
      CompileCredentials(proto.credential_provider(), path.Field("credential_provider"), errors);
  CheckText(settings.service, path.Field("service_name"), errors);
  CheckText(settings.region, path.Field("region"), errors);
  CheckText(settings.host_rewrite, path.Field("host_rewrite"), errors);
  CheckText(settings.credentials.access_key_id, path.Field("credential_provider"), errors);
  CheckText(settings.credentials.session_token, path.Field("credential_provider"), errors);
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::AwsRequestSigningPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const config::Path at = path.Field("aws_request_signing");
  return std::make_shared<const Settings>(Compile(proto.aws_request_signing(), at, errors));
}

}  // namespace

std::optional<Credentials> ParseCredentials(absl::string_view file, absl::string_view profile) {
  Credentials found;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(file, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (absl::ConsumePrefix(&line, "[")) {
      inside = absl::StripAsciiWhitespace(line.substr(0, line.find(']'))) == profile;
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (!inside) continue;
    const std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(halves.first));
    const std::string value(absl::StripAsciiWhitespace(halves.second));
    if (name == "aws_access_key_id") found.access_key_id = value;
    if (name == "aws_secret_access_key") found.secret_access_key = value;
    if (name == "aws_session_token") found.session_token = value;
  }
  if (!found.set()) return std::nullopt;
  return found;
}

const route::OverrideKind kAwsRequestSigningOverride{
    "envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigningPerRoute",
    CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateAwsRequestSigning(const google::protobuf::Any& config,
                                                               const config::Path& path,
                                                               config::Errors& errors) {
  v3::AwsRequestSigning proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::aws_request_signing
