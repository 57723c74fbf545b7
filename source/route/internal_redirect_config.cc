// The policy, its predicates, and the older fields.
#include "source/route/internal_redirect_config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/filter_state/v3/filter_state_config.pb.h"
#include "envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;
namespace predicates = envoy::extensions::internal_redirect;

// Each redirect costs a request: what is configured beyond this is not meant.
constexpr uint32_t kMostRedirects = 100;

class PolicyCompiler {
 public:
  PolicyCompiler(config::Errors& errors, InternalRedirectPolicy& to) : errors_(errors), to_(to) {}

  void Compile(const v3::InternalRedirectPolicy& proto, const config::Path& path) {
    if (proto.has_max_internal_redirects()) {
      SetMax(proto.max_internal_redirects().value(), path.Field("max_internal_redirects"));
    }
    if (!proto.redirect_response_codes().empty()) to_.statuses.clear();
    for (const uint32_t status : proto.redirect_response_codes()) {
      // As in Envoy, other numbers mean nothing.
      if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
        to_.statuses.push_back(static_cast<uint16_t>(status));
      }
    }
    to_.allow_cross_scheme = proto.allow_cross_scheme_redirect();
    for (int i = 0; i < proto.response_headers_to_copy_size(); ++i) {
      AddHeader(proto.response_headers_to_copy(i),
                path.Field("response_headers_to_copy").Index(static_cast<size_t>(i)));
    }
    for (int i = 0; i < proto.predicates_size(); ++i) {
      AddPredicate(proto.predicates(i).typed_config(),
                   path.Field("predicates").Index(static_cast<size_t>(i)).Field("typed_config"));
    }
  }

  void SetMax(uint32_t max, const config::Path& path) {
    to_.max_redirects = max;
    if (max > kMostRedirects) {
      errors_.AddValue(path, absl::StrCat(max), absl::StrCat("at most ", kMostRedirects));
    }
  }

 private:
  void AddHeader(const std::string& name, const config::Path& path) {
    std::string lower = absl::AsciiStrToLower(name);
    if (lower.empty() || lower[0] == ':' || lower == "host") {
      errors_.AddValue(path, name, "a header other than Host and pseudo headers");
      return;
    }
    to_.copied_headers.push_back(std::move(lower));
  }

  void AddPredicate(const google::protobuf::Any& any, const config::Path& path) {
    const std::string type = config::TypedConfigType(any);
    predicates::allow_listed_routes::v3::AllowListedRoutesConfig listed;
    predicates::filter_state::v3::FilterStateConfig state;
    if (type == predicates::previous_routes::v3::PreviousRoutesConfig::descriptor()->full_name()) {
      to_.avoids_previous_routes = true;
    } else if (type == predicates::safe_cross_scheme::v3::SafeCrossSchemeConfig::descriptor()
                           ->full_name()) {
      to_.safe_scheme_only = true;
    } else if (type == listed.GetTypeName()) {
      if (!config::UnpackTypedConfigTo(any, listed, path, errors_)) return;
      to_.allowed_routes.emplace_back(listed.allowed_route_names().begin(),
                                      listed.allowed_route_names().end());
    } else if (type == state.GetTypeName()) {
      if (!config::UnpackTypedConfigTo(any, state, path, errors_)) return;
      to_.state_gates.push_back({state.redirect_enabled_key(), state.redirect_if_absent()});
    } else {
      errors_.Add(path, absl::StrCat("'", type, "' is not implemented by proxenos"));
    }
  }

  config::Errors& errors_;
  InternalRedirectPolicy& to_;
};

}  // namespace

std::shared_ptr<const InternalRedirectPolicy> CompileInternalRedirects(
    const v3::RouteAction& config, Compilation& compilation, const config::Path& path) {
  InternalRedirectPolicy policy;
  PolicyCompiler compiler(compilation.errors(), policy);
  if (config.has_internal_redirect_policy()) {
    compiler.Compile(config.internal_redirect_policy(), path.Field("internal_redirect_policy"));
  } else if (config.internal_redirect_action() == v3::RouteAction::HANDLE_INTERNAL_REDIRECT) {
    if (config.has_max_internal_redirects()) {
      compiler.SetMax(config.max_internal_redirects().value(),
                      path.Field("max_internal_redirects"));
    }
  } else {
    return nullptr;
  }
  return std::make_shared<const InternalRedirectPolicy>(std::move(policy));
}

}  // namespace proxenos::route
