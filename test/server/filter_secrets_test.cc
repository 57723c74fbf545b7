// Secrets that filters name: who waits for them, what filters see of them, and who wants them.
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "test/server/secret_store_fixture.h"

namespace proxenos::server {
namespace {

class FilterSecretsTest : public SecretStoreTest {
 protected:
  FilterSecretsTest() { Cells().clear(); }
  ~FilterSecretsTest() override { Cells().clear(); }
  // What the filter sees.
  static std::string Value() {
    const auto values = Cells().back()->Get();
    return values == nullptr ? "none" : values->value;
  }
  std::string Cluster(const std::string& name, const std::string& secret) {
    return Apply(xds::kClusterType, name, absl::StrCat(name, "|filter|", secret));
  }
  std::string AddStatic(const v3::Secret& secret) {
    const auto refused = store_->AddStatic(xds::kSecretType, secret.SerializeAsString());
    return refused.empty() ? "" : refused[0].reason;
  }
};

TEST_F(FilterSecretsTest, ListenersWaitForThem) {
  EXPECT_EQ(Listener("l", "filter", "key"), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(wanted_[""], std::set<std::string>{"key"});
  EXPECT_EQ(Value(), "none");
  EXPECT_EQ(Send(Generic("key", "a")), "");
  EXPECT_EQ(Turn(), Words{"listener l none"});
  EXPECT_EQ(Value(), "a");
  // One that changes disturbs nobody.
  EXPECT_EQ(Send(Generic("key", "b")), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(Value(), "b");
  EXPECT_EQ(Stat("update_success", "sds.key."), 2u);
}

TEST_F(FilterSecretsTest, ThoseThatDoNotComeAreNotWaitedForLong) {
  Listener("l", "filter", "key");
  Turn();
  EXPECT_EQ(After(kFetchTimeout - base::kSecond), kNoBatch);
  EXPECT_EQ(After(base::kSecond), Words{"listener l none"});
  Send(Generic("key", "late"));
  EXPECT_EQ(Value(), "late");
}

TEST_F(FilterSecretsTest, ClustersWaitForThoseOfTheirFilters) {
  EXPECT_EQ(Cluster("c", "key"), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(wanted_[""], std::set<std::string>{"key"});
  EXPECT_EQ(Send(Generic("key", "a")), "");
  EXPECT_EQ(Turn(), Words{"cluster c ready"});
  EXPECT_EQ(Value(), "a");
  EXPECT_EQ(Send(Generic("key", "b")), "");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(Value(), "b");
}

TEST_F(FilterSecretsTest, ClustersDoNotWaitLongEither) {
  Cluster("c", "key");
  Turn();
  EXPECT_EQ(After(kFetchTimeout - base::kSecond), kNoBatch);
  EXPECT_EQ(After(base::kSecond), Words{"cluster c ready"});
  const std::string missing = Cluster("d", "static:key");
  EXPECT_NE(missing.find("secret key is not one of"), std::string::npos) << missing;
}

TEST_F(FilterSecretsTest, NobodyWantsWhatNoFilterNames) {
  Listener("l", "filter", "key");
  Send(Generic("key", "a"));
  Turn();
  xds::TypeUpdate gone;
  gone.type_url = xds::kListenerType;
  gone.version = "8";
  gone.removed = {"l"};
  store_->Apply("", gone);
  Turn();
  EXPECT_EQ(wanted_[""], std::set<std::string>{"key"});  // Streams may still hold the filter.
  Cells().clear();
  Listener("other", "one");
  Turn();
  EXPECT_EQ(wanted_[""], std::set<std::string>{"one"});
}

TEST_F(FilterSecretsTest, NamesThatMeanNothingRefuseTheListener) {
  const std::string missing = Listener("l", "filter", "static:key");
  EXPECT_NE(missing.find("secret key is not one of"), std::string::npos) << missing;
  EXPECT_EQ(AddStatic(Certificate("certificate", first_, first_)), "");
  const std::string kind = Listener("l", "filter", "static:certificate");
  EXPECT_NE(kind.find("expected a generic secret"), std::string::npos) << kind;
  EXPECT_NE(Listener("l", "filter", "key@nowhere"), "");
  EXPECT_EQ(AddStatic(Generic("key", "a")), "");
  EXPECT_EQ(Listener("l", "filter", "static:key"), "");
  EXPECT_EQ(Turn(), Words{"listener l none"});
  EXPECT_EQ(Value(), "a");
}

TEST_F(FilterSecretsTest, AnotherKindIsRefused) {
  Listener("l", "filter", "key");
  Turn();
  const std::string kind = Send(Certificate("key", first_, first_));
  EXPECT_NE(kind.find("a filter names it as a generic secret"), std::string::npos) << kind;
  EXPECT_EQ(Send(Generic("key", "a")), "");
  EXPECT_EQ(Value(), "a");
}

}  // namespace
}  // namespace proxenos::server
