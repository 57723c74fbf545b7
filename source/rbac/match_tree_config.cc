// Lists, maps, predicates, inputs and actions of a matcher.
#include "source/rbac/match_tree_config.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs.pb.h"
#include "envoy/extensions/matching/input_matchers/ip/v3/ip.pb.h"
#include "envoy/extensions/matching/input_matchers/metadata/v3/metadata.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "source/config/typed_config.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher_config.h"

namespace proxenos::rbac {
namespace {

using config::Errors;
using config::Path;
using Proto = xds::type::matcher::v3::Matcher;
using Predicate = Proto::MatcherList::Predicate;
using Extension = xds::core::v3::TypedExtensionConfig;
using OnMatch = MatchTree::OnMatch;

struct PlainInput {
  const char* type;
  Input::Kind kind;
};
constexpr PlainInput kPlainInputs[] = {
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput",
     Input::Kind::kDestinationIp},
    {"envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
     Input::Kind::kDestinationPort},
    {"envoy.extensions.matching.common_inputs.network.v3.SourceIPInput", Input::Kind::kSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.SourcePortInput",
     Input::Kind::kSourcePort},
    {"envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput",
     Input::Kind::kDirectSourceIp},
    {"envoy.extensions.matching.common_inputs.network.v3.ServerNameInput",
     Input::Kind::kServerName},
    {"envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", Input::Kind::kUriSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput", Input::Kind::kDnsSan},
    {"envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput", Input::Kind::kSubject},
};

bool IsIp(Input::Kind kind) {
  return kind == Input::Kind::kDestinationIp || kind == Input::Kind::kSourceIp ||
         kind == Input::Kind::kDirectSourceIp;
}

std::optional<match::StringMatcher> CompileText(const xds::type::matcher::v3::StringMatcher& proto,
                                                Errors& errors, const Path& path) {
  using In = xds::type::matcher::v3::StringMatcher;
  // The messages of both APIs have the same fields.
  envoy::type::matcher::v3::StringMatcher same;
  switch (proto.match_pattern_case()) {
    case In::kExact:
      same.set_exact(proto.exact());
      break;
    case In::kPrefix:
      same.set_prefix(proto.prefix());
      break;
    case In::kSuffix:
      same.set_suffix(proto.suffix());
      break;
    case In::kContains:
      same.set_contains(proto.contains());
      break;
    case In::kSafeRegex:
      same.mutable_safe_regex()->set_regex(proto.safe_regex().regex());
      break;
    default:
      errors.Add(path, "expected one of exact, prefix, suffix, contains, safe_regex");
      return std::nullopt;
  }
  same.set_ignore_case(proto.ignore_case());
  return match::CompileStringMatcher(same, errors, path);
}

class TreeCompiler {
 public:
  TreeCompiler(Subject subject, Errors& errors, ActionCompiler action)
      : subject_(subject), errors_(errors), action_(action) {}

  std::optional<MatchTree> Compile(const Proto& proto, const Path& path);

 private:
  // Each is nothing, with an error, where something in it is wrong.
  std::optional<OnMatch> Compile(const Proto::OnMatch& proto, const Path& path);
  std::optional<Condition> Compile(const Predicate& proto, const Path& path);
  std::optional<Condition> CompileSingle(const Predicate::SinglePredicate& proto, const Path& path);
  std::optional<Condition> CompileMetadata(const Predicate::SinglePredicate& proto,
                                           const Path& path);
  std::optional<Condition> CompileRanges(const Input& input, const Extension& custom,
                                         const Path& path);
  std::optional<std::vector<Condition>> CompileEach(const Predicate::PredicateList& proto,
                                                    const Path& path);
  std::optional<Input> CompileInput(const Extension& proto, const Path& path);
  std::unique_ptr<const MatchTree::ByText> Compile(const Proto::MatcherTree& proto,
                                                   const Path& path);

  const Subject subject_;
  Errors& errors_;
  const ActionCompiler action_;
};

std::optional<OnMatch> TreeCompiler::Compile(const Proto::OnMatch& proto, const Path& path) {
  if (proto.has_matcher()) {
    auto tree = Compile(proto.matcher(), path.Field("matcher"));
    if (!tree) return std::nullopt;
    return OnMatch{0, std::make_unique<const MatchTree>(*std::move(tree))};
  }
  if (!proto.has_action()) {
    errors_.Add(path, "expected matcher or action");
    return std::nullopt;
  }
  const auto action =
      action_(proto.action().typed_config(), path.Field("action").Field("typed_config"));
  if (!action) return std::nullopt;
  return OnMatch{*action};
}

std::optional<Input> TreeCompiler::CompileInput(const Extension& proto, const Path& path) {
  const Path at = path.Field("typed_config");
  const std::string type = config::TypedConfigType(proto.typed_config());
  for (const PlainInput& plain : kPlainInputs) {
    if (type == plain.type) return Input{plain.kind};
  }
  envoy::type::matcher::v3::HttpRequestHeaderMatchInput header;
  if (type == header.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto.typed_config(), header, at, errors_)) {
      return std::nullopt;
    }
    if (subject_ != Subject::kConnection) {
      return Input{Input::Kind::kHeader, route::FieldName(header.header_name())};
    }
    errors_.Add(at,
                "a connection has no headers: write this in the HTTP "
                "filter of that name");
    return std::nullopt;
  }
  if (subject_ == Subject::kResponse) {
    if (type == "envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput") {
      return Input{Input::Kind::kStatus};
    }
    if (type == "envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput") {
      return Input{Input::Kind::kStatusClass};
    }
    envoy::type::matcher::v3::HttpResponseHeaderMatchInput field;
    if (type == field.GetTypeName()) {
      if (!config::UnpackTypedConfigTo(proto.typed_config(), field, at, errors_)) {
        return std::nullopt;
      }
      return Input{Input::Kind::kResponseHeader, {}, absl::AsciiStrToLower(field.header_name())};
    }
  }
  envoy::extensions::matching::common_inputs::network::v3::FilterStateInput state;
  if (type == state.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto.typed_config(), state, at, errors_)) {
      return std::nullopt;
    }
    return Input{Input::Kind::kFilterState, {}, state.key()};
  }
  errors_.Add(at, absl::StrCat("'", type, "' is not an input that proxenos knows here"));
  return std::nullopt;
}

// Metadata are no text: they have an input and a matcher of their own.
std::optional<Condition> TreeCompiler::CompileMetadata(const Predicate::SinglePredicate& proto,
                                                       const Path& path) {
  envoy::extensions::matching::common_inputs::network::v3::DynamicMetadataInput input;
  envoy::extensions::matching::input_matchers::metadata::v3::Metadata matcher;
  if (!config::UnpackTypedConfigTo(proto.input().typed_config(), input,
                                   path.Field("input").Field("typed_config"), errors_) ||
      !config::UnpackTypedConfigTo(proto.custom_match().typed_config(), matcher,
                                   path.Field("custom_match").Field("typed_config"), errors_)) {
    return std::nullopt;
  }
  auto value = match::CompileValueMatcher(
      matcher.value(), errors_, path.Field("custom_match").Field("typed_config").Field("value"));
  if (!value) return std::nullopt;
  match::MetadataMatcher compiled{{input.filter()}, *std::move(value), matcher.invert()};
  for (const auto& segment : input.path()) compiled.path.push_back(segment.key());
  return Condition::Metadata(std::move(compiled), /*of_route=*/false);
}

std::optional<Condition> TreeCompiler::CompileRanges(const Input& input, const Extension& custom,
                                                     const Path& path) {
  const Path at = path.Field("typed_config");
  envoy::extensions::matching::input_matchers::ip::v3::Ip proto;
  if (!config::UnpackTypedConfigTo(custom.typed_config(), proto, at, errors_)) return std::nullopt;
  if (!IsIp(input.kind) && input.kind != Input::Kind::kHeader &&
      input.kind != Input::Kind::kFilterState) {
    errors_.Add(path, "expected an input that is an address");
    return std::nullopt;
  }
  std::vector<match::IpRange> ranges;
  for (int i = 0; i < proto.cidr_ranges_size(); ++i) {
    const auto& range = proto.cidr_ranges(i);
    const auto parsed = match::IpRange::Parse(range.address_prefix(), range.prefix_len().value());
    if (parsed) {
      ranges.push_back(*parsed);
    } else {
      errors_.AddValue(at.Field("cidr_ranges").Index(static_cast<size_t>(i)),
                       range.address_prefix(), "an IP address and no more bits than it has");
    }
  }
  if (ranges.size() != static_cast<size_t>(proto.cidr_ranges_size())) return std::nullopt;
  return Condition::InRanges(input, ranges);
}

std::optional<Condition> TreeCompiler::CompileSingle(const Predicate::SinglePredicate& proto,
                                                     const Path& path) {
  envoy::extensions::matching::common_inputs::network::v3::DynamicMetadataInput metadata;
  if (proto.has_custom_match() &&
      config::TypedConfigType(proto.input().typed_config()) == metadata.GetTypeName()) {
    return CompileMetadata(proto, path);
  }
  auto input = CompileInput(proto.input(), path.Field("input"));
  if (!input) return std::nullopt;
  if (proto.has_custom_match()) {
    return CompileRanges(*input, proto.custom_match(), path.Field("custom_match"));
  }
  auto text = CompileText(proto.value_match(), errors_, path.Field("value_match"));
  if (!text) return std::nullopt;
  return Condition::Text(*std::move(input), *std::move(text));
}

std::optional<std::vector<Condition>> TreeCompiler::CompileEach(
    const Predicate::PredicateList& proto, const Path& path) {
  std::vector<Condition> each;
  for (int i = 0; i < proto.predicate_size(); ++i) {
    auto one = Compile(proto.predicate(i), path.Field("predicate").Index(static_cast<size_t>(i)));
    if (one) each.push_back(*std::move(one));
  }
  if (each.size() != static_cast<size_t>(proto.predicate_size())) return std::nullopt;
  return each;
}

std::optional<Condition> TreeCompiler::Compile(const Predicate& proto, const Path& path) {
  switch (proto.match_type_case()) {
    case Predicate::kSinglePredicate:
      return CompileSingle(proto.single_predicate(), path.Field("single_predicate"));
    case Predicate::kOrMatcher: {
      auto each = CompileEach(proto.or_matcher(), path.Field("or_matcher"));
      if (!each) return std::nullopt;
      return Condition::OneOf(*std::move(each));
    }
    case Predicate::kAndMatcher: {
      auto each = CompileEach(proto.and_matcher(), path.Field("and_matcher"));
      if (!each) return std::nullopt;
      return Condition::All(*std::move(each));
    }
    case Predicate::kNotMatcher: {
      auto one = Compile(proto.not_matcher(), path.Field("not_matcher"));
      if (!one) return std::nullopt;
      return Condition::Not(*std::move(one));
    }
    case Predicate::MATCH_TYPE_NOT_SET:
      break;
  }
  errors_.Add(path, "expected a predicate");
  return std::nullopt;
}

std::unique_ptr<const MatchTree::ByText> TreeCompiler::Compile(const Proto::MatcherTree& proto,
                                                               const Path& path) {
  auto input = CompileInput(proto.input(), path.Field("input"));
  auto tree = std::make_unique<MatchTree::ByText>();
  tree->prefixes = proto.has_prefix_match_map();
  if (!tree->prefixes && !proto.has_exact_match_map()) {
    errors_.Add(path, "expected exact_match_map or prefix_match_map");
    return nullptr;
  }
  const Path at = path.Field(tree->prefixes ? "prefix_match_map" : "exact_match_map").Field("map");
  const auto& map = tree->prefixes ? proto.prefix_match_map().map() : proto.exact_match_map().map();
  for (const auto& [text, on_match] : map) {
    auto compiled = Compile(on_match, at.Key(text));
    if (!compiled) continue;
    tree->map.emplace(text, *std::move(compiled));
    tree->lengths.push_back(text.size());
  }
  if (!input || tree->map.size() != map.size()) return nullptr;
  tree->input = *std::move(input);
  std::sort(tree->lengths.begin(), tree->lengths.end(), std::greater<>());
  tree->lengths.erase(std::unique(tree->lengths.begin(), tree->lengths.end()), tree->lengths.end());
  return tree;
}

std::optional<MatchTree> TreeCompiler::Compile(const Proto& proto, const Path& path) {
  const size_t before = errors_.count();
  std::vector<MatchTree::Entry> list;
  const auto& matchers = proto.matcher_list().matchers();
  for (int i = 0; i < matchers.size(); ++i) {
    const Path at = path.Field("matcher_list").Field("matchers").Index(static_cast<size_t>(i));
    auto condition = Compile(matchers[i].predicate(), at.Field("predicate"));
    auto on_match = Compile(matchers[i].on_match(), at.Field("on_match"));
    if (condition && on_match) list.push_back({*std::move(condition), *std::move(on_match)});
  }
  std::unique_ptr<const MatchTree::ByText> by_text;
  if (proto.has_matcher_tree()) by_text = Compile(proto.matcher_tree(), path.Field("matcher_tree"));
  std::optional<OnMatch> otherwise;
  if (proto.has_on_no_match()) otherwise = Compile(proto.on_no_match(), path.Field("on_no_match"));
  if (errors_.count() != before) return std::nullopt;
  return MatchTree(std::move(list), std::move(by_text), std::move(otherwise));
}

}  // namespace

std::optional<MatchTree> CompileMatchTree(const Proto& proto, Subject subject, const Path& path,
                                          Errors& errors, ActionCompiler action) {
  return TreeCompiler(subject, errors, action).Compile(proto, path);
}

std::unique_ptr<Rules> CompileMatcher(const Proto& proto, Subject subject, const Path& path,
                                      Errors& errors) {
  std::vector<Rules::NamedAction> actions;
  const auto compile = [&](const google::protobuf::Any& any,
                           const Path& at) -> std::optional<uint32_t> {
    envoy::config::rbac::v3::Action action;
    if (!config::UnpackTypedConfigTo(any, action, at, errors)) return std::nullopt;
    Rules::NamedAction named{action.name(), ActionOf(action.action())};
    const auto known = std::find(actions.begin(), actions.end(), named);
    if (known != actions.end()) return static_cast<uint32_t>(known - actions.begin());
    actions.push_back(std::move(named));
    return static_cast<uint32_t>(actions.size() - 1);
  };
  auto tree = CompileMatchTree(proto, subject, path, errors, compile);
  if (!tree) return nullptr;
  return std::make_unique<Rules>(*std::move(tree), std::move(actions));
}

}  // namespace proxenos::rbac
