// Random trees: the compiled form against a plain walk over the message, written here without any
// of its code.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/match/tree_config.h"

namespace proxenos::match {
namespace {

using Matcher = xds::type::matcher::v3::Matcher;
using PredicateProto = Matcher::MatcherList::Predicate;
using TextProto = xds::type::matcher::v3::StringMatcher;
using State = Found::State;
using Answer = Predicate::Answer;

constexpr uint32_t kInputs = 3;

// The values of each input; nothing: still to come.
using World = std::vector<std::optional<std::vector<std::string>>>;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string Text() {
    std::string text;
    const uint64_t size = random_.Below(4);
    for (uint64_t i = 0; i < size; ++i) text.push_back("abAB,"[random_.Below(5)]);
    return text;
  }

  World Make() {
    World world(kInputs);
    for (auto& values : world) {
      if (random_.Below(8) == 0) continue;
      values.emplace();
      const uint64_t count = random_.Below(4);
      for (uint64_t i = 0; i < count; ++i) values->push_back(Text());
    }
    return world;
  }

  Matcher Tree(int depth) {
    Matcher tree;
    if (random_.Below(3) != 0) {
      const uint64_t size = 1 + random_.Below(12);
      for (uint64_t i = 0; i < size; ++i) {
        auto* entry = tree.mutable_matcher_list()->add_matchers();
        Fill(2, *entry->mutable_predicate());
        Fill(depth, *entry->mutable_on_match());
      }
    } else {
      auto& by_text = *tree.mutable_matcher_tree();
      Fill(*by_text.mutable_input());
      auto& map = random_.Below(2) == 0 ? *by_text.mutable_exact_match_map()->mutable_map()
                                        : *by_text.mutable_prefix_match_map()->mutable_map();
      const uint64_t size = 1 + random_.Below(6);
      for (uint64_t i = 0; i < size; ++i) Fill(depth, map[Text()]);
    }
    if (random_.Below(2) == 0) Fill(depth, *tree.mutable_on_no_match());
    return tree;
  }

 private:
  void Fill(xds::core::v3::TypedExtensionConfig& input) {
    input.set_name(absl::StrCat(random_.Below(kInputs)));
  }
  void Fill(int depth, Matcher::OnMatch& to) {
    to.set_keep_matching(random_.Below(6) == 0);
    if (depth > 0 && random_.Below(4) == 0) {
      *to.mutable_matcher() = Tree(depth - 1);
      return;
    }
    google::protobuf::UInt32Value number;
    number.set_value(next_action_++);
    to.mutable_action()->mutable_typed_config()->PackFrom(number);
  }
  void Fill(TextProto& text) {
    switch (random_.Below(8)) {
      case 0:
        text.set_suffix(Text());
        break;
      case 1:
        text.set_contains(Text());
        break;
      case 2:
      case 3:
        text.set_prefix(Text());
        break;
      default:
        text.set_exact(Text());
    }
    text.set_ignore_case(random_.Below(4) == 0);
  }
  void Fill(int depth, PredicateProto& to) {
    const uint64_t kind = depth == 0 ? 9 : random_.Below(10);
    if (kind == 0) return Fill(depth - 1, *to.mutable_not_matcher());
    if (kind <= 4) {
      auto& list = kind <= 2 ? *to.mutable_or_matcher() : *to.mutable_and_matcher();
      const uint64_t size = 2 + random_.Below(2);
      for (uint64_t i = 0; i < size; ++i) Fill(depth - 1, *list.add_predicate());
      return;
    }
    Fill(*to.mutable_single_predicate()->mutable_input());
    Fill(*to.mutable_single_predicate()->mutable_value_match());
  }

  base::Random random_;
  uint32_t next_action_ = 0;
};

// The plain walk.
class Oracle {
 public:
  explicit Oracle(const World& world) : world_(world) {}

  Found Find(const Matcher& tree) const {
    Found found;
    for (const auto& entry : tree.matcher_list().matchers()) {
      const Answer answer = Ask(entry.predicate());
      if (answer == Answer::kLater) return {State::kLater};
      if (answer == Answer::kYes) found = Follow(entry.on_match());
      if (found.state != State::kNothing) return found;
    }
    if (tree.has_matcher_tree()) found = FindInMap(tree.matcher_tree());
    if (found.state != State::kNothing || !tree.has_on_no_match()) return found;
    return Follow(tree.on_no_match());
  }

 private:
  const auto& ValuesOf(const xds::core::v3::TypedExtensionConfig& input) const {
    return world_[static_cast<size_t>(input.name()[0] - '0')];
  }
  Found FindInMap(const Matcher::MatcherTree& tree) const {
    const auto& values = ValuesOf(tree.input());
    if (!values) return {State::kLater};
    if (values->empty()) return {};
    const std::string text = absl::StrJoin(*values, ",");
    const bool prefixes = tree.has_prefix_match_map();
    const auto& map = prefixes ? tree.prefix_match_map().map() : tree.exact_match_map().map();
    for (size_t size = text.size() + 1; size-- > 0;) {
      const auto it = map.find(text.substr(0, size));
      const Found found = it == map.end() ? Found{} : Follow(it->second);
      if (found.state != State::kNothing || !prefixes) return found;
    }
    return {};
  }
  Found Follow(const Matcher::OnMatch& on_match) const {
    Found found{State::kAction};
    if (on_match.has_matcher()) {
      found = Find(on_match.matcher());
    } else {
      google::protobuf::UInt32Value number;
      on_match.action().typed_config().UnpackTo(&number);
      found.action = number.value();
    }
    if (on_match.keep_matching() && found.state == State::kAction) return {};
    return found;
  }
  static bool Matches(const TextProto& proto, std::string text) {
    const auto fold = [&proto](std::string one) {
      return proto.ignore_case() ? absl::AsciiStrToLower(one) : one;
    };
    text = fold(text);
    if (proto.has_exact()) return text == fold(proto.exact());
    if (proto.has_prefix()) return absl::StartsWith(text, fold(proto.prefix()));
    if (proto.has_suffix()) return absl::EndsWith(text, fold(proto.suffix()));
    return absl::StrContains(text, fold(proto.contains()));
  }
  Answer AskSingle(const PredicateProto::SinglePredicate& proto) const {
    const auto& values = ValuesOf(proto.input());
    if (!values) return Answer::kLater;
    bool any = !values->empty() && Matches(proto.value_match(), absl::StrJoin(*values, ","));
    for (const std::string& one : *values) any |= Matches(proto.value_match(), one);
    return any ? Answer::kYes : Answer::kNo;
  }
  Answer Ask(const PredicateProto& proto) const {
    if (proto.has_single_predicate()) return AskSingle(proto.single_predicate());
    if (proto.has_not_matcher()) {
      const Answer answer = Ask(proto.not_matcher());
      if (answer == Answer::kLater) return answer;
      return answer == Answer::kYes ? Answer::kNo : Answer::kYes;
    }
    const bool all = proto.has_and_matcher();
    int yes = 0;
    int later = 0;
    const auto& list = all ? proto.and_matcher() : proto.or_matcher();
    for (const auto& child : list.predicate()) {
      const Answer answer = Ask(child);
      yes += answer == Answer::kYes;
      later += answer == Answer::kLater;
    }
    if (all && yes + later < list.predicate_size()) return Answer::kNo;
    if (all) return later > 0 ? Answer::kLater : Answer::kYes;
    if (yes > 0) return Answer::kYes;
    return later > 0 ? Answer::kLater : Answer::kNo;
  }

  const World& world_;
};

std::optional<MatchTree> Compile(const Matcher& proto) {
  config::Errors errors;
  auto tree = CompileMatchTree(
      proto,
      [](const xds::core::v3::TypedExtensionConfig& input, const config::Path&) {
        CompiledInput compiled;
        compiled.number = static_cast<uint32_t>(input.name()[0] - '0');
        return std::make_optional(compiled);
      },
      [](const google::protobuf::Any& any, const config::Path&) {
        google::protobuf::UInt32Value number;
        any.UnpackTo(&number);
        return std::make_optional(number.value());
      },
      config::Path("m"), errors);
  EXPECT_EQ(errors.count(), 0u);
  return tree;
}

std::string Say(const Found& found) {
  return found.state == State::kAction    ? absl::StrCat(found.action)
         : found.state == State::kNothing ? "nothing"
                                          : "later";
}

TEST(TreePropertyTest, FindsWhatAWalkFinds) {
  int acted = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Generator generator(seed);
    const Matcher proto = generator.Tree(2);
    const auto tree = Compile(proto);
    ASSERT_TRUE(tree.has_value());
    for (int i = 0; i < 20; ++i) {
      const World world = generator.Make();
      const auto read = [&world](uint32_t input, Reading& reading) {
        if (!world[input]) {
          reading.state = Reading::State::kLater;
          return;
        }
        for (const std::string& value : *world[input]) reading.Add(value);
      };
      const std::string wanted = Say(Oracle(world).Find(proto));
      ASSERT_EQ(Say(tree->Find(read)), wanted) << "seed " << seed << "\n" << proto.DebugString();
      ASSERT_EQ(Say(tree->FindInOrder(read)), wanted) << "seed " << seed;
      acted += wanted != "nothing" && wanted != "later";
    }
  }
  EXPECT_GT(acted, 5000);  // The worlds do meet the trees.
}

}  // namespace
}  // namespace proxenos::match
