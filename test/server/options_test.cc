// The command line: Envoy's flags, their errors, and what is said of those without effect.
#include "source/server/options.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

absl::StatusOr<Options> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "proxenos");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, BothSpellingsOfAValue) {
  for (const auto& options :
       {Parse({"-c", "a.yaml", "--concurrency", "3", "-l", "debug"}),
        Parse({"--config-path", "a.yaml", "--concurrency=3", "--log-level=debug"})}) {
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->config_path, "a.yaml");
    EXPECT_EQ(options->concurrency, 3u);
    EXPECT_EQ(options->log_level, "debug");
    EXPECT_EQ(options->mode, Options::Mode::kServe);
  }
}

TEST(Options, ValidateDrainAndActions) {
  const auto options = Parse({"-c", "x", "--mode", "validate", "--drain-time-s", "7"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->mode, Options::Mode::kValidate);
  EXPECT_EQ(options->drain_time, 7 * base::kSecond);
  EXPECT_EQ(Parse({"--version"})->action, Options::Action::kPrintVersion);
  EXPECT_EQ(Parse({"--hot-restart-version"})->action, Options::Action::kPrintHotRestartVersion);
  EXPECT_EQ(Parse({"--help"})->action, Options::Action::kPrintHelp);
}

// As the agents of service meshes start it.
TEST(Options, LevelsOfEnvoysOtherLoggersAreNoted) {
  const auto options =
      Parse({"-c", "x", "--component-log-level", "misc:error,upstream:debug,hc:warn,http:info"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->component_log_level, "upstream:debug,http:info");
  ASSERT_EQ(options->notes.size(), 2u);
  EXPECT_NE(options->notes[0].find("misc:error"), std::string::npos) << options->notes[0];

  // What is wrong is left for the log to say.
  const auto wrong = Parse({"-c", "x", "--component-log-level", "misk:error,misc:loud"});
  ASSERT_TRUE(wrong.ok());
  EXPECT_EQ(wrong->component_log_level, "misk:error,misc:loud");
}

TEST(Options, WhatFollowsTheEndOfFlagsIsTheStartersOwn) {
  const auto options = Parse({"-c", "x", "--", "--run-id", "5"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->config_path, "x");
  EXPECT_FALSE(Parse({"--", "-c", "x"}).ok()) << "no configuration";
}

TEST(Options, ErrorsNameTheArgument) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{"--no-such-flag"}, "no-such-flag"},
      {{"-c", "x", "stray"}, "stray"},
      {{"-c"}, "-c"},
      {{"-c", "x", "--concurrency", "many"}, "concurrency"},
      {{"-c", "x", "--concurrency", "-1"}, "concurrency"},
      {{"-c", "x", "--concurrency", "99999999999"}, "concurrency"},
      {{"-c", "x", "--drain-time-s", "1x"}, "drain-time-s"},
      {{"-c", "x", "--mode", "sing"}, "mode"},
      {{"-c", "x", "-l", "loud"}, "loud"},
      {{"-c", "x", "--local-address-ip-version", "v5"}, "v4 or v6"},
      {{"-c", "x", "--stats-tag", "ab"}, "expected TAG:VALUE"},
      {{"-c", "x", "--stats-tag", "a-b:c"}, "letters and digits"},
      {{"-c", "x", "--stats-tag", ":c"}, "letters and digits"},
      {{"-c", "x", "--stats-tag", "a:b.c"}, "without a dot"},
      {{"-c", "x", "--stats-tag", "a:"}, "some text"},
      {{"-c", "x", "--stats-tag", "a:b", "--stats-tag", "a:c"}, "one value of tag a"},
  };
  for (const auto& [arguments, expected] : cases) {
    const auto options = Parse(arguments);
    ASSERT_FALSE(options.ok()) << expected;
    EXPECT_NE(std::string(options.status().message()).find(expected), std::string::npos)
        << options.status();
  }
}

}  // namespace
}  // namespace proxenos::server
