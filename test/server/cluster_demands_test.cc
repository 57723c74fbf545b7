// Clusters that requests asked for.
#include "source/server/cluster_demands.h"

#include "test/server/config_store_fixture.h"

namespace proxenos::server {
namespace {

class ClusterDemandsTest : public ConfigStoreTest {
 protected:
  void Ask(const std::string& name, const std::string& source = "odcds") {
    store_->Ask({Demand::Kind::kCluster, source, name});
  }
  std::set<std::string> wanted() { return wanted_[{xds::kClusterType, "odcds"}]; }
};

TEST_F(ClusterDemandsTest, AnswerComesWithTheCluster) {
  Ask("one");
  Ask("one");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(wanted(), std::set<std::string>{"one"});
  Apply(xds::kClusterType, {{"one", "static 10.0.0.1"}}, {}, "odcds");
  EXPECT_EQ(Turn(), Words{"cluster one/1; one found"});
  Ask("one");
  EXPECT_EQ(Turn(), Words{"one found"});
  EXPECT_EQ(wanted(), std::set<std::string>{"one"}) << "it stays, as its updates are wanted";
}

TEST_F(ClusterDemandsTest, ClusterIsFoundOnceItHasWarmed) {
  Ask("one");
  Turn();
  Apply(xds::kClusterType, {{"one", "eds one"}}, {}, "odcds");
  EXPECT_EQ(Turn(), kNoBatch);
  // Somebody else asks for what warms already.
  Ask("one", "other");
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_TRUE((wanted_[{xds::kClusterType, "other"}].empty()));
  Apply(xds::kEndpointType, {{"one", "10.0.0.1 10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster one/2; one found; one found"});
}

TEST_F(ClusterDemandsTest, MissingAndRefusedOnes) {
  Ask("none");
  Ask("bad");
  Turn();
  Apply(xds::kClusterType, {}, {"none"}, "odcds");
  EXPECT_EQ(Turn(), Words{"none missing"});
  EXPECT_EQ(Apply(xds::kClusterType, {{"bad", "bad"}}, {}, "odcds"), Words{"bad: type: is bad"});
  EXPECT_EQ(Turn(), Words{"bad missing"});
  Ask("none");
  EXPECT_EQ(Turn(), Words{"none missing"});
  EXPECT_EQ(After(kMissingKept), kNoBatch);
  EXPECT_TRUE(wanted().empty());
  Ask("none");
  Turn();
  EXPECT_EQ(wanted(), std::set<std::string>{"none"}) << "asked for anew";
  EXPECT_EQ(After(kAnswerWait), Words{"none missing"});
}

TEST_F(ClusterDemandsTest, NamesThatNobodyCouldHave) {
  for (const char* name : {"*", "a b", "", "xdstp://a/b/*"}) {
    Ask(name);
    EXPECT_EQ(Turn(), Words{absl::StrCat(name, " missing")});
  }
  Ask("one", "bad");
  EXPECT_EQ(Turn(), Words{"one missing"}) << "there is no such source";
  EXPECT_TRUE(wanted().empty());
}

TEST_F(ClusterDemandsTest, ClusterThatGoesIsAskedForAnew) {
  Ask("one");
  Apply(xds::kClusterType, {{"one", "static 10.0.0.1"}}, {}, "odcds");
  Turn();
  Apply(xds::kClusterType, {}, {"one"}, "odcds");
  After(kRemovalGrace);
  EXPECT_TRUE(wanted().empty());
  Ask("one");
  Turn();
  EXPECT_EQ(wanted(), std::set<std::string>{"one"});
  Apply(xds::kClusterType, {{"one", "static 10.0.0.1"}}, {}, "odcds");
  EXPECT_EQ(Turn(), Words{"cluster one/1; one found"});
}

}  // namespace
}  // namespace proxenos::server
