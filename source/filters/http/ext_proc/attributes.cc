// One expression after another.
#include "source/filters/http/ext_proc/attributes.h"

#include <optional>
#include <string>
#include <utility>

#include "source/cel/print.h"
#include "source/filter/check_wire.h"
#include "source/filter/stream_attributes.h"
#include "source/filters/http/ext_proc/metadata_text.h"

namespace proxenos::filters::ext_proc {
namespace {

// The field of envoy.service.ext_proc.v3.ProcessingRequest, and the one key that it has.
constexpr uint32_t kAttributes = 9;
constexpr absl::string_view kSpace = "envoy.filters.http.ext_proc";

filter::StreamAttributes Shown(const filter::StreamContext& stream, filter::Direction direction) {
  filter::StreamAttributes::Shown shown = filter::StreamAttributes::Of(stream.info);
  shown.request = &stream.request;
  if (direction == filter::Direction::kResponse) {
    shown.response = &stream.response;
    shown.response_trailers = stream.response_in.trailers;
  }
  if (stream.route != nullptr) shown.route_metadata = stream.route->metadata.get();
  return filter::StreamAttributes(shown);
}

constexpr absl::string_view kOfHost = "xds.upstream_host_metadata";

// As in Envoy, a host that nothing is said of has none, whereas that of others is empty.
std::optional<json::Value> WholeOf(const Attribute& one, const filter::StreamInfo& info,
                                   const cel::Value& spaces, cel::Memory& memory) {
  if (spaces.IsMap()) return json::Value(filter::CheckText(MetadataText(spaces, memory)));
  if (one.name == kOfHost && info.upstream_metadata != nullptr) {
    return json::Value(std::string("NULL"));
  }
  return std::nullopt;
}

json::Value ValueOf(const cel::Value& value) {
  switch (value.kind) {
    case cel::Value::Kind::kBool:
      return json::Value(value.boolean);
    case cel::Value::Kind::kInt:
      return json::Value(static_cast<double>(value.integer));
    case cel::Value::Kind::kUint:
      return json::Value(static_cast<double>(value.natural));
    default:
      return json::Value(filter::CheckText(cel::Print(value)));
  }
}

}  // namespace

bool IsMetadata(absl::string_view name) {
  return name == "xds.route_metadata" || name == "xds.cluster_metadata" || name == kOfHost;
}

void WriteAttributes(const AttributeList& list, const filter::StreamContext& stream,
                     filter::Direction direction, rpc::WireWriter& message) {
  const filter::StreamAttributes attributes = Shown(stream, direction);
  json::Object values;
  for (const Attribute& one : list) {
    cel::Memory memory;
    const cel::Value value = one.expression->Evaluate(attributes, memory);
    if (one.whole) {
      std::optional<json::Value> whole = WholeOf(one, stream.info, value, memory);
      if (whole.has_value()) values.insert_or_assign(one.name, *std::move(whole));
      continue;
    }
    if (!value.IsError()) values.insert_or_assign(one.name, ValueOf(value));
  }
  message.Message(kAttributes, [&values](rpc::WireWriter& entry) {
    entry.Text(1, kSpace);
    entry.Struct(2, values);
  });
}

}  // namespace proxenos::filters::ext_proc
