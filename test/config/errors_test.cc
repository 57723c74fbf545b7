// Paths and the bounded report.
#include "source/config/errors.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::config {
namespace {

TEST(ErrorsTest, Paths) {
  const Path root;
  const Path clusters = root.Field("static_resources").Field("clusters");
  EXPECT_EQ("", root.text());
  EXPECT_EQ("static_resources.clusters[2].labels[\"k\"].x",
            clusters.Index(2).Field("labels").Key("k").Field("x").text());
  EXPECT_EQ("static_resources.clusters", clusters.text());
  PathStack stack(clusters);
  stack.PushIndex(1);
  stack.PushField("name");
  stack.PushKey("a");
  EXPECT_EQ("static_resources.clusters[1].name[\"a\"]", stack.ToPath().text());
  stack.Pop();
  stack.Pop();
  EXPECT_EQ("static_resources.clusters[1]", stack.ToPath().text());
}

TEST(ErrorsTest, OneErrorIsOneLine) {
  Errors errors;
  EXPECT_TRUE(errors.ToStatus().ok());
  errors.AddValue(Path("a.b"), "5", "at most 4");
  EXPECT_EQ("a.b: value 5: expected at most 4", errors.ToStatus().message());
  EXPECT_EQ("cluster 'x': a.b: value 5: expected at most 4",
            errors.ToStatus("cluster 'x'").message());
  EXPECT_EQ(absl::StatusCode::kInvalidArgument, errors.ToStatus().code());
}

TEST(ErrorsTest, AllErrorsOneALine) {
  Errors errors;
  errors.Add(Path("a"), "bad");
  errors.Add({}, "worse");
  Errors more;
  more.Add(Path("b"), "too");
  errors.Append(more);
  EXPECT_EQ("f.yaml: 3 errors:\n  a: bad\n  worse\n  b: too", errors.ToStatus("f.yaml").message());
}

TEST(ErrorsTest, TheReportIsBounded) {
  Errors errors;
  for (int i = 0; i < 150; ++i) errors.Add(Path("a"), std::string(10'000, 'x'));
  Errors all;
  all.Add({}, "first");
  all.Append(errors);
  EXPECT_EQ(151u, all.count());
  EXPECT_EQ(Errors::kMaxKeptErrors, all.list().size());
  const std::string text(all.ToStatus().message());
  EXPECT_LT(text.size(), 200'000u);
  EXPECT_NE(std::string::npos, text.find("and 51 more"));
}

TEST(ErrorsTest, CutsBetweenCharacters) {
  Errors errors;
  std::string text(Errors::kMaxErrorBytes - 1, 'x');
  text += "\xC3\xA9";
  errors.Add({}, text);
  EXPECT_EQ(std::string(Errors::kMaxErrorBytes - 1, 'x') + "...", errors.list()[0].message);
}

}  // namespace
}  // namespace proxenos::config
