// Compiles mutations.
#include "source/filters/http/header_mutation/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/header_mutation/filter.h"
#include "source/route/field_change_config.h"
#include "source/route/header_mutations_config.h"

namespace proxenos::filters::header_mutation {
namespace {

namespace v3 = envoy::extensions::filters::http::header_mutation::v3;
using config::Errors;
using config::Path;
using envoy::config::core::v3::KeyValueAppend;
using envoy::config::core::v3::KeyValueMutation;

class Factory final : public filter::FilterFactory {
 public:
  Factory(Mutations own, bool most_specific_wins)
      : own_(std::move(own)), most_specific_wins_(most_specific_wins) {}

  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    Levels levels = {&own_};
    filter::ForEachOverride(stream, name, [&](const route::FilterOverride& one) {
      if (one.settings != nullptr && one.kind == override_kind) {
        levels.push_back(static_cast<const Mutations*>(one.settings.get()));
      }
      return true;
    });
    // Who is last wins.
    if (most_specific_wins_) std::reverse(levels.begin() + 1, levels.end());
    return std::make_unique<HeaderMutation>(std::move(levels), stream);
  }

 private:
  const Mutations own_;
  const bool most_specific_wins_;
};

// One of the filter's configurations, or of a route's.
class Compiler {
 public:
  Compiler(const Path& path, Errors& errors)
      : path_(path), errors_(errors), compilation_(errors, parts_, {}) {}

  Mutations Compile(const v3::Mutations& proto) {
    Mutations made;
    made.request = Fields(proto.request_mutations(), path_.Field("request_mutations"));
    made.response = Fields(proto.response_mutations(), path_.Field("response_mutations"));
    made.request_trailers =
        Fields(proto.request_trailers_mutations(), path_.Field("request_trailers_mutations"));
    made.response_trailers =
        Fields(proto.response_trailers_mutations(), path_.Field("response_trailers_mutations"));
    for (int i = 0; i < proto.query_parameter_mutations_size(); ++i) {
      made.query.push_back(
          Parameter(proto.query_parameter_mutations(i),
                    path_.Field("query_parameter_mutations").Index(static_cast<size_t>(i))));
    }
    CompileFormats(made);
    return made;
  }

 private:
  std::vector<FieldChange> Fields(route::FieldChangeProtos protos, const Path& path) {
    for (auto& one : protos) PassLengthBy(one);
    return route::CompileFieldChanges(protos, compilation_, path);
  }

  // Some gateways write the length of a body that another filter has changed. That is known here
  // without them: it becomes a change that leaves the fields of the framing alone.
  static void PassLengthBy(envoy::config::common::mutation_rules::v3::HeaderMutation& one) {
    constexpr absl::string_view kLength = "content-length";
    if (!absl::EqualsIgnoreCase(one.append().header().key(), kLength)) return;
    one.mutable_remove_on_match()->mutable_key_matcher()->set_exact(std::string(kLength));
  }

  ParameterChange Parameter(const KeyValueMutation& proto, const Path& path) {
    ParameterChange change;
    if (proto.has_append() == !proto.remove().empty()) {
      errors_.Add(path, "expected one of append and remove");
      return change;
    }
    if (!proto.has_append()) {
      change.remove = true;
      change.key = PercentEncode(proto.remove());
      return change;
    }
    const auto& record = proto.append().record();
    const Path record_path = path.Field("append").Field("record");
    if (record.key().empty()) errors_.Add(record_path.Field("key"), "must not be empty");
    if (!record.value().has_string_value()) {
      errors_.Add(record_path.Field("value"), "expected a text");
    }
    change.key = PercentEncode(record.key());
    change.action = ActionOf(proto.append().action());
    if (route::ReadLiteral(record.value().string_value(), &change.value)) {
      change.value = PercentEncode(change.value);
    } else {
      change.format =
          compilation_.Format(record.value().string_value(), record_path.Field("value"));
    }
    return change;
  }

  static route::AppendAction ActionOf(KeyValueAppend::KeyValueAppendAction action) {
    switch (action) {
      case KeyValueAppend::ADD_IF_ABSENT:
        return route::AppendAction::kAddIfAbsent;
      case KeyValueAppend::OVERWRITE_IF_EXISTS_OR_ADD:
        return route::AppendAction::kOverwriteOrAdd;
      case KeyValueAppend::OVERWRITE_IF_EXISTS:
        return route::AppendAction::kOverwriteIfExists;
      default:
        return route::AppendAction::kAppend;
    }
  }

  void CompileFormats(Mutations& made) {
    for (const route::FormatString& format : parts_.formats) {
      auto compiled = access_log::Formatter::Compile(format.text,
                                                     {.omit_empty_values = true, .extensions = {}});
      if (compiled.ok()) {
        made.formats.push_back(*std::move(compiled));
      } else {
        errors_.Add(Path(format.path), std::string(compiled.status().message()));
      }
    }
  }

  const Path path_;
  Errors& errors_;
  route::RouteTableParts parts_;  // Of which only the formats are used.
  route::Compilation compilation_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config, const Path& path,
                                           Errors& errors) {
  v3::HeaderMutationPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Mutations>(
      Compiler(path.Field("mutations"), errors).Compile(proto.mutations()));
}

}  // namespace

const route::OverrideKind kHeaderMutationOverride{
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateHeaderMutation(const google::protobuf::Any& config,
                                                            const Path& path, Errors& errors) {
  v3::HeaderMutation proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Mutations own = Compiler(path.Field("mutations"), errors).Compile(proto.mutations());
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(own), proto.most_specific_header_mutations_wins());
}

}  // namespace proxenos::filters::header_mutation
