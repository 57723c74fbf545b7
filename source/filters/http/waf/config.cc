// Compiles the configuration of the WAF.
#include "source/filters/http/waf/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proxenos/filters/http/waf/v3/waf.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/waf/filter.h"
#include "source/upstream/duration_config.h"
#include "source/waf/rules_config.h"

namespace proxenos::filters::waf {
namespace {

namespace v3 = ::proxenos::filters::http::waf::v3;
using google::protobuf::UInt32Value;

constexpr uint32_t kMaxBodyLimit = 16 * 1024 * 1024;

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Waf>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& http_prefix) const override {
    if (settings_.audit != nullptr) settings_.audit->Open();
    return std::make_unique<WafPart>(registry, http_prefix, stat_prefix_);
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

// A number where one is set, within its bounds.
template <typename Number>
void Take(bool has, const UInt32Value& value, Number& into, std::pair<uint32_t, uint32_t> bounds,
          const std::pair<config::Path, config::Errors&>& at) {
  if (!has) return;
  if (value.value() < bounds.first || value.value() > bounds.second) {
    return at.second.AddValue(at.first, absl::StrCat(value.value()),
                              absl::StrCat(bounds.first, " to ", bounds.second));
  }
  into = static_cast<Number>(value.value());
}

proxenos::waf::Mode CompileMode(v3::Mode mode, const config::Path& path, config::Errors& errors) {
  if (mode != v3::DETECT && mode != v3::BLOCK) errors.Add(path, "expected DETECT or BLOCK");
  return mode == v3::DETECT ? proxenos::waf::Mode::kDetect : proxenos::waf::Mode::kBlock;
}

// Of RequestInspection and ResponseInspection.
template <typename Proto>
void CompileBody(const Proto& proto, const config::Path& path, config::Errors& errors,
                 BodySettings& body) {
  Take(proto.has_body_limit_bytes(), proto.body_limit_bytes(), body.limit, {1, kMaxBodyLimit},
       {path.Field("body_limit_bytes"), errors});
  body.over_limit =
      proto.over_limit() == v3::PROCESS_PARTIAL ? OverLimit::kProcessPartial : OverLimit::kReject;
  body.ignored = proto.ignore_body();
}

RequestSettings CompileRequest(const v3::RequestInspection& proto, const config::Path& path,
                               config::Errors& errors) {
  RequestSettings settings;
  CompileBody(proto, path, errors, settings.body);
  settings.grpc_bodies = proto.inspect_grpc_bodies();
  return settings;
}

ResponseSettings CompileResponse(const v3::ResponseInspection& proto, const config::Path& path,
                                 config::Errors& errors) {
  ResponseSettings settings;
  CompileBody(proto, path, errors, settings.body);
  if (!proto.body_content_types().empty()) {
    settings.types.assign(proto.body_content_types().begin(), proto.body_content_types().end());
  }
  for (size_t i = 0; i < settings.types.size(); ++i) {
    if (settings.types[i].find('/') == std::string::npos ||
        settings.types[i].find_first_of("; ,") != std::string::npos) {
      errors.AddValue(path.Field("body_content_types").Index(i), settings.types[i],
                      "a content type without parameters");
    }
  }
  return settings;
}

void CompilePool(const v3::Pool& proto, const config::Path& path, config::Errors& errors,
                 Settings& settings) {
  proxenos::waf::PoolLimits limits;
  Take(proto.has_threads(), proto.threads(), limits.threads, {1, 64},
       {path.Field("threads"), errors});
  Take(proto.has_max_waiting(), proto.max_waiting(), limits.max_waiting, {1, 65536},
       {path.Field("max_waiting"), errors});
  Take(proto.has_max_waiting_bytes(), proto.max_waiting_bytes(), limits.max_waiting_bytes,
       {1, UINT32_MAX}, {path.Field("max_waiting_bytes"), errors});
  if (proto.has_deadline()) {
    settings.deadline = upstream::CompileDuration(proto.deadline(), errors, path.Field("deadline"));
    if (settings.deadline < base::kMillisecond) {
      errors.Add(path.Field("deadline"), "expected a millisecond or more");
    }
  }
  settings.pool = proxenos::waf::InspectionPool::Shared(limits);
}

void CompileAudit(const v3::AuditLog& proto, const config::Path& path, config::Errors& errors,
                  Settings& settings) {
  if (proto.path().empty()) return errors.Add(path.Field("path"), "expected a file");
  settings.audit = proxenos::waf::AuditLog::Shared(proto.path());
  for (const std::string& name : proto.redacted_headers()) {
    settings.redaction.headers.insert(absl::AsciiStrToLower(name));
  }
  settings.redaction.arguments.insert(proto.redacted_arguments().begin(),
                                      proto.redacted_arguments().end());
  settings.redaction.omit_matched_data = proto.omit_matched_data();
}

Settings Compile(const v3::Waf& proto, const config::Path& path, config::Errors& errors) {
  Settings settings;
  settings.mode = CompileMode(proto.mode(), path.Field("mode"), errors);
  settings.rules = proxenos::waf::CompileRules(proto.rules(), path.Field("rules"), errors);
  settings.request = CompileRequest(proto.request(), path.Field("request"), errors);
  if (proto.has_response()) {
    settings.response = CompileResponse(proto.response(), path.Field("response"), errors);
  }
  CompilePool(proto.pool(), path.Field("pool"), errors, settings);
  const config::Path failure = path.Field("failure_policy");
  settings.failure.open = proto.failure_policy().action() == v3::FailurePolicy::FAIL_OPEN;
  Take(proto.failure_policy().has_status(), proto.failure_policy().status(),
       settings.failure.status, {400, 599}, {failure.Field("status"), errors});
  if (proto.has_audit_log()) {
    CompileAudit(proto.audit_log(), path.Field("audit_log"), errors, settings);
  }
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::WafPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.disabled = proto.disabled();
  if (proto.override_case() == v3::WafPerRoute::OVERRIDE_NOT_SET) {
    errors.Add(path, "expected disabled or overrides");
  }
  const v3::Overrides& overrides = proto.overrides();
  const config::Path at = path.Field("overrides");
  if (overrides.mode() != v3::MODE_UNSPECIFIED) {
    settings.mode = CompileMode(overrides.mode(), at.Field("mode"), errors);
  }
  if (overrides.has_rules()) {
    settings.rules = proxenos::waf::CompileRules(overrides.rules(), at.Field("rules"), errors);
  }
  if (overrides.has_request()) {
    settings.request = CompileRequest(overrides.request(), at.Field("request"), errors);
  }
  if (overrides.has_response()) {
    settings.response = CompileResponse(overrides.response(), at.Field("response"), errors);
  }
  settings.skip_response = overrides.skip_response();
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kWafOverride{"proxenos.filters.http.waf.v3.WafPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateWaf(const google::protobuf::Any& config,
                                                 const config::Path& path, config::Errors& errors) {
  v3::Waf proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = Compile(proto, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::waf
