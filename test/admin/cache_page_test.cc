// /cache and /cache/purge.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/admin/pages.h"
#include "source/cache/stores.h"
#include "test/admin/fake_server.h"

namespace proxenos::admin {
namespace {

cache::StoreOptions WithoutScheme() {
  cache::StoreOptions options;
  options.keys.without_scheme = true;
  return options;
}

class CachePageTest : public ::testing::Test {
 protected:
  void Put(const cache::StoreHandle& store, const std::string& url, const std::string& tag = "") {
    auto head = std::make_unique<cache::StoredHead>();
    if (!tag.empty()) head->tags.push_back(tag);
    cache::HeadBuilder().Finish(1, *head);
    store->memory.Put(cache::Key(url), cache::StoredResponse{
                                           std::move(head), std::make_shared<const cache::Body>()});
  }
  std::string Purge(const std::string& query) {
    const Response response = server_.Call("POST", absl::StrCat("/cache/purge?", query));
    return response.status == 200 ? response.body : absl::StrCat(response.status);
  }

  testing::FakeServer server_;
  const cache::StoreHandle one_ = cache::StoreHandle::Open("one", {});
  const cache::StoreHandle two_ = cache::StoreHandle::Open("two", WithoutScheme());
};

TEST_F(CachePageTest, PurgesWhatIsNamed) {
  for (const char* url : {"http://h/a", "http://h/a/b", "http://h/c?d=e"}) Put(one_, url, "red");
  Put(two_, "h/a", "red");
  EXPECT_TRUE(absl::StrContains(server_.Get("/cache"), "3 URLs, 3 responses"));
  EXPECT_EQ(Purge("url=http://h/c%3Fd=e"), "purged 1\n");
  EXPECT_EQ(Purge("url=http://H:80/a"), "purged 2\n") << "each store by its own keys";
  EXPECT_EQ(Purge("prefix=http://h/a/"), "purged 1\n");
  for (const cache::StoreHandle* store : {&one_, &two_}) Put(*store, "h/x", "red");
  EXPECT_EQ(Purge("tag=blue"), "purged 0\n");
  EXPECT_EQ(Purge("tag=red&store=two"), "purged 1\n");
  EXPECT_EQ(Purge("all"), "purged 1\n");
}

TEST_F(CachePageTest, RefusesWhatCouldMeanAnything) {
  Put(one_, "http://h/a");
  for (const char* query : {"", "url=", "url=/a", "url=h/a", "url=http://", "url=http://h",
                            "prefix=http:///a", "url=ftp://h/a", "tag=", "url=http://h/a&all"}) {
    EXPECT_EQ(Purge(query), "400") << query;
  }
  EXPECT_EQ(Purge("all&store=three"), "404");
  EXPECT_EQ(server_.Call("GET", "/cache/purge?all").status, 405);
  EXPECT_TRUE(absl::StrContains(server_.Get("/cache"), "1 URLs"));
}

}  // namespace
}  // namespace proxenos::admin
