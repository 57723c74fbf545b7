// The two lists. docs/filters/shield.md tells them too; a test compares.
#include "source/filters/http/shield/origin_fields.h"

namespace proxenos::filters::shield {
namespace {

constexpr absl::string_view kOriginFields[] = {
    "server",
    "via",
    // Languages, frameworks, and programs that content is managed with.
    "powered-by",
    "x-powered-by*",
    "x-powered-cms",
    "x-cf-powered-by",
    "x-redirect-powered-by",
    "x-server-powered-by",
    "x-turbo-charged-by",
    "x-redirect-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-sourcefiles",
    "x-php-*",
    "x-runtime",
    "x-rack-cache",
    "x-framework",
    "x-cms",
    "x-cocoon-version",
    "x-generator",
    "x-generated-by",
    "x-content-encoded-by",
    "x-drupal-*",
    "x-magento-*",
    "x-umbraco-version",
    "x-litespeed-*",
    "x-mod-pagespeed",
    "x-page-speed",
    "x-application-context",
    "x-debug-*",
    "x-jenkins*",
    "x-owa-version",
    "liferay-portal",
    "microsoftsharepointteamservices",
    "microsoftofficewebserver",
    "oraclecommercecloud-version",
    // Hosts behind the one that answers.
    "host-header",
    "pega-host",
    "x-host",
    "x-hostname",
    "x-node",
    "x-instance*",
    "x-pod*",
    "x-server",
    "x-server-*",
    "x-served-by",
    "x-backend*",
    "x-upstream*",
    "x-origin-*",
    "x-varnish*",
    "x-backside-transport",
    "x-beserver",
    "x-feserver",
    "x-calculatedbetarget",
    "x-calculatedfetarget",
    "x-diaginfo",
    "x-kubernetes-pf-*",
    "x-envoy-upstream-*",
    "x-envoy-attempt-count",
    "x-envoy-original-dst-host",
};

constexpr absl::string_view kClientFields[] = {
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-originating-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "fastly-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
};

}  // namespace

absl::Span<const absl::string_view> BuiltinOriginFields() { return kOriginFields; }
absl::Span<const absl::string_view> BuiltinClientFields() { return kClientFields; }

}  // namespace proxenos::filters::shield
