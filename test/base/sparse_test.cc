// A value that costs memory once it is another than the initial one.
#include "source/base/sparse.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

struct Settings {
  int limit = 7;
  std::string name = "none";
};

TEST(SparseTest, IsTheInitialValueUntilItIsChanged) {
  Sparse<Settings> settings;
  EXPECT_EQ(settings->limit, 7);
  EXPECT_EQ((*settings).name, "none");
  EXPECT_EQ(&*settings, &*Sparse<Settings>()) << "has memory of its own";
  settings.Mutable().limit = 8;
  EXPECT_EQ(settings->limit, 8);
  EXPECT_EQ(settings->name, "none");
  EXPECT_EQ(Sparse<Settings>()->limit, 7);
  static_assert(sizeof(settings) == sizeof(void*));
}

TEST(SparseTest, CopiesAreIndependent) {
  Sparse<Settings> settings;
  settings.Mutable().limit = 8;
  Sparse<Settings> copy = settings;
  copy.Mutable().limit = 9;
  EXPECT_EQ(settings->limit, 8);
  settings = copy;
  copy.Mutable().limit = 10;
  EXPECT_EQ(settings->limit, 9);
  settings = Sparse<Settings>();
  EXPECT_EQ(settings->limit, 7);
  settings = Settings{11, "eleven"};
  const Sparse<Settings> moved = std::move(settings);
  EXPECT_EQ(moved->name, "eleven");
}

}  // namespace
}  // namespace proxenos::base
