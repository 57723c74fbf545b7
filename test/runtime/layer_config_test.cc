// What values mean to those who ask for them; what Envoy 1.40 was seen to make of the same ones.
#include "source/runtime/layer_config.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/runtime/setting.h"
#include "source/runtime/setting_config.h"

namespace proxenos::runtime {
namespace {

std::shared_ptr<const Layer> FromYaml(const std::string& name, const std::string& yaml,
                                      config::Errors& errors) {
  google::protobuf::Struct config;
  config::ParseYaml(yaml, config, errors);
  return CompileLayer(name, config, errors, config::Path("layer"));
}

class LayerConfigTest : public ::testing::Test {
 protected:
  void Load(const std::vector<std::string>& layers) {
    config::Errors errors;
    std::vector<std::shared_ptr<const Layer>> compiled;
    for (const std::string& yaml : layers) compiled.push_back(FromYaml("a", yaml, errors));
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    snapshot_ = std::make_unique<const Snapshot>(std::move(compiled));
  }
  std::string Text(const std::string& key) const {
    const Value* value = snapshot_->Find(key);
    return value == nullptr ? "-" : value->text;
  }
  // Of a hundred requests, where none is the default.
  int Share(const std::string& key) const {
    const FractionSetting setting{{0, 100}, key};
    int holds = 0;
    for (uint64_t random = 0; random < 100; ++random) {
      holds += setting.Holds(snapshot_.get(), random);
    }
    return holds;
  }

  std::unique_ptr<const Snapshot> snapshot_;
};

TEST_F(LayerConfigTest, Fractions) {
  Load({R"(
      whole: 25
      text: "25"
      blanks: " 25 "
      cut: 25.9
      more: 1000
      word: abc
      switch: true
      negative: -1
      percent: {numerator: 25}
      million: {numerator: 20, denominator: MILLION}
      none: {denominator: TEN_THOUSAND})"});
  for (const char* key : {"whole", "text", "blanks", "cut", "percent"}) {
    EXPECT_EQ(Share(key), 25) << key;
  }
  EXPECT_EQ(Share("more"), 100);
  EXPECT_EQ(Share("million"), 20);  // Of the first hundred numbers of a million.
  for (const char* key : {"word", "switch", "negative", "none", "missing", ""}) {
    EXPECT_EQ(Share(key), 0) << key;
  }
  EXPECT_EQ(Text("percent"), "numerator: 25\n");
  EXPECT_EQ(Text("million"), "numerator: 20\ndenominator: MILLION\n");
}

TEST_F(LayerConfigTest, NumbersAndSwitches) {
  Load({R"({whole: 7, part: 0.5, big: 4294967295, on: true, word: "False", text: hello})"});
  const auto integer = [this](const char* key) {
    return IntegerSetting{1, key}.Get(snapshot_.get());
  };
  const auto number = [this](const char* key) {
    return NumberSetting{1, key}.Get(snapshot_.get());
  };
  const auto flag = [this](const char* key, bool otherwise) {
    return FlagSetting{otherwise, key}.Get(snapshot_.get());
  };
  EXPECT_EQ(integer("whole"), 7u);
  EXPECT_EQ(integer("part"), 0u);
  EXPECT_EQ(integer("big"), 4294967295u);
  EXPECT_EQ(integer("text"), 1u);
  EXPECT_EQ(number("part"), 0.5);
  EXPECT_EQ(number("on"), 1);
  EXPECT_TRUE(flag("on", false));
  EXPECT_FALSE(flag("word", true));
  EXPECT_TRUE(flag("whole", true));
  EXPECT_EQ(Text("part"), "0.5");
  EXPECT_EQ(Text("on"), "true");
  // Before there is any snapshot the defaults apply.
  EXPECT_EQ((IntegerSetting{3, "whole"}.Get(nullptr)), 3u);
  EXPECT_TRUE((FractionSetting{{100, 100}, "whole"}.Holds(nullptr, 99)));
}

TEST_F(LayerConfigTest, LaterLayersWin) {
  Load({"{a: {b: {c: 1}}, kept: 1}", "{a.b.c: 2, re2: {max_program_size: {error_level: 3}}}"});
  EXPECT_EQ(Text("a.b.c"), "2");
  EXPECT_EQ(Text("kept"), "1");
  EXPECT_EQ(absl::StrJoin(snapshot_->Keys(), " "), "a.b.c kept re2.max_program_size.error_level");
  EXPECT_TRUE(IsSwitchOfEnvoy("re2.max_program_size.error_level"));
  EXPECT_TRUE(IsSwitchOfEnvoy("envoy.reloadable_features.x"));
  EXPECT_FALSE(IsSwitchOfEnvoy("envoy.x"));
}

TEST_F(LayerConfigTest, EachProblemWithItsPlace) {
  config::Errors errors;
  FromYaml("a",
           "{list: [1], nothing: null, f: {numerator: 1, other: 2}, g: {denominator: BILLION}}",
           errors);
  ASSERT_EQ(errors.count(), 4u);
  std::vector<std::string> paths;
  for (const config::Error& error : errors.list()) paths.push_back(error.path);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(absl::StrJoin(paths, " "), "layer.f layer.g layer.list layer.nothing");
}

TEST_F(LayerConfigTest, NestingHasALimit) {
  config::Errors errors;
  std::string yaml = "1";
  for (int i = 0; i < 60; ++i) yaml = "{a: " + yaml + "}";
  FromYaml("a", yaml, errors);
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].message, "runtime keys nested too deep");
}

TEST(ParseValueTest, AsPeopleWriteThem) {
  EXPECT_EQ(ParseValue("100").integer, 100u);
  EXPECT_EQ(ParseValue("true").boolean, true);
  EXPECT_EQ(ParseValue("numerator: 5\ndenominator: TEN_THOUSAND").fraction, (Fraction{5, 10'000}));
  EXPECT_EQ(ParseValue("{numerator: 5}").fraction, (Fraction{5, 100}));
  EXPECT_EQ(ParseValue("{numerator: 5}").text, "{numerator: 5}");
  for (const char* text : {"", "hello", "{numerator: -5}", "{a: 1}", "[1", "nan"}) {
    const Value value = ParseValue(text);
    EXPECT_FALSE(value.integer || value.number || value.boolean || value.fraction) << text;
    EXPECT_EQ(value.text, text);
  }
}

TEST(SettingConfigTest, KeysAndDefaults) {
  config::Errors errors;
  envoy::config::core::v3::RuntimeFractionalPercent percent;
  config::ParseYaml("{default_value: {numerator: 3, denominator: MILLION}, runtime_key: k}",
                    percent, errors);
  const FractionSetting setting = CompileSetting(percent, errors, config::Path("at"));
  EXPECT_EQ(setting.otherwise, (Fraction{3, 1'000'000}));
  EXPECT_EQ(setting.key, "k");
  EXPECT_TRUE(errors.ok());
  percent.mutable_default_value()->set_denominator(
      static_cast<envoy::type::v3::FractionalPercent::DenominatorType>(9));
  CompileSetting(percent, errors, config::Path("at"));
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path, "at.default_value.denominator");
  EXPECT_TRUE((FractionSetting{{100, 100}}.always()));
  EXPECT_FALSE((FractionSetting{{100, 100}, "k"}.always()));
}

}  // namespace
}  // namespace proxenos::runtime
