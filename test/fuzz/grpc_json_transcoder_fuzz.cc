// A transcoder: the first line is a template, the second a path with its query, the rest a body,
// and then what a service answers. A request that is taken makes whole frames; what is shown of a
// message is within its bound and can be read again.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/buffer/buffer.h"
#include "source/filters/http/grpc_json_transcoder/descriptors_config.h"
#include "source/filters/http/grpc_json_transcoder/translation.h"
#include "source/rpc/frame.h"

namespace {

namespace t = proxenos::filters::grpc_json_transcoder;

// A FileDescriptorSet: message M { string s; int64 n; repeated M m; bytes b; bool o; double d; M x;
// } of package p.
constexpr char kDescriptors[] =
    "\012\203\001\012\003\146\056\160\022\001\160\042\161\012\001\115\022\014\012\001\163\030"
    "\001\040\001\050\011\122\001\163\022\014\012\001\156\030\002\040\001\050\003\122\001\156"
    "\022\022\012\001\155\030\003\040\003\050\013\062\004\056\160\056\115\122\001\155\022\014"
    "\012\001\142\030\004\040\001\050\014\122\001\142\022\014\012\001\157\030\005\040\001\050"
    "\010\122\001\157\022\014\012\001\144\030\006\040\001\050\001\122\001\144\022\022\012\001"
    "\170\030\007\040\001\050\013\062\004\056\160\056\115\122\001\170\142\006\160\162\157\164"
    "\157\063";

const std::shared_ptr<const t::MessageTypes>& Types() {
  static const auto* const types = [] {
    auto made = t::CompileDescriptors(std::string(kDescriptors, sizeof(kDescriptors) - 1));
    CHECK(made.ok());
    return new std::shared_ptr<const t::MessageTypes>(*std::move(made));
  }();
  return *types;
}

absl::string_view TakeLine(absl::string_view& rest) {
  const size_t end = rest.find('\n');
  const absl::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
  return line;
}

void CheckShown(const t::Settings& settings, absl::string_view message) {
  const auto shown = t::ToShown(settings, settings.rules[0], message);
  if (!shown.ok()) return;
  CHECK(shown->bytes.size() <=
        size_t{settings.max_response_bytes} * t::Settings::kMaxGrowth + 65536);
}

void CheckRequest(const t::Settings& settings, absl::string_view target, absl::string_view body) {
  const t::Matched matched = t::FindRule(settings, "POST", target);
  if (matched.outcome != t::Matched::Outcome::kFound) return;
  const auto frames = t::ToFrames(settings, matched, "application/json", body);
  if (!frames.ok()) return;
  proxenos::buffer::Buffer bytes;
  bytes.Append(*frames);
  proxenos::rpc::FrameDecoder decoder(1 << 24);
  while (decoder.Next(bytes) == proxenos::rpc::FrameDecoder::Result::kFrame) {
    CheckShown(settings, decoder.TakeMessage().ToString());
  }
  CHECK(decoder.at_boundary() && bytes.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 65536) return 0;
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  const absl::string_view text = TakeLine(rest);
  const absl::string_view target = TakeLine(rest);
  auto path = t::PathTemplate::Parse(text);
  if (!path.ok()) return 0;
  CHECK(path->segments.size() <= t::PathTemplate::kMaxSegments);
  for (const bool streams : {false, true}) {
    t::Settings settings;
    settings.types = Types();
    auto method = std::make_unique<t::Method>();
    method->request = method->response = Types()->pool().FindMessageTypeByName("p.M");
    method->request_streams = streams;
    t::Rule rule;
    rule.method = method.get();
    rule.has_body = true;
    for (const auto& variable : path->variables) {
      auto field = t::FindField(*method->request, variable.field);
      if (!field.ok()) return 0;
      rule.variables.push_back(*std::move(field));
    }
    CHECK(settings.table.Add(*path, "POST", 0));
    rule.path = *path;
    settings.rules.push_back(std::move(rule));
    settings.methods.push_back(std::move(method));
    settings.rejects_collisions = streams;
    settings.max_response_bytes = 4096;
    CheckRequest(settings, target, rest);
    CheckShown(settings, rest);
  }
  return 0;
}
