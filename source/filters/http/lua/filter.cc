// Which script runs, and its two runs.
#include "source/filters/http/lua/filter.h"

#include <utility>

#include "source/filter/filter_override.h"

namespace proxenos::filters::lua {

using filter::BodyMode;
using filter::BodyNeed;
using filter::Direction;
using filter::Verdict;

Lua::Found FindScript(const filter::StreamContext& stream, const filter::FilterFactory& factory,
                      const Settings& settings) {
  const auto* route = filter::FindSettings<RouteSettings>(stream, factory);
  if (route == nullptr) return {nullptr, settings.script};
  if (route->disabled) return {route, nullptr};
  if (route->script != nullptr) return {route, route->script};
  if (route->name.empty()) return {route, settings.script};
  const auto named = settings.named.find(route->name);
  if (named != settings.named.end()) return {route, named->second};
  if (auto* part = static_cast<LuaPart*>(stream.worker_part(factory))) {
    part->WarnOfUnknown(route->name);
  }
  return {route, nullptr};
}

Lua::Lua(filter::StreamContext& stream, const filter::FilterFactory& factory,
         const Settings& settings, Found found)
    : script_(std::move(found.script)),
      place_{stream,   *this,       factory,
             settings, found.route, static_cast<LuaPart*>(stream.worker_part(factory))} {}

BodyNeed Lua::RequestBodyNeed(const BodyNeed& declared) const {
  return script_->on_request ? BodyNeed{BodyMode::kStream, 0} : declared;
}
BodyNeed Lua::ResponseBodyNeed(const BodyNeed& declared) const {
  return script_->on_response ? BodyNeed{BodyMode::kStream, 0} : declared;
}

Verdict Lua::Begin(Direction direction, bool end) {
  const bool is_request = direction == Direction::kRequest;
  if (!(is_request ? script_->on_request : script_->on_response) || place_.part == nullptr) {
    return Verdict::kContinue;
  }
  base::Rc<Vm> vm = place_.part->VmOf(script_);
  if (!vm || !(is_request ? vm->on_request() : vm->on_response())) return Verdict::kContinue;
  std::optional<Run>& run = is_request ? request_ : response_;
  run.emplace(place_, direction, std::move(vm));
  return run->OnHead(end);
}

Verdict Lua::OnRequestHeaders(http::RequestHead&, bool end) {
  return Begin(Direction::kRequest, end);
}
Verdict Lua::OnRequestBody(buffer::Buffer& body, bool end) {
  return request_.has_value() ? request_->OnBody(body, end) : Verdict::kContinue;
}
Verdict Lua::OnRequestTrailers(http::HeaderMap& trailers) {
  return request_.has_value() ? request_->OnTrailers(trailers) : Verdict::kContinue;
}
Verdict Lua::OnResponseHeaders(http::ResponseHead&, bool end) {
  return Begin(Direction::kResponse, end);
}
Verdict Lua::OnResponseBody(buffer::Buffer& body, bool end) {
  return response_.has_value() ? response_->OnBody(body, end) : Verdict::kContinue;
}
Verdict Lua::OnResponseTrailers(http::HeaderMap& trailers) {
  return response_.has_value() ? response_->OnTrailers(trailers) : Verdict::kContinue;
}

void Lua::OnWake() {
  if (request_.has_value()) request_->OnWake();
  if (response_.has_value()) response_->OnWake();
}

// Another response takes the place of the one that was on its way: the script sees that from its
// head on.
void Lua::OnLocalReply() {
  request_.reset();
  response_.reset();
}

void Lua::OnComplete() { OnLocalReply(); }

}  // namespace proxenos::filters::lua
