// From envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning to the filter's
// factory; and where credentials come from.
#pragma once

#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "source/filter/filter_config.h"
#include "source/filters/http/aws_request_signing/signature.h"

namespace proxenos::filters::aws_request_signing {

extern const route::OverrideKind kAwsRequestSigningOverride;

std::unique_ptr<filter::FilterFactory> CreateAwsRequestSigning(const google::protobuf::Any& config,
                                                               const config::Path& path,
                                                               config::Errors& errors);

// What a file of credentials (~/.aws/credentials) has under [profile]. Nothing when that has no
// key, or no secret.
std::optional<Credentials> ParseCredentials(absl::string_view file, absl::string_view profile);

}  // namespace proxenos::filters::aws_request_signing
