// Elements that are added to lists, whichever way the lists are written.
#include "source/http/list_field.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::http {
namespace {

class ListField : public ::testing::Test {
 protected:
  // All lines, joined by '|'.
  std::string Lines() const {
    std::string all;
    for (const Header& line : headers_) {
      absl::StrAppend(&all, all.empty() ? "" : "|", line.name(), "=", line.value());
    }
    return all;
  }

  buffer::Arena arena_;
  HeaderMap headers_{arena_};
};

TEST_F(ListField, ALineOfItsOwnWhereThereIsNone) {
  AppendToList(headers_, HeaderId::kVia, ", ", "1.1 here");
  AppendToList(headers_, "proxy-status", ", ", "here");
  EXPECT_EQ(Lines(), "via=1.1 here|proxy-status=here");
}

TEST_F(ListField, BehindTheLastOfSeveralLines) {
  for (const std::string name : {"via", "proxy-status"}) {
    headers_.Clear();
    headers_.Add(name, "a");
    headers_.Add(name, "b");
    headers_.Add("date", "today");
    AppendToList(headers_, name, ", ", "c");
    EXPECT_EQ(Lines(), absl::StrCat(name, "=a|", name, "=b, c|date=today"));
  }
}

TEST_F(ListField, NoSeparatorBehindNothing) {
  headers_.Add(HeaderId::kVia, "");
  AppendToList(headers_, HeaderId::kVia, ", ", "1.1 here");
  EXPECT_EQ(Lines(), "via=1.1 here");
}

}  // namespace
}  // namespace proxenos::http
