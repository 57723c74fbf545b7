// Scopes by discovery: when they come in force, and what is refused.
#include "source/server/scope_store.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "source/server/config_store.h"
#include "source/xds/type_url.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

std::string Keys(const downstream::ScopeTable& table) {
  std::vector<std::string> words;
  for (const char* key : {"k1", "k2", "k3"}) {
    if (const auto found = table.Find(key)) {
      words.push_back(absl::StrCat(key, "=", table.origins()[*found].name));
    }
  }
  return absl::StrJoin(words, ",");
}

class ScopeStoreTest : public ::testing::Test {
 protected:
  ScopeStoreTest() {
    Compilers compilers;
    compilers.routes = [](const std::string&, Origin, config::Errors&) {
      return std::make_shared<downstream::RouteSnapshot>(
          downstream::RouteSnapshot{route::RouteTable::Build({}), {}});
    };
    // "NAME", or "NAME COLLECTION": one chain with scopes of the aggregated stream.
    compilers.listener = [](const std::string& bytes, Origin, config::Errors&) {
      auto http = std::make_shared<downstream::HttpConfig>();
      auto scopes = std::make_shared<downstream::ScopedRoutes>();
      scopes->name = "set";
      http->scopes = scopes;
      auto config = std::make_shared<downstream::ListenerConfig>();
      const std::vector<std::string> words = absl::StrSplit(bytes, ' ');
      config->name = words[0];
      config->addresses = {*net::Address::FromIp("127.0.0.1", 0)};
      auto chain = std::make_shared<downstream::ChainConfig>();
      chain->http = http;
      config->chains.push_back(std::move(chain));
      CompiledListener compiled;
      compiled.config = config;
      ScopeOrigin& scopes_origin = compiled.routes.emplace_back().scopes.emplace();
      if (words.size() > 1) scopes_origin.locator = words[1];
      return compiled;
    };
    // "NAME KEY ROUTES", or "bad".
    compilers.scope = [](const std::string& bytes,
                         config::Errors& errors) -> std::optional<route::Scope> {
      const std::vector<std::string> words = absl::StrSplit(bytes, ' ');
      if (words.size() == 3) return route::Scope{words[0], words[1], words[2]};
      errors.Add(config::Path("key"), "is bad");
      return std::nullopt;
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) {
      for (const PublishedListener& each : batch.listeners) {
        published_.push_back(absl::StrCat("listener ", Keys(*each.scopes[0])));
      }
      for (const ScopeChange& each : batch.listener_scopes) {
        published_.push_back(absl::StrCat("scopes ", Keys(*each.scopes)));
      }
    };
    hooks.find_collection = [](const std::string&, const SourceKey&, const std::string& locator) {
      return absl::StatusOr<std::string>(locator);
    };
    hooks.want = [this](const WantedNames::Change& change) {
      std::set<std::string>& names = wanted_[change.type_url];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  // Resources as "NAME ...": their first word is their name.
  static xds::TypeUpdate StepOf(const char* type, const std::vector<std::string>& resources,
                                const std::vector<std::string>& removed = {}) {
    xds::TypeUpdate update{type, "v", {}, removed};
    for (const std::string& bytes : resources) {
      const std::string name = bytes.substr(0, bytes.find(' '));
      update.resources.push_back({name, "v", type, std::make_shared<const std::string>(bytes)});
    }
    return update;
  }
  std::string Apply(const char* type, const std::vector<std::string>& resources,
                    const std::vector<std::string>& removed = {}) {
    const std::vector<xds::ResourceError> errors =
        store_->Apply("", StepOf(type, resources, removed));
    return errors.empty() ? "" : absl::StrCat(errors[0].name, ": ", errors[0].reason);
  }
  std::string Scopes(const std::vector<std::string>& resources,
                     const std::vector<std::string>& removed = {}) {
    return Apply(xds::kScopedRouteType, resources, removed);
  }
  void Routes(const std::vector<std::string>& names) { Apply(xds::kRouteType, names); }
  std::string Turn() {
    loop_.RunOnce(0);
    return absl::StrJoin(std::exchange(published_, {}), "; ");
  }
  std::string After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    return Turn();
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  std::vector<std::string> published_;
  std::map<std::string, std::set<std::string>> wanted_;
  std::optional<ConfigStore> store_;
};

TEST_F(ScopeStoreTest, ListenerWaitsForScopesAndTheirRoutes) {
  Apply(xds::kListenerType, {"a"});
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(wanted_[xds::kScopedRouteType], std::set<std::string>{xds::kAllNames});
  Scopes({"one k1 r1", "two k2 r2"});
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(wanted_[xds::kRouteType], (std::set<std::string>{"r1", "r2"}));
  Routes({"r1"});
  EXPECT_EQ(Turn(), "");
  Routes({"r2"});
  EXPECT_EQ(Turn(), "listener k1=r1,k2=r2");
}

TEST_F(ScopeStoreTest, NoScopesAreAnAnswerToo) {
  Apply(xds::kListenerType, {"a"});
  Turn();
  Scopes({});
  EXPECT_EQ(Turn(), "listener ");
}

TEST_F(ScopeStoreTest, NewScopesWaitForTheirRoutes) {
  Apply(xds::kListenerType, {"a"});
  Turn();
  Scopes({"one k1 r1"});
  Turn();
  Routes({"r1"});
  EXPECT_EQ(Turn(), "listener k1=r1");
  Scopes({"one k1 r2"});
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(wanted_[xds::kRouteType], (std::set<std::string>{"r1", "r2"}));
  Routes({"r2"});
  EXPECT_EQ(Turn(), "scopes k1=r2");
  EXPECT_EQ(wanted_[xds::kRouteType], std::set<std::string>{"r2"});
  Scopes({}, {"one"});
  EXPECT_EQ(Turn(), "scopes ");
}

TEST_F(ScopeStoreTest, NotWithoutEnd) {
  Apply(xds::kListenerType, {"a"});
  Turn();
  Scopes({});
  Turn();
  Scopes({"one k1 r1"});
  EXPECT_EQ(After(14 * base::kSecond), "");
  EXPECT_EQ(After(2 * base::kSecond), "scopes k1=r1");
}

TEST_F(ScopeStoreTest, RefusedOnesChangeNothing) {
  Apply(xds::kListenerType, {"a"});
  Turn();
  Scopes({"one k1 r1"});
  Turn();
  Routes({"r1"});
  EXPECT_EQ(Turn(), "listener k1=r1");
  EXPECT_EQ(Scopes({"one bad"}), "one: key: is bad");
  EXPECT_EQ(Scopes({"two k1 r1"}), "two: key: is that of scope one too");
  EXPECT_EQ(Turn(), "");
  // A key may change hands in one step.
  EXPECT_EQ(Scopes({"two k1 r1"}, {"one"}), "");
  EXPECT_EQ(Turn(), "scopes k1=r1");
}

// In whatever order the step names them; and who is refused keeps its key against who came for it.
TEST_F(ScopeStoreTest, KeysChangeHandsWithinAStep) {
  Apply(xds::kListenerType, {"a"});
  Routes({"r1"});
  Scopes({"one k1 r1", "two k2 r1"});
  Routes({"r1"});
  EXPECT_EQ(Turn(), "listener k1=r1,k2=r1");
  EXPECT_EQ(Scopes({"one k2 r1", "two k1 r1"}), "");
  EXPECT_EQ(Turn(), "scopes k1=r1,k2=r1");
  EXPECT_EQ(Scopes({"one k1 r1"}), "one: key: is that of scope two too");
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(Scopes({"two k3 r1", "one k1 r1"}), "");
  EXPECT_EQ(Turn(), "scopes k1=r1,k3=r1");
  Scopes({"three k2 r1"});
  EXPECT_EQ(Turn(), "scopes k1=r1,k2=r1,k3=r1");
  // "two" wants the key of "one", which wants that of "three", which keeps it.
  const xds::TypeUpdate step = StepOf(xds::kScopedRouteType, {"two k1 r1", "one k2 r1"});
  std::vector<std::string> refused;
  for (const auto& error : store_->Apply("", step)) refused.push_back(error.name);
  EXPECT_EQ(absl::StrJoin(refused, ","), "one,two");
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(Scopes({}, {"three"}), "");
  EXPECT_EQ(Scopes({"four k2 r1"}), "");
  EXPECT_EQ(Turn(), "scopes k1=r1,k2=r1,k3=r1");
}

// Of the same source: each waits for its own.
TEST_F(ScopeStoreTest, AnAnswerAboutOneCollectionIsNoneAboutAnother) {
  const std::string type = "xdstp://a/envoy.config.route.v3.ScopedRouteConfiguration/";
  Apply(xds::kListenerType, {"a " + type + "one/*", "b " + type + "two/*"});
  EXPECT_EQ(Turn(), "");
  EXPECT_EQ(wanted_[xds::kScopedRouteType],
            (std::set<std::string>{type + "one/*", type + "two/*"}));
  Routes({"r1"});
  Scopes({type + "one/x k1 r1"});
  Routes({"r1"});
  EXPECT_EQ(Turn(), "listener k1=r1");
  Scopes({});  // Of which of them, nobody can tell.
  EXPECT_EQ(Turn(), "");
  Scopes({}, {type + "two/*"});  // There are none.
  EXPECT_EQ(Turn(), "listener ");
  Scopes({type + "two/y k2 r1"});
  Routes({"r1"});
  EXPECT_EQ(Turn(), "scopes k2=r1");
}

TEST_F(ScopeStoreTest, ThatThereIsNothingAnswersWhoAskedAlone) {
  Apply(xds::kListenerType, {"a xdstp://a/envoy.config.route.v3.ScopedRouteConfiguration/one/*"});
  EXPECT_EQ(Turn(), "");
  Scopes({});
  EXPECT_EQ(Turn(), "listener ");
}

}  // namespace
}  // namespace proxenos::server
