// Subscriptions of both protocols against simulated control planes: seeded random sequences of
// changes, refusals, lost streams, other servers, changes of what is wanted, expired leases, with
// requests and responses that pass each other. After each response, what the receiver has must be
// what a small model says; when all is quiet, it must be what the control plane has.
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/xds/simulated_server.h"

namespace proxenos::xds {
namespace {

constexpr int kSeeds = 3000;
constexpr int kSteps = 80;
constexpr int kNames = 6;

// What must be in force, by the simplest rules.
class Model {
 public:
  void Hear(const Said& said, const std::set<std::string>& wanted, base::MonoTime now) {
    const auto wants = [&wanted](const std::string& name) {
      return wanted.contains(kAllNames) || wanted.contains(name);
    };
    if (said.whole) {
      std::erase_if(in_force_,
                    [&said](const auto& each) { return !said.sent.contains(each.first); });
    }
    for (const std::string& name : said.removed) in_force_.erase(name);
    for (const auto& [name, item] : said.sent) {
      if (!wants(name) || item.bad()) continue;
      in_force_[name] = {item.content,
                         item.ttl_s == 0 ? base::kNever : now + item.ttl_s * base::kSecond};
    }
  }
  void Expire(base::MonoTime now) {
    std::erase_if(in_force_, [now](const auto& each) { return each.second.end <= now; });
  }
  void Drop(const std::string& name) { in_force_.erase(name); }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& [name, held] : in_force_) contents[name] = held.content;
    return contents;
  }

 private:
  struct Held {
    std::string content;
    base::MonoTime end;
  };
  std::map<std::string, Held> in_force_;
};

template <typename Server>
class Simulation {
 public:
  using Kind = typename Server::Kind;

  Simulation(uint64_t seed, bool whole_set) : random_(seed), whole_set_(whole_set) {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    options.type.whole_set = whole_set;
    client_.emplace(timers_, options, [this](const TypeUpdate& update) { return Apply(update); });
  }

  void Run() {
    for (int i = 0; i < kSteps && !::testing::Test::HasFailure(); ++i) Step();
    Settle();
  }

 private:
  std::vector<ResourceError> Apply(const TypeUpdate& update) {
    std::vector<ResourceError> refused;
    for (const std::string& name : update.removed) in_force_.erase(name);
    for (const Resource& resource : update.resources) {
      envoy::config::cluster::v3::Cluster cluster;
      EXPECT_TRUE(cluster.ParseFromString(*resource.bytes));
      if (absl::StartsWith(cluster.alt_stat_name(), "bad")) {
        refused.push_back({resource.name, "is bad"});
      } else {
        in_force_[resource.name] = cluster.alt_stat_name();
      }
    }
    return refused;
  }

  std::string AnyName() { return absl::StrCat("c", random_.Below(kNames)); }

  void Step() {
    switch (random_.Below(10)) {
      case 0:
      case 1:
        return ChangeWorld();
      case 2:
        return ChangeNames();
      case 3:
      case 4:
      case 5:
        return MoveRequest();
      case 6:
      case 7:
      case 8:
        return MoveResponse();
      default:
        return random_.Below(3) == 0 ? ChangeStream() : Wait(random_.Below(4));
    }
  }

  void ChangeWorld() {
    const std::string name = AnyName();
    const uint64_t what = random_.Below(10);
    if (what < 2) {
      world_.erase(name);
    } else {
      // A few contents only, so that old ones come back.
      world_[name] = {absl::StrCat(what < 4 ? "bad" : "good", random_.Below(3)),
                      what == 9 ? static_cast<int>(1 + random_.Below(3)) : 0};
    }
    if (server_) server_->Push();
  }

  void ChangeNames() {
    const std::string name = random_.Below(5) == 0 ? kAllNames : AnyName();
    const bool add = !wanted_.contains(name);
    if (add) {
      wanted_.insert(name);
    } else {
      wanted_.erase(name);
      // As whoever wanted it does.
      for (int i = 0; i < kNames; ++i) {
        const std::string each = absl::StrCat("c", i);
        if (wanted_.contains(each) || wanted_.contains(kAllNames)) continue;
        in_force_.erase(each);
        model_.Drop(each);
      }
    }
    client_->Want(add ? NameChange{{name}, {}} : NameChange{{}, {name}});
  }

  void MoveRequest() {
    if (!server_) return;
    if (client_->has_request() && requests_.size() < 3) requests_.push_back(client_->TakeRequest());
    if (requests_.empty() || random_.Below(2) == 0) return;
    server_->OnRequest(requests_.front());
    requests_.pop_front();
  }

  void MoveResponse() {
    if (!server_ || server_->responses.empty()) return;
    const auto [response, said] = server_->responses.front();
    server_->responses.pop_front();
    model_.Hear(said, wanted_, timers_.now());
    client_->OnResponse(response);
    ASSERT_EQ(in_force_, model_.contents());
  }

  void ChangeStream() {
    if (server_) {
      server_.reset();
      requests_.clear();
      client_->OnStreamLost();
    } else {
      const size_t id = random_.Below(2);
      server_.emplace(world_, absl::StrCat("server", id, "-"), whole_set_);
      client_->OnStreamOpened(id);
    }
  }

  void Wait(uint64_t seconds) {
    timers_.Advance(timers_.now() + static_cast<base::Nanos>(seconds) * base::kSecond);
    model_.Expire(timers_.now());
    ASSERT_EQ(in_force_, model_.contents());
  }

  // Everything arrives.
  void Settle() {
    if (!server_) ChangeStream();
    bool busy = true;
    while (busy && !::testing::Test::HasFailure()) {
      Wait(3);  // Answers that pause go on.
      busy = client_->has_request() || !requests_.empty() || !server_->responses.empty();
      MoveRequest();
      MoveResponse();
    }
    if (!wanted_.empty()) {
      EXPECT_TRUE(server_->book().all_answered());
    }
    for (int i = 0; i < kNames; ++i) CheckSettled(absl::StrCat("c", i));
  }

  void CheckSettled(const std::string& name) {
    const auto there = world_.find(name);
    const auto held = in_force_.find(name);
    const bool is_wanted = wanted_.contains(name) || wanted_.contains(kAllNames);
    if (!is_wanted) {
      EXPECT_EQ(held, in_force_.end()) << name;
    } else if (there == world_.end()) {
      // State of the world cannot say that something is gone, unless it is the whole.
      if (kDelta || whole_set_) {
        EXPECT_EQ(held, in_force_.end()) << name;
      }
    } else if (!there->second.bad() && there->second.ttl_s == 0) {
      ASSERT_NE(held, in_force_.end()) << name;
      EXPECT_EQ(held->second, there->second.content) << name;
    }
  }

  static constexpr bool kDelta = std::is_same_v<Kind, DeltaSubscription>;

  base::Random random_;
  const bool whole_set_;
  event::TimerWheel timers_{0};
  World world_;
  std::optional<Server> server_;
  std::deque<typename Kind::Request> requests_;  // On their way.
  std::set<std::string> wanted_;
  std::map<std::string, std::string> in_force_;
  Model model_;
  std::optional<Kind> client_;
};

template <typename Server>
void RunSeeds(bool whole_set) {
  for (int seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Simulation<Server>(static_cast<uint64_t>(seed), whole_set).Run();
  }
}

TEST(SubscriptionSimulation, SotwOfWholeSets) { RunSeeds<SotwServer>(true); }
TEST(SubscriptionSimulation, SotwByName) { RunSeeds<SotwServer>(false); }
TEST(SubscriptionSimulation, Delta) { RunSeeds<DeltaServer>(true); }

}  // namespace
}  // namespace proxenos::xds
