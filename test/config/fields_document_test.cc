// docs/configuration.md is what the code says.
#include "source/config/fields_document.h"

#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace proxenos::config {
namespace {

TEST(FieldsDocumentTest, TheFileIsCurrent) {
  std::ifstream file("docs/configuration.md");
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_TRUE(content.str() == FieldsDocument())
      << "docs/configuration.md is out of date: run\n"
         "  bazel run //source/config:print_fields > docs/configuration.md";
}

TEST(FieldsDocumentTest, SaysWhatIsMissing) {
  const std::string text = FieldsDocument();
  EXPECT_NE(std::string::npos, text.find("\n## envoy.config.cluster.v3.Cluster\n"));
  EXPECT_NE(std::string::npos, text.find("`upstream_config`"));
  EXPECT_NE(std::string::npos, text.find("only `ONE_TIME_ON_FIRST_BYTE`"));
}

}  // namespace
}  // namespace proxenos::config
