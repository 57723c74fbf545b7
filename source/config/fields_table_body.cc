// What of filters that change bodies on their way is honoured, and of the libraries they use.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> BodyFields() {
  constexpr std::string_view kNoDictionary =
      "nobody could agree on one: HTTP's coding zstd has no dictionary";
  return {
      {"envoy.extensions.filters.http.compressor.v3.Compressor",
       {Use("compressor_library request_direction_config response_direction_config choose_first"),
        Use("content_length content_type disable_on_etag_header remove_accept_encoding_header "
            "runtime_enabled")}},
      {"envoy.extensions.filters.http.compressor.v3.Compressor.CommonDirectionConfig", {Use("*")}},
      {"envoy.extensions.filters.http.compressor.v3.Compressor.RequestDirectionConfig", {Use("*")}},
      {"envoy.extensions.filters.http.compressor.v3.Compressor.ResponseDirectionConfig",
       {Use("common_config disable_on_etag_header weaken_etag_on_compress "
            "remove_accept_encoding_header uncompressible_response_codes"),
        Use("status_header_enabled").Only("false", "counters say why nothing was compressed")}},
      {"envoy.extensions.filters.http.compressor.v3.CompressorPerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.compressor.v3.CompressorOverrides", {Use("*")}},
      {"envoy.extensions.filters.http.compressor.v3.ResponseDirectionOverrides", {Use("*")}},
      {"envoy.extensions.filters.http.decompressor.v3.Decompressor", {Use("*")}},
      {"envoy.extensions.filters.http.decompressor.v3.Decompressor.CommonDirectionConfig",
       {Use("*")}},
      {"envoy.extensions.filters.http.decompressor.v3.Decompressor.RequestDirectionConfig",
       {Use("*")}},
      {"envoy.extensions.filters.http.decompressor.v3.Decompressor.ResponseDirectionConfig",
       {Use("*")}},
      {"envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit",
       {Use("stat_prefix enable_mode limit_kbps runtime_enabled fill_interval"),
        Use("enable_response_trailers response_trailer_prefix")}},
      {"envoy.extensions.filters.http.custom_response.v3.CustomResponse", {Use("*")}},
      {"envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy",
       {Use("uri redirect_action status_code response_headers_to_add request_headers_to_add"),
        Refuse("modify_request_headers_action", "write request_headers_to_add")}},
      {"envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy.redirect_action",
       {Use("scheme_redirect https_redirect host_redirect port_redirect path_redirect strip_query"),
        Refuse("prefix_rewrite regex_rewrite", "write path_redirect"),
        Refuse("response_code", "write status_code of the policy")}},
      {"envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy",
       {Use("body body_format status_code response_headers_to_add response_code_details "
            "preserve_response_code_details")}},
      {"envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy."
       "body_format",
       {Use("text_format json_format text_format_source omit_empty_values formatters "
            "json_format_options content_type")}},
      {"envoy.extensions.compression.gzip.compressor.v3.Gzip", {Use("*")}},
      {"envoy.extensions.compression.gzip.decompressor.v3.Gzip", {Use("*")}},
      {"envoy.extensions.compression.brotli.compressor.v3.Brotli", {Use("*")}},
      {"envoy.extensions.compression.brotli.decompressor.v3.Brotli", {Use("*")}},
      {"envoy.extensions.compression.zstd.compressor.v3.Zstd",
       {Use("compression_level enable_checksum strategy chunk_size"),
        Refuse("dictionary", kNoDictionary)}},
      {"envoy.extensions.compression.zstd.decompressor.v3.Zstd",
       {Use("chunk_size"), Refuse("dictionaries", kNoDictionary)}},
  };
}

}  // namespace proxenos::config
