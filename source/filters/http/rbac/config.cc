// Compiles the configuration of access by rules.
#include "source/filters/http/rbac/config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "envoy/extensions/filters/http/rbac/v3/rbac.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/rbac/filter.h"
#include "source/rbac/rules_config.h"

namespace proxenos::filters::http_rbac {
namespace {

namespace v3 = envoy::extensions::filters::http::rbac::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<Rbac>(own == nullptr ? *settings_ : *own, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<RbacPart>(registry, stat_prefix, *settings_, upstream);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

class Compiler {
 public:
  Compiler(const config::Path& path, config::Errors& errors) : path_(path), errors_(errors) {}

  // A matcher takes the place of rules.
  Judge Compile(const envoy::config::rbac::v3::RBAC* rules,
                const xds::type::matcher::v3::Matcher* matcher, const std::string& prefix,
                const std::string& word) {
    Judge judge;
    const std::string before = word == "shadow" ? "shadow_" : "";
    if (matcher != nullptr) {
      judge.rules = proxenos::rbac::CompileMatcher(*matcher, proxenos::rbac::Subject::kRequest,
                                                   path_.Field(before + "matcher"), errors_);
    } else if (rules != nullptr) {
      judge.rules = proxenos::rbac::CompileRules(*rules, proxenos::rbac::Subject::kRequest,
                                                 path_.Field(before + "rules"), errors_);
    }
    judge.stat_prefix = std::string(absl::StripSuffix(prefix, "."));
    judge.policy_key = absl::StrCat(prefix, word, "_effective_policy_id");
    judge.result_key = absl::StrCat(prefix, word, "_engine_result");
    return judge;
  }

 private:
  const config::Path& path_;
  config::Errors& errors_;
};

std::shared_ptr<const Settings> Compile(const v3::RBAC& proto, const config::Path& path,
                                        config::Errors& errors) {
  Compiler compiler(path, errors);
  Settings settings;
  settings.enforced = compiler.Compile(proto.has_rules() ? &proto.rules() : nullptr,
                                       proto.has_matcher() ? &proto.matcher() : nullptr,
                                       proto.rules_stat_prefix(), "enforced");
  settings.shadow = compiler.Compile(proto.has_shadow_rules() ? &proto.shadow_rules() : nullptr,
                                     proto.has_shadow_matcher() ? &proto.shadow_matcher() : nullptr,
                                     proto.shadow_rules_stat_prefix(), "shadow");
  settings.counts_policies = proto.track_per_rule_stats();
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::RBACPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return Compile(proto.rbac(), path.Field("rbac"), errors);
}

}  // namespace

const route::OverrideKind kRbacOverride{"envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
                                        CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateRbac(const google::protobuf::Any& config,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  v3::RBAC proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::http_rbac
