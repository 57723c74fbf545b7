// URI and header fields of a collector.
#include "source/rpc/courier_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "source/http/chars.h"

namespace proxenos::rpc {
namespace {

constexpr base::Nanos kTimeout = 5 * base::kSecond;

bool IsToken(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
  });
}

bool IsFieldValue(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return http::IsValueChar(c); });
}

}  // namespace

CourierRoute CompileHttpRoute(const envoy::config::core::v3::HttpService& proto,
                              absl::string_view content_type, const config::Path& path,
                              config::Errors& errors) {
  CourierRoute route;
  route.content_type = std::string(content_type);
  HttpService service = CompileHttpUri(proto.http_uri(), path.Field("http_uri"), errors);
  if (service.timeout == 0) service.timeout = kTimeout;
  if (service.authority.empty()) service.authority = service.cluster;
  if (service.cluster.empty()) errors.Add(path.Field("http_uri").Field("cluster"), "is missing");
  route.http = std::move(service);
  for (int i = 0; i < proto.request_headers_to_add_size(); ++i) {
    const auto& header = proto.request_headers_to_add(i).header();
    const config::Path at =
        path.Field("request_headers_to_add").Index(static_cast<size_t>(i)).Field("header");
    std::string name = absl::AsciiStrToLower(header.key());
    const std::string& value = header.raw_value().empty() ? header.value() : header.raw_value();
    if (!IsToken(name) || name == "host" || name == "content-length" ||
        name == "transfer-encoding" || name == "connection") {
      errors.AddValue(at.Field("key"), header.key(), "the name of a field that is not the proxy's");
    }
    if (!IsFieldValue(value) || absl::StrContains(value, "%")) {
      errors.Add(at.Field("value"), "expected no control characters and no %FORMAT%");
    }
    route.headers.emplace_back(std::move(name), value);
  }
  return route;
}

}  // namespace proxenos::rpc
