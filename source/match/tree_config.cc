// Lists, maps and predicates of a matcher.
#include "source/match/tree_config.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/matching/input_matchers/consistent_hashing/v3/consistent_hashing.pb.h"
#include "envoy/extensions/matching/input_matchers/ip/v3/ip.pb.h"
#include "envoy/extensions/matching/input_matchers/metadata/v3/metadata.pb.h"
#include "source/config/typed_config.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher_config.h"
#include "xds/type/matcher/v3/ip.pb.h"

namespace proxenos::match {
namespace {

using config::Errors;
using config::Path;
using Proto = xds::type::matcher::v3::Matcher;
using PredicateProto = Proto::MatcherList::Predicate;
using Extension = xds::core::v3::TypedExtensionConfig;
using OnMatch = MatchTree::OnMatch;
using IpMatcher = xds::type::matcher::v3::IPMatcher;

constexpr std::string_view kCelMatcher = "xds.type.matcher.v3.CelMatcher";

using TextProto = xds::type::matcher::v3::StringMatcher;

std::optional<StringMatcher> CompileText(const TextProto& proto, Errors& errors, const Path& path) {
  // The messages of both APIs have the same fields.
  envoy::type::matcher::v3::StringMatcher same;
  switch (proto.match_pattern_case()) {
    case TextProto::kExact:
      same.set_exact(proto.exact());
      break;
    case TextProto::kPrefix:
      same.set_prefix(proto.prefix());
      break;
    case TextProto::kSuffix:
      same.set_suffix(proto.suffix());
      break;
    case TextProto::kContains:
      same.set_contains(proto.contains());
      break;
    case TextProto::kSafeRegex:
      same.mutable_safe_regex()->set_regex(proto.safe_regex().regex());
      break;
    default:
      errors.Add(path, "expected one of exact, prefix, suffix, contains, safe_regex");
      return std::nullopt;
  }
  same.set_ignore_case(proto.ignore_case());
  return CompileStringMatcher(same, errors, path);
}

std::optional<Predicate::Key> KeyOf(const TextProto& proto, uint32_t input) {
  const bool prefix = proto.match_pattern_case() == TextProto::kPrefix;
  if (!prefix && proto.match_pattern_case() != TextProto::kExact) return std::nullopt;
  const std::string& text = prefix ? proto.prefix() : proto.exact();
  return Predicate::Key{input, prefix, proto.ignore_case(),
                        proto.ignore_case() ? absl::AsciiStrToLower(text) : text};
}

class TreeCompiler {
 public:
  TreeCompiler(InputCompiler inputs, ActionCompiler actions, Errors& errors)
      : inputs_(inputs), actions_(actions), errors_(errors) {}

  std::optional<MatchTree> Compile(const Proto& proto, const Path& path);

 private:
  using MaybePredicate = std::optional<Predicate>;
  // Each is nothing, with an error, where something in it is wrong.
  std::optional<OnMatch> Compile(const Proto::OnMatch& proto, const Path& path);
  MaybePredicate Compile(const PredicateProto& proto, const Path& path);
  MaybePredicate CompileSingle(const PredicateProto::SinglePredicate& proto, const Path& path);
  MaybePredicate CompileCustom(const CompiledInput& input, const Extension& proto,
                               const Path& path);
  MaybePredicate CompileRanges(const CompiledInput& input, const google::protobuf::Any& any,
                               const Path& path);
  MaybePredicate CompileMetadata(const CompiledInput& input, const google::protobuf::Any& any,
                                 const Path& path);
  MaybePredicate CompileShare(const CompiledInput& input, const google::protobuf::Any& any,
                              const Path& path);
  std::optional<std::vector<Predicate>> CompileEach(const PredicateProto::PredicateList& proto,
                                                    const Path& path);
  std::unique_ptr<const MatchTree::Map> Compile(const Proto::MatcherTree& proto, const Path& path);
  std::unique_ptr<const MatchTree::RangeMap> CompileRangeMap(const Extension& proto,
                                                             const Path& path);
  bool AddRanges(const IpMatcher::IPRangeMatcher& proto, uint32_t number, IpRanges& to,
                 const Path& path);

  const InputCompiler inputs_;
  const ActionCompiler actions_;
  Errors& errors_;
};

std::optional<OnMatch> TreeCompiler::Compile(const Proto::OnMatch& proto, const Path& path) {
  if (proto.has_matcher()) {
    auto tree = Compile(proto.matcher(), path.Field("matcher"));
    if (!tree) return std::nullopt;
    return OnMatch{0, std::make_unique<const MatchTree>(*std::move(tree)), proto.keep_matching()};
  }
  if (!proto.has_action()) {
    errors_.Add(path, "expected matcher or action");
    return std::nullopt;
  }
  const auto action =
      actions_(proto.action().typed_config(), path.Field("action").Field("typed_config"));
  if (!action) return std::nullopt;
  return OnMatch{*action, nullptr, proto.keep_matching()};
}

std::optional<Predicate> TreeCompiler::CompileMetadata(const CompiledInput& input,
                                                       const google::protobuf::Any& any,
                                                       const Path& path) {
  envoy::extensions::matching::input_matchers::metadata::v3::Metadata proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
  auto value = CompileValueMatcher(proto.value(), errors_, path.Field("value"));
  if (!value) return std::nullopt;
  return Predicate::Metadata(input.number, *std::move(value), proto.invert());
}

std::optional<Predicate> TreeCompiler::CompileRanges(const CompiledInput& input,
                                                     const google::protobuf::Any& any,
                                                     const Path& path) {
  envoy::extensions::matching::input_matchers::ip::v3::Ip proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
  if (!input.is_address) {
    errors_.Add(path, "expected an input that is an address");
    return std::nullopt;
  }
  IpSet ranges;
  bool good = true;
  for (int i = 0; i < proto.cidr_ranges_size(); ++i) {
    const auto& range = proto.cidr_ranges(i);
    if (ranges.Add(range.address_prefix(), range.prefix_len().value())) continue;
    good = false;
    errors_.AddValue(path.Field("cidr_ranges").Index(static_cast<size_t>(i)),
                     range.address_prefix(), "an IP address and no more bits than it has");
  }
  if (!good) return std::nullopt;
  return Predicate::Ranges(input.number, std::move(ranges));
}

std::optional<Predicate> TreeCompiler::CompileShare(const CompiledInput& input,
                                                    const google::protobuf::Any& any,
                                                    const Path& path) {
  envoy::extensions::matching::input_matchers::consistent_hashing::v3::ConsistentHashing proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
  if (proto.modulo() == 0) {
    errors_.Add(path.Field("modulo"), "must be greater than 0");
    return std::nullopt;
  }
  return Predicate::HashShare(input.number, {proto.seed(), proto.modulo(), proto.threshold()});
}

std::optional<Predicate> TreeCompiler::CompileCustom(const CompiledInput& input,
                                                     const Extension& proto, const Path& path) {
  namespace matchers = envoy::extensions::matching::input_matchers;
  const std::string type = config::TypedConfigType(proto.typed_config());
  const Path at = path.Field("typed_config");
  const bool metadata = type == matchers::metadata::v3::Metadata::descriptor()->full_name();
  if (metadata != input.metadata) {
    errors_.Add(at, "dynamic metadata are matched by input_matchers.metadata, and only they");
    return std::nullopt;
  }
  if ((type == kCelMatcher) != input.attributes) {
    errors_.Add(at, "attributes are matched by CelMatcher, and only they");
    return std::nullopt;
  }
  if (input.attributes) {
    const auto holds = inputs_(proto, path);
    if (!holds) return std::nullopt;
    return Predicate::Text(holds->number, StringMatcher(StringMatcher::Kind::kExact, "true", false),
                           std::nullopt);
  }
  if (metadata) return CompileMetadata(input, proto.typed_config(), at);
  if (type == matchers::ip::v3::Ip::descriptor()->full_name()) {
    return CompileRanges(input, proto.typed_config(), at);
  }
  if (type == matchers::consistent_hashing::v3::ConsistentHashing::descriptor()->full_name()) {
    return CompileShare(input, proto.typed_config(), at);
  }
  errors_.Add(at, absl::StrCat("'", type, "' is not implemented by proxenos: write a value_match"));
  return std::nullopt;
}

std::optional<Predicate> TreeCompiler::CompileSingle(const PredicateProto::SinglePredicate& proto,
                                                     const Path& path) {
  const auto input = inputs_(proto.input(), path.Field("input"));
  if (!input) return std::nullopt;
  if (proto.has_custom_match()) {
    return CompileCustom(*input, proto.custom_match(), path.Field("custom_match"));
  }
  if (input->attributes) {
    errors_.Add(path, "attributes need a custom_match of xds.type.matcher.v3.CelMatcher");
    return std::nullopt;
  }
  if (input->metadata) {
    errors_.Add(path, "dynamic metadata need a custom_match of input_matchers.metadata");
    return std::nullopt;
  }
  auto text = CompileText(proto.value_match(), errors_, path.Field("value_match"));
  if (!text) return std::nullopt;
  return Predicate::Text(input->number, *std::move(text),
                         KeyOf(proto.value_match(), input->number));
}

std::optional<std::vector<Predicate>> TreeCompiler::CompileEach(
    const PredicateProto::PredicateList& proto, const Path& path) {
  std::vector<Predicate> each;
  for (int i = 0; i < proto.predicate_size(); ++i) {
    auto one = Compile(proto.predicate(i), path.Field("predicate").Index(static_cast<size_t>(i)));
    if (one) each.push_back(*std::move(one));
  }
  if (each.size() != static_cast<size_t>(proto.predicate_size())) return std::nullopt;
  return each;
}

std::optional<Predicate> TreeCompiler::Compile(const PredicateProto& proto, const Path& path) {
  switch (proto.match_type_case()) {
    case PredicateProto::kSinglePredicate:
      return CompileSingle(proto.single_predicate(), path.Field("single_predicate"));
    case PredicateProto::kOrMatcher: {
      auto each = CompileEach(proto.or_matcher(), path.Field("or_matcher"));
      if (!each) return std::nullopt;
      return Predicate::OneOf(*std::move(each));
    }
    case PredicateProto::kAndMatcher: {
      auto each = CompileEach(proto.and_matcher(), path.Field("and_matcher"));
      if (!each) return std::nullopt;
      return Predicate::All(*std::move(each));
    }
    case PredicateProto::kNotMatcher: {
      auto one = Compile(proto.not_matcher(), path.Field("not_matcher"));
      if (!one) return std::nullopt;
      return Predicate::Not(*std::move(one));
    }
    case PredicateProto::MATCH_TYPE_NOT_SET:
      break;
  }
  errors_.Add(path, "expected a predicate");
  return std::nullopt;
}

std::unique_ptr<const MatchTree::Map> TreeCompiler::Compile(const Proto::MatcherTree& proto,
                                                            const Path& path) {
  const auto input = inputs_(proto.input(), path.Field("input"));
  auto tree = std::make_unique<MatchTree::Map>();
  tree->prefixes = proto.has_prefix_match_map();
  if (proto.tree_type_case() == Proto::MatcherTree::TREE_TYPE_NOT_SET) {
    errors_.Add(path, "expected exact_match_map, prefix_match_map or custom_match");
    return nullptr;
  }
  if (input && (input->metadata || input->attributes)) {
    errors_.Add(path.Field("input"), "metadata and attributes are no text: write a matcher_list");
    return nullptr;
  }
  if (proto.has_custom_match()) {
    tree->by_range = CompileRangeMap(proto.custom_match(), path.Field("custom_match"));
    if (!input || tree->by_range == nullptr) return nullptr;
    tree->input = input->number;
    return tree;
  }
  const Path at = path.Field(tree->prefixes ? "prefix_match_map" : "exact_match_map").Field("map");
  const auto& map = tree->prefixes ? proto.prefix_match_map().map() : proto.exact_match_map().map();
  for (const auto& [text, on_match] : map) {
    auto compiled = Compile(on_match, at.Key(text));
    if (!compiled) continue;
    tree->entries.emplace(text, *std::move(compiled));
    tree->lengths.push_back(text.size());
  }
  if (!input || tree->entries.size() != map.size()) return nullptr;
  tree->input = input->number;
  std::sort(tree->lengths.begin(), tree->lengths.end(), std::greater<>());
  tree->lengths.erase(std::unique(tree->lengths.begin(), tree->lengths.end()), tree->lengths.end());
  return tree;
}

bool TreeCompiler::AddRanges(const IpMatcher::IPRangeMatcher& proto, uint32_t number, IpRanges& to,
                             const Path& path) {
  bool good = proto.ranges_size() != 0;
  if (!good) errors_.Add(path.Field("ranges"), "expected at least one");
  for (int i = 0; i < proto.ranges_size(); ++i) {
    const auto& range = proto.ranges(i);
    if (to.Add(range.address_prefix(), range.prefix_len().value(), number)) continue;
    good = false;
    errors_.AddValue(path.Field("ranges").Index(static_cast<size_t>(i)), range.address_prefix(),
                     "an IP address and no more bits than it has");
  }
  return good;
}

std::unique_ptr<const MatchTree::RangeMap> TreeCompiler::CompileRangeMap(const Extension& extension,
                                                                         const Path& path) {
  const Path at = path.Field("typed_config");
  const std::string type = config::TypedConfigType(extension.typed_config());
  if (type != IpMatcher::descriptor()->full_name()) {
    errors_.AddValue(at, type, "a tree that proxenos implements (xds.type.matcher.v3.IPMatcher)");
    return nullptr;
  }
  IpMatcher proto;
  if (!config::UnpackTypedConfigTo(extension.typed_config(), proto, at, errors_)) return nullptr;
  if (proto.range_matchers_size() == 0) {
    errors_.Add(at.Field("range_matchers"), "expected at least one");
    return nullptr;
  }
  auto map = std::make_unique<MatchTree::RangeMap>();
  bool good = true;
  for (int i = 0; i < proto.range_matchers_size(); ++i) {
    const auto& matcher = proto.range_matchers(i);
    const Path one = at.Field("range_matchers").Index(static_cast<size_t>(i));
    auto on_match = Compile(matcher.on_match(), one.Field("on_match"));
    good = AddRanges(matcher, static_cast<uint32_t>(i), map->ranges, one) && good && on_match;
    if (on_match) map->entries.push_back({*std::move(on_match), matcher.exclusive()});
  }
  if (!good) return nullptr;
  return map;
}

std::optional<MatchTree> TreeCompiler::Compile(const Proto& proto, const Path& path) {
  const size_t before = errors_.count();
  std::vector<MatchTree::Entry> list;
  const auto& matchers = proto.matcher_list().matchers();
  for (int i = 0; i < matchers.size(); ++i) {
    const Path at = path.Field("matcher_list").Field("matchers").Index(static_cast<size_t>(i));
    auto predicate = Compile(matchers[i].predicate(), at.Field("predicate"));
    auto on_match = Compile(matchers[i].on_match(), at.Field("on_match"));
    if (predicate && on_match) list.push_back({*std::move(predicate), *std::move(on_match)});
  }
  std::unique_ptr<const MatchTree::Map> map;
  if (proto.has_matcher_tree()) map = Compile(proto.matcher_tree(), path.Field("matcher_tree"));
  std::optional<OnMatch> otherwise;
  if (proto.has_on_no_match()) otherwise = Compile(proto.on_no_match(), path.Field("on_no_match"));
  if (errors_.count() != before) return std::nullopt;
  return MatchTree(std::move(list), std::move(map), std::move(otherwise));
}

}  // namespace

std::optional<MatchTree> CompileMatchTree(const Proto& proto, InputCompiler inputs,
                                          ActionCompiler actions, const Path& path,
                                          Errors& errors) {
  return TreeCompiler(inputs, actions, errors).Compile(proto, path);
}

Proto ToXdsMatcher(const envoy::config::common::matcher::v3::Matcher& proto) {
  Proto same;
  same.ParseFromString(proto.SerializeAsString());
  return same;
}

}  // namespace proxenos::match
