// Listeners whose chains change at random, with routes and secrets that come when they like, and a
// model of a worker: what a chain was given stays with it as long as it is kept, and when all is
// quiet each has what the store has in force.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "source/base/random.h"
#include "test/server/listener_in_place_fixture.h"

namespace proxenos::server {
namespace {

constexpr uint64_t kSeeds = 60;
constexpr int kSteps = 60;
constexpr uint32_t kPlaces = 5;  // Chains that there may be.
constexpr uint32_t kLooks = 3;   // What each may look like.
constexpr uint32_t kCertificates = 3;

// What a worker has of the listener.
class WorkerModel {
 public:
  void Apply(const Batch& batch) {
    for (const PublishedListener& each : batch.listeners) Set(each);
    for (const auto& each : batch.listener_tls) {
      ASSERT_LT(each.socket, chains_.size());
      ASSERT_NE(chains_[each.socket].config->tls, nullptr) << "of another chain";
      chains_[each.socket].tls = each.context;
    }
  }
  void Check(const ListenerStore& store) const {
    std::set<const tls::Context*> in_force;
    store.ForEachContext([&in_force](const tls::Context& each) { in_force.insert(&each); });
    std::set<const tls::Context*> here;
    for (const Chain& each : chains_) {
      EXPECT_EQ(each.tls == nullptr, each.config->tls == nullptr) << each.config->name;
      if (each.tls != nullptr) here.insert(each.tls.get());
    }
    EXPECT_EQ(here, in_force);
  }
  uint64_t kept() const { return kept_; }

 private:
  struct Chain {
    std::shared_ptr<const downstream::ChainConfig> config;
    std::shared_ptr<const tls::ServerContext> tls;
  };

  void Set(const PublishedListener& published) {
    std::vector<Chain> next;
    for (size_t i = 0; i < published.config->chains.size(); ++i) {
      const auto& config = published.config->chains[i];
      if (published.kept.empty() || published.kept[i] < 0) {
        next.push_back({config, published.tls[i]});
        continue;
      }
      const auto old = static_cast<size_t>(published.kept[i]);
      ASSERT_LT(old, chains_.size());
      ASSERT_EQ(chains_[old].config, config);
      next.push_back(chains_[old]);
      ++kept_;
    }
    chains_ = std::move(next);
  }

  std::vector<Chain> chains_;
  uint64_t kept_ = 0;
};

class ListenerChainsSimulation : public ListenerInPlaceTest {
 protected:
  void Begin(uint64_t seed) {
    random_.emplace(seed);
    on_batch_ = [this](const Batch& batch) { worker_.Apply(batch); };
  }
  std::string RandomChain(uint32_t place) {
    const std::string name = absl::StrCat("c", place);
    const uint32_t look = random_->Below(kLooks);
    const std::string routes = look == 0
                                   ? Rds(absl::StrCat("r", place))
                                   : absl::StrCat(R"("route_config": {"name": "n)", look, R"("})");
    // Two chains may share a secret.
    const std::string tls = look == 2 ? SdsTls(absl::StrCat("s", place / 2)) : "";
    return Chain(name, Manager(routes), tls);
  }
  void ChangeListener() {
    std::vector<std::string> chains;
    for (uint32_t place = 0; place < kPlaces; ++place) {
      auto& chain = chains_[place];
      if (chain.empty() || random_->Below(3) == 0) chain = RandomChain(place);
      if (random_->Below(4) != 0) chains.push_back(chain);
    }
    if (chains.empty()) chains.push_back(chains_[0]);
    std::rotate(chains.begin(), chains.begin() + random_->Below(2), chains.end());
    if (random_->Below(8) == 0) ++limit_;  // Of the listener as a whole.
    EXPECT_EQ(Listen(chains, absl::StrCat(R"(, "per_connection_buffer_limit_bytes": )", limit_)),
              "");
  }
  void Step() {
    switch (random_->Below(6)) {
      case 0:
      case 1:
        return ChangeListener();
      case 2:
        return Routes(absl::StrCat("r", random_->Below(kPlaces)));
      case 3:
        return SendSecret(random_->Below(kPlaces / 2 + 1));
      case 4:
        return Pass(base::kSecond);
      default:
        return Pass(static_cast<base::Nanos>(random_->Below(20)) * base::kSecond);
    }
  }
  void SendSecret(uint32_t number) {
    const std::string name = absl::StrCat("s", number);
    if (wanted_[xds::kSecretType].contains(name)) Secret(name, Leaf(random_->Below(kCertificates)));
  }
  // Everything that is asked for comes.
  void Quieten() {
    for (const std::string& name : std::set<std::string>(wanted_[xds::kSecretType])) {
      Secret(name, Leaf(0));
    }
    for (const std::string& name : std::set<std::string>(wanted_[xds::kRouteType])) Routes(name);
    Pass(base::kSecond);
  }
  const proxenos::testing::TestCertificate& Leaf(uint32_t number) {
    auto& leaf = leaves_[number];
    if (!leaf.has_value()) {
      leaf.emplace(proxenos::testing::MakeLeaf(ca_, absl::StrCat("leaf", number, ".test")));
    }
    return *leaf;
  }

  std::optional<base::Random> random_;
  WorkerModel worker_;
  std::map<uint32_t, std::string> chains_;  // As they were last.
  std::map<uint32_t, std::optional<proxenos::testing::TestCertificate>> leaves_;
  uint32_t limit_ = 100000;
};

class SeededSimulation : public ListenerChainsSimulation,
                         public ::testing::WithParamInterface<uint64_t> {};

TEST_P(SeededSimulation, WorkersHaveWhatIsInForce) {
  Begin(GetParam());
  for (int step = 0; step < kSteps; ++step) {
    Step();
    if (step % 10 != 9) continue;
    Quieten();
    EXPECT_EQ(store().warming_count(), 0u);
    worker_.Check(store());
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
  EXPECT_GT(worker_.kept(), 0u);
  EXPECT_GT(store().counts().in_place, 0u);
  Pass(61 * base::kSecond);
  EXPECT_EQ(store().draining_chain_count(), 0u);
  EXPECT_EQ(store().draining_count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SeededSimulation, ::testing::Range(uint64_t{1}, kSeeds + 1));

}  // namespace
}  // namespace proxenos::server
