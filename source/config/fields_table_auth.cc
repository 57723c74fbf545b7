// What of the filters that decide who may pass is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

constexpr std::string_view kNoSpans = "Calls that filters make have no spans.";

// Of services that filters call.
std::vector<MessageRules> ServiceFields() {
  return {
      {"envoy.config.core.v3.HttpUri", {Use("uri cluster timeout")}},
      {"envoy.config.core.v3.RuntimeFeatureFlag", {Use("default_value runtime_key")}},
      {"envoy.type.v3.HttpStatus", {Use("code")}},
      {"envoy.type.matcher.v3.ListStringMatcher", {Use("patterns")}},
  };
}

// A GrpcService in one of these fields carries calls, not a subscription.
MessageRules CalledService(std::string_view field) {
  return {field, {Use("envoy_grpc google_grpc initial_metadata timeout retry_policy")}};
}

std::vector<MessageRules> ExtAuthzFields() {
  return {
      {"envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
       {
           Use("grpc_service http_service with_request_body clear_route_cache status_on_error"),
           Use("transport_api_version").Only("V3 AUTO"),
           Use("failure_mode_allow failure_mode_allow_header_add validate_mutations"),
           Use("metadata_context_namespaces route_metadata_context_namespaces"),
           Use("filter_enabled deny_at_disable include_peer_certificate include_tls_session"),
           Use("stat_prefix bootstrap_metadata_labels_key allowed_headers disallowed_headers"),
           Use("charge_cluster_response_stats encode_raw_headers"),
           Use("enable_dynamic_metadata_ingestion max_denied_response_body_bytes"),
           Leave("typed_metadata_context_namespaces route_typed_metadata_context_namespaces",
                 "There is no typed metadata that could be sent."),
           Leave("emit_client_span", kNoSpans),
           Use("filter_enabled_metadata decoder_header_mutation_rules shadow_mode"),
           Use("filter_metadata emit_filter_state_stats enforce_response_header_limits"),
       }},
      CalledService("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz.grpc_service"),
      CalledService("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz.grpc_service"),
      CalledService("envoy.extensions.filters.http.ext_authz.v3.CheckSettings.grpc_service"),
      {"envoy.extensions.filters.http.ext_authz.v3.BufferSettings",
       {Use("max_request_bytes allow_partial_message pack_as_bytes")}},
      {"envoy.extensions.filters.http.ext_authz.v3.HttpService",
       {Use("server_uri path_prefix path_override authorization_request authorization_response"),
        Use("retry_policy")}},
      {"envoy.extensions.filters.http.ext_authz.v3.HttpService.retry_policy",
       {Use("num_retries retry_back_off retry_on"),
        Refuse("retry_priority retry_host_predicate host_selection_retry_max_attempts",
               "a retry goes to the host that the load balancer picks next")}},
      {"envoy.extensions.filters.http.ext_authz.v3.AuthorizationRequest",
       {Use("allowed_headers headers_to_add")}},
      {"envoy.extensions.filters.http.ext_authz.v3.AuthorizationResponse", {Use("*")}},
      {"envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
       {Use("disabled check_settings")}},
      {"envoy.extensions.filters.http.ext_authz.v3.CheckSettings",
       {Use("context_extensions disable_request_body_buffering with_request_body"),
        Use("grpc_service http_service"), Leave("emit_client_span", kNoSpans)}},
  };
}

std::vector<MessageRules> JwtFields() {
  return {
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
       {Use("providers rules filter_state_rules bypass_cors_preflight requirement_map"),
        Use("strip_failure_response stat_prefix")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtProvider",
       {
           Use("issuer audiences subjects require_expiration max_lifetime remote_jwks local_jwks"),
           Use("forward from_headers from_params from_cookies forward_payload_header"),
           Use("pad_forward_payload_header payload_in_metadata normalize_payload_in_metadata"),
           Use("header_in_metadata clock_skew_seconds jwt_cache_config claim_to_headers"),
           Use("clear_route_cache"),
           Refuse("failed_status_in_metadata", "the reply and its details say why"),
       }},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtProvider.NormalizePayload", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtCacheConfig", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks",
       {Use("http_uri cache_duration async_fetch retry_policy")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks.retry_policy",
       {Use("num_retries retry_back_off"),
        Leave("retry_on", "Whatever is no key set is asked for again.")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwksAsyncFetch",
       {Use("failed_refetch_duration"),
        Leave("fast_listener", "A listener never waits for keys; its requests do.")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtHeader", {Use("name value_prefix")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader.PathSegment", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.ProviderWithAudiences", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement",
       {Use("provider_name provider_and_audiences requires_any requires_all"),
        Use("allow_missing_or_failed allow_missing"),
        Refuse("extract_only_without_validation", "write allow_missing_or_failed")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtRequirementOrList", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.JwtRequirementAndList", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.RequirementRule", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.FilterStateRule", {Use("*")}},
      {"envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", {Use("*")}},
  };
}

std::vector<MessageRules> OAuth2Fields() {
  return {
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2PerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2Config",
       {
           Use("token_endpoint retry_policy authorization_endpoint end_session_endpoint"),
           Use("post_logout_redirect_uri credentials redirect_uri redirect_path_matcher"),
           Use("signout_path forward_bearer_token forward_id_token"),
           Use("preserve_authorization_header pass_through_matcher auth_scopes resources"),
           Use("auth_type use_refresh_token default_expires_in deny_redirect_matcher"),
           Use("default_refresh_token_expires_in disable_id_token_set_cookie"),
           Use("disable_access_token_set_cookie disable_refresh_token_set_cookie"),
           Use("cookie_configs stat_prefix csrf_token_expires_in code_verifier_token_expires_in"),
           Use("disable_token_encryption allow_failed_matcher original_request_uri"),
           Use("allowed_redirect_domains use_access_token_expiry_for_id_token_cookie"),
           Use("private_key_jwt_config"),
       }},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2Config.retry_policy",
       {Use("num_retries retry_back_off retry_on"),
        Refuse("retry_priority retry_host_predicate host_selection_retry_max_attempts",
               "a retry goes to the host that the load balancer picks next")}},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials.CookieNames", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.OAuth2TokenForwarding", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.PostLogoutRedirectUri", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.PrivateKeyJwtConfig", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.CookieConfigs", {Use("*")}},
      {"envoy.extensions.filters.http.oauth2.v3.CookieConfig", {Use("*")}},
      {"envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
       {
           Use("service_name region host_rewrite use_unsigned_payload match_excluded_headers "
               "match_included_headers credential_provider"),
           Use("signing_algorithm").Only("AWS_SIGV4", "one region at a time is signed for"),
           Refuse("query_string", "signatures stand in the header"),
       }},
      {"envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigningPerRoute",
       {Use("aws_request_signing"),
        Leave("stat_prefix", "A route's requests count with those of the filter.")}},
      {"envoy.extensions.common.aws.v3.AwsCredentialProvider",
       {Use("inline_credential credentials_file_provider environment_credential_provider "
            "custom_credential_provider_chain"),
        Refuse("assume_role_with_web_identity_provider iam_roles_anywhere_credential_provider "
               "config_credential_provider container_credential_provider "
               "instance_profile_credential_provider assume_role_credential_provider",
               "no service is asked for credentials: have one that fetches them write the "
               "credentials file")}},
      {"envoy.extensions.common.aws.v3.InlineCredentialProvider", {Use("*")}},
      {"envoy.extensions.common.aws.v3.EnvironmentCredentialProvider", {}},
      {"envoy.extensions.common.aws.v3.CredentialsFileCredentialProvider",
       {Use("credentials_data_source profile")}},
      {"envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
       {Use("overwrite allow_request_without_credential credential")}},
      {"envoy.extensions.filters.http.credential_injector.v3.CredentialInjector.credential",
       {Use("name"),
        Use("typed_config")
            .Only("envoy.extensions.http.injected_credentials.generic.v3.Generic "
                  "envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2",
                  "credentials are generic secrets, or tokens by the client's own credentials")}},
      {"envoy.extensions.http.injected_credentials.generic.v3.Generic", {Use("*")}},
      {"envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2", {Use("*")}},
      {"envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2.ClientCredentials", {Use("*")}},
      {"envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2.EndpointParameter", {Use("*")}},
  };
}

// Descriptors, wherever they are made and limited.
std::vector<MessageRules> DescriptorFields() {
  return {
      {"envoy.config.route.v3.RateLimit",
       {
           Use("stage actions hits_addend x_ratelimit_option"),
           Use("disable_key"),
           Use("limit apply_on_stream_done"),
       }},
      {"envoy.config.route.v3.RateLimit.HitsAddend", {Use("number format is_negative_hits")}},
      {"envoy.config.route.v3.RateLimit.Override", {Use("dynamic_metadata rate_limit")}},
      {"envoy.config.route.v3.RateLimit.Override.RateLimitOverride", {Use("*")}},
      {"envoy.config.route.v3.RateLimit.Override.DynamicMetadata", {Use("metadata_key")}},
      {"envoy.config.route.v3.RateLimit.Action",
       {
           Use("source_cluster destination_cluster request_headers query_parameters"),
           Use("remote_address generic_key header_value_match dynamic_metadata metadata"),
           Use("masked_remote_address query_parameter_value_match remote_address_match"),
           Use("extension"),
       }},
      {"envoy.config.route.v3.RateLimit.Action.SourceCluster", {}},
      {"envoy.config.route.v3.RateLimit.Action.DestinationCluster", {}},
      {"envoy.config.route.v3.RateLimit.Action.RemoteAddress", {}},
      {"envoy.config.route.v3.RateLimit.Action.RequestHeaders", {Use("*")}},
      {"envoy.config.route.v3.RateLimit.Action.QueryParameters", {Use("*")}},
      {"envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress", {Use("*")}},
      {"envoy.config.route.v3.RateLimit.Action.GenericKey",
       {Use("descriptor_key descriptor_value default_value")}},
      {"envoy.config.route.v3.RateLimit.Action.HeaderValueMatch",
       {Use("descriptor_key descriptor_value expect_match headers default_value")}},
      {"envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch",
       {Use("descriptor_key descriptor_value expect_match query_parameters default_value")}},
      {"envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch",
       {Use("descriptor_key descriptor_value address_matcher default_value")}},
      {"envoy.config.route.v3.RateLimit.Action.DynamicMetaData", {Use("*")}},
      {"envoy.config.route.v3.RateLimit.Action.MetaData", {Use("*")}},
      {"envoy.type.metadata.v3.MetadataKey", {Use("*")}},
      {"envoy.type.metadata.v3.MetadataKey.PathSegment",
       {Use("key"), Refuse("index", "lists are not looked into")}},
      {"envoy.type.matcher.v3.AddressMatcher", {Use("*")}},
      {"xds.core.v3.CidrRange", {Use("*")}},
      {"envoy.type.v3.TokenBucket", {Use("*")}},
      {"envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor", {Use("*")}},
      {"envoy.extensions.common.ratelimit.v3.RateLimitDescriptor",
       {Use("entries"), Leave("limit", "Envoy does not tell the service of it either.")}},
      {"envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry", {Use("*")}},
  };
}

std::vector<MessageRules> RateLimitFields() {
  return {
      {"envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
       {
           Use("stat_prefix status token_bucket filter_enabled filter_enforced descriptors stage"),
           Use("request_headers_to_add_when_not_enforced response_headers_to_add rate_limits"),
           Use("local_rate_limit_per_downstream_connection enable_x_ratelimit_headers"),
           Use("vh_rate_limits always_consume_default_token_bucket max_dynamic_descriptors"),
           Use("rate_limited_as_resource_exhausted enable_retry_after_header"),
           Refuse("local_cluster_rate_limit", "a bucket belongs to one process"),
       }},
      {"envoy.extensions.filters.http.ratelimit.v3.RateLimit",
       {
           Use("domain stage request_type timeout failure_mode_deny rate_limit_service"),
           Use("rate_limited_as_resource_exhausted enable_x_ratelimit_headers rate_limits"),
           Use("disable_x_envoy_ratelimited_header rate_limited_status response_headers_to_add"),
           Use("status_on_error filter_enabled filter_enforced failure_mode_deny_percent"),
           Use("enable_retry_after_header"),
           Refuse("stat_prefix", "counters stand under the cluster of the route"),
           Use("metadata_namespace").Only("envoy.filters.http.ratelimit"),
       }},
      {"envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute", {Use("*")}},
      {"envoy.config.ratelimit.v3.RateLimitServiceConfig",
       {Use("grpc_service"), Use("transport_api_version").Only("V3 AUTO")}},
      CalledService("envoy.config.ratelimit.v3.RateLimitServiceConfig.grpc_service"),
  };
}

std::vector<MessageRules> MetadataFilterFields() {
  return {
      {"envoy.extensions.filters.http.header_to_metadata.v3.Config",
       {Use("request_rules response_rules stat_prefix")}},
      {"envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule", {Use("*")}},
      {"envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair",
       {Use("metadata_namespace key value regex_value_rewrite encode"),
        Use("type").Only("STRING NUMBER", "a header's value is text or a number")}},
      {"envoy.extensions.filters.http.set_metadata.v3.Config", {Use("*")}},
      {"envoy.extensions.filters.http.set_metadata.v3.Metadata",
       {Use("metadata_namespace allow_overwrite value"),
        Leave("typed_value", "Nothing reads typed metadata: write value too.")}},
      {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata", {Use("*")}},
      {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata.KeyValuePair", {Use("*")}},
      {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata.Selector", {Use("*")}},
      {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata.Rule", {Use("*")}},
      {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata.MatchRules", {Use("*")}},
      {"envoy.extensions.filters.http.csrf.v3.CsrfPolicy", {Use("*")}},
  };
}

std::vector<MessageRules> ExtProcFields() {
  constexpr std::string_view kModes = "the processor has no such view of a body";
  constexpr std::string_view kStream =
      "The stream lives as long as its request; message_timeout counts.";
  const auto service = [kStream](std::string_view field) {
    return MessageRules{
        field,
        {Use("envoy_grpc google_grpc initial_metadata retry_policy"), Leave("timeout", kStream)}};
  };
  return {
      {"envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor",
       {
           Use("grpc_service processing_mode failure_mode_allow message_timeout stat_prefix"),
           Use("status_on_error allow_mode_override disable_immediate_response forward_rules"),
           Use("metadata_options route_cache_action disable_clear_route_cache"),
           Leave("emit_client_span", kNoSpans),
           Use("max_message_timeout allowed_override_modes deferred_close_timeout mutation_rules"),
           Use("observability_mode send_body_without_waiting_for_header_response"),
           Refuse("http_service", "write grpc_service"),
           Use("request_attributes response_attributes filter_metadata"),
           Use("allow_content_length_header").Only("false", "the length follows the body"),
           Refuse("processing_request_modifier on_processing_response", "there are none"),
       }},
      service("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor.grpc_service"),
      service("envoy.extensions.filters.http.ext_proc.v3.ExtProcOverrides.grpc_service"),
      {"envoy.extensions.filters.http.ext_proc.v3.ProcessingMode",
       {Use("request_header_mode response_header_mode request_trailer_mode response_trailer_mode"),
        Use("request_body_mode response_body_mode")
            .Only("NONE STREAMED BUFFERED BUFFERED_PARTIAL FULL_DUPLEX_STREAMED", kModes)}},
      {"envoy.config.common.mutation_rules.v3.HeaderMutationRules", {Use("*")}},
      {"envoy.extensions.filters.http.ext_proc.v3.MetadataOptions",
       {Use("forwarding_namespaces receiving_namespaces"),
        Refuse("cluster_metadata_forwarding_namespaces", "clusters keep no metadata")}},
      {"envoy.extensions.filters.http.ext_proc.v3.MetadataOptions.MetadataNamespaces",
       {Use("untyped"), Leave("typed", "There is no typed metadata.")}},
      {"envoy.extensions.filters.http.ext_proc.v3.HeaderForwardingRules", {Use("*")}},
      {"envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.ext_proc.v3.ExtProcOverrides",
       {
           Use("processing_mode grpc_service failure_mode_allow metadata_options"),
           Use("grpc_initial_metadata"),
           Leave("emit_client_span", kNoSpans),
           Use("async_mode").Only("false"),
           Refuse("request_attributes response_attributes",
                  "Envoy does not look at them: write those of the filter"),
           Refuse("processing_request_modifier", "there are none"),
       }},
  };
}

}  // namespace

std::vector<MessageRules> AuthFields() {
  std::vector<MessageRules> all = ServiceFields();
  for (auto part : {ExtAuthzFields, JwtFields, OAuth2Fields, DescriptorFields, RateLimitFields,
                    MetadataFilterFields, ExtProcFields}) {
    for (MessageRules& rules : part()) all.push_back(std::move(rules));
  }
  return all;
}

}  // namespace proxenos::config
