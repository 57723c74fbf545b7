// The body of a direct response: inline, from a file, or from the environment; and its format.
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/config/data_source.h"
#include "source/route/action_config.h"

namespace proxenos::route {

DirectResponse CompileDirectResponse(const envoy::config::route::v3::DirectResponseAction& config,
                                     Compilation& compilation, const config::Path& path) {
  DirectResponse response;
  if (config.status() < 200 || config.status() > 599) {
    compilation.errors().AddValue(path.Field("status"), absl::StrCat(config.status()),
                                  "an HTTP status from 200 to 599");
  } else {
    response.status = static_cast<uint16_t>(config.status());
  }
  if (config.has_body()) {
    const uint32_t limit = compilation.max_direct_response_bytes;
    // max_direct_response_body_size_bytes
    auto body =
        config::ReadDataSource(config.body(), path.Field("body"), compilation.errors(), limit);
    if (body) response.body = *std::move(body);
  }
  if (config.has_body_format()) {
    const config::Path at = path.Field("body_format");
    if (compilation.upper.replies == nullptr) {
      compilation.errors().Add(at, "is not for this place: give a body");
    } else {
      response.format = compilation.upper.replies(config.body_format(), at, compilation.errors());
    }
  }
  return response;
}

}  // namespace proxenos::route
