// Heads are copied whole: the stream may be over before its copy is sent.
#include "source/filters/http/router/mirrors.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/route/field_change.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filters::router {
namespace {

// The host with the suffix, before a port.
std::string ShadowHost(absl::string_view authority) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != absl::string_view::npos && (bracket == absl::string_view::npos || colon > bracket);
  const size_t end = has_port ? colon : authority.size();
  return absl::StrCat(authority.substr(0, end), "-shadow", authority.substr(end));
}

void FillHead(const http::RequestHead& from, const route::Mirror& mirror, rpc::HttpCall& call) {
  http::RequestHead& to = call.request();
  buffer::Arena& arena = call.arena();
  to.method_text = arena.Copy(from.method_text);
  to.path = arena.Copy(from.path);
  to.authority = !mirror.host.empty() ? arena.Copy(mirror.host)
                 : mirror.suffix      ? arena.Copy(ShadowHost(from.authority))
                                      : arena.Copy(from.authority);
  for (const http::Header& header : from.headers) {
    to.headers.AddView(header.id, arena.Copy(header.name()), arena.Copy(header.value()));
  }
}

}  // namespace

void Mirrors::Send(const route::Forward& forward, filter::StreamContext& stream,
                   const buffer::Buffer& body, base::Nanos timeout) {
  for (const route::Mirror& mirror : forward.mirrors) {
    const bool wanted =
        mirror.fraction.Holds(stream.environment.runtime, stream.environment.loop.random().Next());
    if (wanted) SendOne(mirror, stream, body, timeout);
  }
}

void Mirrors::SendOne(const route::Mirror& mirror, filter::StreamContext& stream,
                      const buffer::Buffer& body, base::Nanos timeout) {
  absl::string_view name = mirror.cluster.name;
  if (!mirror.header.empty()) {
    const http::Header* field = stream.request.headers.Find(mirror.header);
    if (field == nullptr) return;
    name = field->value();
  }
  base::Rc<upstream::WorkerCluster> cluster = stream.environment.clusters.Find(name);
  if (!cluster) return;
  buffer::Buffer copy;
  for (size_t i = 0; i < body.slice_count(); ++i) copy.Append(body.slice(i));
  calls_.emplace_back();
  const auto place = std::prev(calls_.end());
  *place = std::make_unique<rpc::HttpCall>(
      std::move(cluster),
      rpc::HttpCall::Limits{timeout == 0 ? kMostTime : timeout, kMaxAnswerBytes,
                            /*keeps_body=*/false},
      [this, place] { calls_.erase(place); });
  FillHead(stream.request, mirror, **place);
  if (mirror.changes != nullptr) {
    route::Apply(*mirror.changes, (*place)->request().headers, [&stream, place](uint32_t format) {
      return (*place)->arena().Copy(stream.FormatValue(format));
    });
  }
  (*place)->Start(std::move(copy));
}

}  // namespace proxenos::filters::router
