// Inputs, type by type.
#include "source/filter/matcher_tree_config.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/matching/common_inputs/environment_variable/v3/input.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "source/cel/expression_config.h"
#include "source/config/typed_config.h"
#include "xds/type/matcher/v3/cel.pb.h"
#include "xds/type/matcher/v3/http_inputs.pb.h"

namespace proxenos::filter {
namespace {

using Kind = TreeInput::Kind;
using Extension = xds::core::v3::TypedExtensionConfig;
namespace network = envoy::extensions::matching::common_inputs::network::v3;
namespace http_inputs = envoy::type::matcher::v3;
namespace cel_matchers = xds::type::matcher::v3;

struct PlainInput {
  const char* type;
  Kind kind;
  bool response = false;
};
constexpr PlainInput kPlainInputs[] = {
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput", Kind::kDestinationIp},
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
     Kind::kDestinationPort},
    {"envoy.extensions.matching.common_inputs.network.v3.SourceIPInput", Kind::kSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.SourcePortInput", Kind::kSourcePort},
    {"envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput",
     Kind::kDirectSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.SourceTypeInput", Kind::kSourceType},
    {"envoy.extensions.matching.common_inputs.network.v3.ServerNameInput", Kind::kServerName},
    {"envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", Kind::kUriSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput", Kind::kDnsSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput", Kind::kSubject},
    {"envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput", Kind::kStatus, true},
    {"envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput", Kind::kStatusClass, true},
    {"envoy.type.matcher.v3.HttpResponseLocalReplyMatchInput", Kind::kLocalReply, true},
};

class InputList {
 public:
  InputList(MatchTime time, config::Errors& errors) : time_(time), errors_(errors) {}

  std::optional<match::CompiledInput> Add(const Extension& proto, const config::Path& path) {
    match::CompiledInput compiled;
    compiled.attributes = IsAttributes(proto.typed_config());
    if (compiled.attributes) {
      if (!OfRequest(path.Field("typed_config"))) return std::nullopt;
      return compiled;  // Read by expressions, each of which is an input of its own.
    }
    auto input = Compile(proto.typed_config(), path.Field("typed_config"));
    if (!input) return std::nullopt;
    compiled.metadata = input->kind == Kind::kMetadata;
    compiled.is_address =
        input->IsAddress() || input->kind == Kind::kHeader || input->kind == Kind::kFilterState;
    const auto known = std::find(inputs_.begin(), inputs_.end(), *input);
    compiled.number = static_cast<uint32_t>(known - inputs_.begin());
    if (known == inputs_.end()) inputs_.push_back(*std::move(input));
    return compiled;
  }
  std::vector<TreeInput> Take() { return std::move(inputs_); }

 private:
  using Any = google::protobuf::Any;

  static bool IsAttributes(const Any& any) {
    return config::TypedConfigType(any) ==
           cel_matchers::HttpAttributesCelMatchInput::descriptor()->full_name();
  }

  std::optional<TreeInput> Compile(const Any& any, const config::Path& path) {
    const std::string type = config::TypedConfigType(any);
    for (const PlainInput& plain : kPlainInputs) {
      if (type != plain.type) continue;
      if (plain.response && !OfResponse(path)) return std::nullopt;
      return TreeInput{plain.kind};
    }
    using Maker = std::optional<TreeInput> (InputList::*)(const Any&, const config::Path&);
    static constexpr std::pair<const char*, Maker> kMakers[] = {
        {"envoy.type.matcher.v3.HttpRequestHeaderMatchInput", &InputList::RequestHeader},
        {"envoy.type.matcher.v3.HttpRequestQueryParamMatchInput", &InputList::QueryParameter},
        {"envoy.type.matcher.v3.HttpResponseHeaderMatchInput", &InputList::ResponseHeader},
        {"envoy.extensions.matching.common_inputs.network.v3.FilterStateInput", &InputList::State},
        {"envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput",
         &InputList::Metadata},
        {"envoy.extensions.matching.common_inputs.environment_variable.v3.Config",
         &InputList::EnvironmentVariable},
        {"xds.type.matcher.v3.CelMatcher", &InputList::Expression},
    };
    for (const auto& [known, maker] : kMakers) {
      if (type == known) return (this->*maker)(any, path);
    }
    errors_.Add(path, absl::StrCat("'", type, "' is not an input that proxenos knows here"));
    return std::nullopt;
  }

  bool OfRequest(const config::Path& path) {
    if (time_ != MatchTime::kConnection) return true;
    errors_.Add(path, "a connection has no headers: write this in the HTTP filter of that name");
    return false;
  }
  bool OfResponse(const config::Path& path) {
    if (time_ == MatchTime::kResponse) return true;
    errors_.Add(path, "there is no response yet when this is asked");
    return false;
  }
  std::optional<TreeInput> RequestHeader(const Any& any, const config::Path& path) {
    http_inputs::HttpRequestHeaderMatchInput proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_) || !OfRequest(path)) {
      return std::nullopt;
    }
    route::FieldName header(proto.header_name());
    std::string name = header.name();
    return TreeInput{Kind::kHeader, std::move(name), {}, std::move(header)};
  }
  std::optional<TreeInput> QueryParameter(const Any& any, const config::Path& path) {
    http_inputs::HttpRequestQueryParamMatchInput proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_) || !OfRequest(path)) {
      return std::nullopt;
    }
    return TreeInput{Kind::kQueryParameter, proto.query_param()};
  }
  std::optional<TreeInput> ResponseHeader(const Any& any, const config::Path& path) {
    http_inputs::HttpResponseHeaderMatchInput proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_) || !OfResponse(path)) {
      return std::nullopt;
    }
    return TreeInput{Kind::kResponseHeader, absl::AsciiStrToLower(proto.header_name())};
  }
  std::optional<TreeInput> State(const Any& any, const config::Path& path) {
    network::FilterStateInput proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
    return TreeInput{Kind::kFilterState, proto.key()};
  }
  std::optional<TreeInput> Metadata(const Any& any, const config::Path& path) {
    network::DynamicMetadataInput proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
    TreeInput input{Kind::kMetadata, proto.filter()};
    for (const auto& segment : proto.path()) input.path.push_back(segment.key());
    return input;
  }
  // It does not change while the process lives.
  std::optional<TreeInput> EnvironmentVariable(const Any& any, const config::Path& path) {
    envoy::extensions::matching::common_inputs::environment_variable::v3::Config proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
    const char* value = std::getenv(proto.name().c_str());
    return TreeInput{Kind::kConstant, value == nullptr ? std::string() : std::string(value)};
  }

  std::optional<TreeInput> Expression(const Any& any, const config::Path& path) {
    cel_matchers::CelMatcher proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
    const cel::Phase latest =
        time_ == MatchTime::kResponse ? cel::Phase::kResponse : cel::Phase::kRequest;
    auto expression = cel::CompileXds(proto.expr_match(), cel::Options(), latest,
                                      path.Field("expr_match"), errors_);
    if (expression == nullptr) return std::nullopt;
    TreeInput input{Kind::kExpression};
    input.expression = std::move(expression);
    return input;
  }

  const MatchTime time_;
  config::Errors& errors_;
  std::vector<TreeInput> inputs_;
};

}  // namespace

std::optional<MatcherTree> CompileMatcherTree(const xds::type::matcher::v3::Matcher& proto,
                                              MatchTime time, match::ActionCompiler actions,
                                              const config::Path& path, config::Errors& errors) {
  InputList inputs(time, errors);
  auto tree = match::CompileMatchTree(
      proto,
      [&inputs](const Extension& input, const config::Path& at) { return inputs.Add(input, at); },
      actions, path, errors);
  if (!tree) return std::nullopt;
  return MatcherTree(inputs.Take(), *std::move(tree));
}

}  // namespace proxenos::filter
