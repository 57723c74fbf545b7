// Rewrites and header mutations of the route.
#include "source/filters/http/router/header_changes.h"

#include <string>

#include "source/http/authority.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

// Envoy tells the origin what the client had asked for.
void KeepOriginalHost(absl::string_view before, bool tell, http::RequestHead& head) {
  if (head.authority.data() == before.data() || !tell) return;
  head.headers.Set("x-envoy-original-host", before);
}

// Of host_rewrite; empty: there is none, or what its format gave is no authority.
absl::string_view FormattedHost(const route::Forward& forward, filter::StreamContext& stream) {
  if (forward.host_rewrite != route::Forward::HostRewrite::kFormat) return {};
  const absl::string_view made = stream.FormatValue(forward.host_format);
  std::string padded(made);
  padded.append(16, '\0');  // IsAuthority reads ahead.
  const bool fits = http::IsAuthority(absl::string_view(padded).substr(0, made.size()));
  return fits ? made : absl::string_view();
}

void Apply(const route::HeaderMutations& mutations, http::HeaderMap& headers,
           filter::StreamContext& stream) {
  route::Apply(mutations, headers, [&stream](uint32_t index) { return stream.FormatValue(index); });
}

}  // namespace

void ChangeRequest(const route::ClusterPick& pick, bool tell, filter::StreamContext& stream) {
  http::RequestHead& head = stream.request;
  const route::Route& route = *stream.route;
  stream.routes->ForEachRequestMutations(route, pick.weighted,
                                         [&stream](const route::HeaderMutations& mutations) {
                                           Apply(mutations, stream.request.headers, stream);
                                         });
  const absl::string_view host_before = head.authority;
  const route::Forward& forward = *route.forward();
  const absl::string_view host = FormattedHost(forward, stream);
  if (!host.empty()) {
    route::SetAuthority(head, host, forward.append_x_forwarded_host);
  } else {
    route::ApplyHostRewrite(route, pick.weighted, head);
  }
  KeepOriginalHost(host_before, tell, head);
  const uint32_t format = forward.path_format;
  const absl::string_view before = format == route::HeaderAddition::kLiteral
                                       ? route::ApplyPathRewrite(route, head)
                                       : route::ReplacePath(stream.FormatValue(format), head);
  if (before.empty()) return;
  stream.info.original_path = before;
  if (!tell) return;
  head.headers.AddView(HeaderId::kXEnvoyOriginalPath,
                       http::HeaderName(HeaderId::kXEnvoyOriginalPath), before);
}

void ChangeAuthority(absl::string_view name, bool tell, filter::StreamContext& stream) {
  const absl::string_view before = stream.request.authority;
  route::SetAuthority(stream.request, name, stream.route->forward()->append_x_forwarded_host);
  KeepOriginalHost(before, tell && stream.info.attempts == 1, stream.request);
}

void ChangeResponseHeaders(const route::WeightedCluster* weighted, filter::StreamContext& stream) {
  stream.routes->ForEachResponseMutations(*stream.route, weighted,
                                          [&stream](const route::HeaderMutations& mutations) {
                                            Apply(mutations, stream.response.headers, stream);
                                          });
}

void StripInformational(const route::WeightedCluster* weighted, const filter::StreamContext& stream,
                        http::HeaderMap& headers) {
  stream.routes->ForEachResponseMutations(*stream.route, weighted,
                                          [&headers](const route::HeaderMutations& mutations) {
                                            route::Remove(mutations.removals, headers);
                                          });
}

namespace {

uint64_t SizeOf(const http::HeaderMap& headers) {
  uint64_t size = 0;
  for (const http::Header& header : headers) size += header.name().size() + header.value().size();
  return size;
}

}  // namespace

uint64_t SizeOf(const http::RequestHead& head) {
  constexpr absl::string_view kNames = ":method:path:scheme:authority";
  return SizeOf(head.headers) + kNames.size() + head.method_text.size() + head.path.size() +
         head.scheme.size() + head.authority.size();
}

uint64_t SizeOf(const http::ResponseHead& head) {
  constexpr absl::string_view kStatus = ":status200";
  return SizeOf(head.headers) + kStatus.size();
}

}  // namespace proxenos::filters::router
