// Compiles a transcoder's configuration.
#include "source/filters/http/grpc_json_transcoder/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/grpc_json_transcoder/v3/transcoder.pb.h"
#include "source/config/file.h"
#include "source/config/typed_config.h"
#include "source/filters/http/grpc_json_transcoder/descriptors_config.h"
#include "source/filters/http/grpc_json_transcoder/filter.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_json_transcoder::v3;
using Proto = v3::GrpcJsonTranscoder;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<GrpcJsonTranscoder>(*settings_, *this, stream);
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

Unescape HowToUnescape(Proto::UrlUnescapeSpec spec) {
  switch (spec) {
    case Proto::ALL_CHARACTERS_EXCEPT_SLASH:
      return Unescape::kAllButSlash;
    case Proto::ALL_CHARACTERS:
      return Unescape::kAll;
    default:
      return Unescape::kAllButReserved;
  }
}

void CompilePrint(const Proto::PrintOptions& proto, Settings& settings) {
  settings.print.add_whitespace = proto.add_whitespace();
  settings.print.always_print_primitive_fields = proto.always_print_primitive_fields();
  settings.print.always_print_enums_as_ints = proto.always_print_enums_as_ints();
  settings.print.preserve_proto_field_names = proto.preserve_proto_field_names();
  settings.stream = proto.stream_sse_style_delimited() ? Settings::Stream::kEvents
                    : proto.stream_newline_delimited() ? Settings::Stream::kLines
                                                       : Settings::Stream::kArray;
}

void CompileRequests(const Proto& proto, Settings& settings) {
  settings.unescape = HowToUnescape(proto.url_unescape_spec());
  settings.plus_is_space = proto.query_param_unescape_plus();
  settings.any_case_enums = proto.case_insensitive_enum_parsing();
  settings.keeps_route = proto.match_incoming_request_route();
  settings.converts_status = proto.convert_grpc_status();
  settings.ignores_unknown_parameters = proto.ignore_unknown_query_parameters();
  settings.ignored_parameters.insert(proto.ignored_query_parameters().begin(),
                                     proto.ignored_query_parameters().end());
  const auto& rules = proto.request_validation_options();
  settings.rejects_unknown_method = rules.reject_unknown_method();
  settings.rejects_unknown_parameters = rules.reject_unknown_query_parameters();
  settings.rejects_collisions = rules.reject_binding_body_field_collisions();
  if (proto.match_unregistered_custom_verb()) settings.table.SplitUnknownVerbs();
  if (proto.has_max_request_body_size()) {
    settings.max_request_bytes = proto.max_request_body_size().value();
  }
  if (proto.has_max_response_body_size()) {
    settings.max_response_bytes = proto.max_response_body_size().value();
  }
}

std::shared_ptr<const Settings> Compile(const Proto& proto, const config::Path& path,
                                        config::Errors& errors) {
  auto settings = std::make_unique<Settings>();
  CompilePrint(proto.print_options(), *settings);
  CompileRequests(proto, *settings);
  if (proto.services().empty()) return settings;  // Off.
  std::string bytes = proto.proto_descriptor_bin();
  const config::Path at =
      path.Field(proto.has_proto_descriptor() ? "proto_descriptor" : "proto_descriptor_bin");
  if (proto.has_proto_descriptor()) {
    auto file = config::ReadFile(proto.proto_descriptor(), config::kMaxValueFileBytes);
    if (!file.ok()) {
      errors.Add(at, std::string(file.status().message()));
      return nullptr;
    }
    bytes = *std::move(file);
  }
  auto types = CompileDescriptors(bytes);
  if (!types.ok()) {
    errors.Add(at, std::string(types.status().message()));
    return nullptr;
  }
  settings->types = *std::move(types);
  const size_t before = errors.count();
  for (int i = 0; i < proto.services_size(); ++i) {
    const absl::Status added = AddService(proto.services(i), proto.auto_mapping(), *settings);
    if (!added.ok()) {
      errors.Add(path.Field("services").Index(static_cast<size_t>(i)),
                 std::string(added.message()));
    }
  }
  if (errors.count() != before) return nullptr;
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return Compile(proto, path, errors);
}

}  // namespace

const route::OverrideKind kGrpcJsonTranscoderOverride{
    "envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateGrpcJsonTranscoder(const google::protobuf::Any& config,
                                                                const config::Path& path,
                                                                config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  std::shared_ptr<const Settings> settings = Compile(proto, path, errors);
  if (settings == nullptr) return nullptr;
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::grpc_json_transcoder
