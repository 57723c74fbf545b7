// Hosts with several addresses: tried one after the other, a while apart or at once when one fails;
// the first that connects is used, and of the others nothing is left.
#include "source/upstream/address_race.h"

#include <dirent.h>
#include <sys/socket.h>

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/worker_cluster.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

using base::kMillisecond;
using State = Exchange::State;

// Where somebody listens, on a port of the kernel's choice. A backlog of 0 takes one connection.
class Origin {
 public:
  explicit Origin(int backlog = 16) {
    auto fd = net::BindListenSocket(*net::Address::FromIp("127.0.0.1", 0), {});
    CHECK(fd.ok() && listen(fd->get(), backlog) == 0);
    fd_ = *std::move(fd);
  }
  net::Address address() const { return net::Address::LocalOf(fd_.get()); }
  // The next connection that was made; invalid: there is none.
  net::UniqueFd Accept() const {
    return net::UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK));
  }

 private:
  net::UniqueFd fd_;
};

// Where connecting neither succeeds nor fails: what listens there takes no more.
class Silent {
 public:
  Silent() {
    for (int i = 0; i < 4; ++i) {
      auto waiting = net::StartConnect(address(), {});
      if (waiting.ok()) waiting_.push_back(*std::move(waiting));
    }
  }
  net::Address address() const { return origin_.address(); }

 private:
  Origin origin_{0};
  std::vector<net::UniqueFd> waiting_;
};

// Where nobody listens any more.
net::Address Refusing() { return Origin().address(); }

int OpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  CHECK(directory != nullptr);
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// Wants a bare connection.
struct Asked final : public Exchange {
  Asked() : Exchange(head_storage) {
    wants.raw = true;
    needs = &wants;
  }
  void OnProgress() override {}

  buffer::Arena arena;
  http::ResponseHead head_storage{arena};
  ConnectionNeeds wants;
};

class AddressRaceTest : public ::testing::Test {
 protected:
  AddressRaceTest() : config_(std::make_shared<ClusterConfig>()) { config_->name = "c"; }
  ~AddressRaceTest() override {
    cluster_ = base::Rc<WorkerCluster>();
    loop_.RunOnce(0);
  }

  static Assignment At(const std::vector<net::Address>& addresses) {
    Assignment assignment;
    Endpoint& endpoint = assignment.localities.emplace_back().endpoints.emplace_back();
    endpoint.address = addresses.front();
    endpoint.further.Mutable().assign(addresses.begin() + 1, addresses.end());
    return assignment;
  }
  // One host, at all of these.
  void Start(const std::vector<net::Address>& addresses) {
    hosts_ = BuildHostSet(*config_, At(addresses), nullptr).hosts;
    cluster_ = base::Rc<WorkerCluster>(std::make_unique<WorkerCluster>(
        loop_, registry_, PublishedCluster{config_, breakers_, hosts_}));
  }
  void SetHosts(const Assignment& assignment) {
    hosts_ = BuildHostSet(*config_, assignment, hosts_).hosts;
    cluster_->SetHosts(hosts_);
  }
  void Settle() {
    for (int turns = 0; turns < 20; ++turns) loop_.RunOnce(kMillisecond);
  }
  // Turns until the exchange has come to that.
  bool Comes(const Exchange& asked, State state) {
    for (int turns = 0; turns < 2000 && asked.state != state; ++turns) {
      loop_.RunOnce(5 * kMillisecond);
    }
    return asked.state == state;
  }
  stats::ClusterStats& stats() { return cluster_->stats(); }
  uint32_t connections() const {
    return breakers_->of(RoutingPriority::kDefault).connections.count();
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  std::shared_ptr<ClusterConfig> config_;
  std::shared_ptr<const CircuitBreakers> breakers_ = std::make_shared<const CircuitBreakers>();
  std::shared_ptr<const HostSet> hosts_;
  base::Rc<WorkerCluster> cluster_;
};

TEST_F(AddressRaceTest, TheNextIsTriedAtOnceWhenOneRefuses) {
  const Origin origin;
  Start({Refusing(), Refusing(), origin.address()});
  Asked asked;
  cluster_->Acquire(asked);
  EXPECT_TRUE(Comes(asked, State::kActive));
  EXPECT_TRUE(origin.Accept().valid());
  EXPECT_EQ(stats().upstream_cx_total.value(), 3u);  // As Envoy counts.
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_connect_fail.value(), 0u);
  EXPECT_EQ(connections(), 1u);
}

TEST_F(AddressRaceTest, TheNextIsTriedAWhileAfterOneThatIsSilent) {
  const Silent silent;
  const Origin origin;
  Start({silent.address(), origin.address()});
  Asked asked;
  cluster_->Acquire(asked);
  const int before = OpenDescriptors();
  clock_.Advance(290 * kMillisecond);
  Settle();
  EXPECT_FALSE(origin.Accept().valid());
  clock_.Advance(20 * kMillisecond);
  EXPECT_TRUE(Comes(asked, State::kActive));
  // The connection took the place of the silent try.
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_TRUE(origin.Accept().valid());
}

TEST_F(AddressRaceTest, TheFirstIsUsedWhereItAnswers) {
  const Silent silent;
  const Origin origin;
  Start({origin.address(), silent.address()});
  Asked asked;
  cluster_->Acquire(asked);
  EXPECT_TRUE(Comes(asked, State::kActive));
  clock_.Advance(base::kSecond);
  Settle();
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
}

TEST_F(AddressRaceTest, AFailureOfAllIsOneFailure) {
  Start({Refusing(), Refusing()});
  Asked asked;
  cluster_->Acquire(asked);
  EXPECT_TRUE(Comes(asked, State::kFailed));
  EXPECT_EQ(asked.failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(stats().upstream_cx_connect_fail.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_active.value(), 0u);
  EXPECT_EQ(connections(), 0u);
}

TEST_F(AddressRaceTest, ARefusalDoesNotEndTheOthers) {
  const Silent silent;
  Start({silent.address(), Refusing()});
  Asked asked;
  cluster_->Acquire(asked);
  clock_.Advance(310 * kMillisecond);  // The second is tried, and refuses.
  Settle();
  EXPECT_EQ(asked.state, State::kPending);
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);
  clock_.Advance(config_->connect_timeout);
  EXPECT_TRUE(Comes(asked, State::kFailed));
  EXPECT_EQ(asked.failure, PoolFailure::kConnectTimeout);
  EXPECT_EQ(stats().upstream_cx_connect_timeout.value(), 1u);
}

TEST_F(AddressRaceTest, TheTimeoutIsForAllTogether) {
  const Silent silent;
  const Origin origin;
  config_->connect_timeout = 500 * kMillisecond;
  Start({silent.address(), silent.address(), silent.address(), origin.address()});
  Asked asked;
  cluster_->Acquire(asked);
  const int before = OpenDescriptors();
  clock_.Advance(310 * kMillisecond);
  Settle();
  EXPECT_EQ(OpenDescriptors(), before + 1);
  clock_.Advance(200 * kMillisecond);
  EXPECT_TRUE(Comes(asked, State::kFailed));
  EXPECT_EQ(asked.failure, PoolFailure::kConnectTimeout);
  EXPECT_FALSE(origin.Accept().valid());
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST_F(AddressRaceTest, AClusterThatGoesEndsTheRace) {
  const Silent silent;
  const int before = OpenDescriptors();
  Start({silent.address(), silent.address(), silent.address()});
  {
    Asked asked;
    cluster_->Acquire(asked);
    clock_.Advance(310 * kMillisecond);
    Settle();
    EXPECT_EQ(OpenDescriptors(), before + 2);
  }
  cluster_ = base::Rc<WorkerCluster>();
  loop_.RunOnce(0);
  EXPECT_EQ(OpenDescriptors(), before);
}

// close_connections_on_host_set_change: with each host that comes or goes, and with nothing else.
TEST_F(AddressRaceTest, ConnectionsEndWhenTheSetOfHostsChanges) {
  const Origin origin;
  config_->close_connections_on_host_set_change = true;
  config_->preconnect_ratio = 3;  // So that one is idle.
  Start({origin.address()});
  Asked asked;
  asked.needs = nullptr;
  cluster_->Acquire(asked);
  EXPECT_TRUE(Comes(asked, State::kActive));
  Settle();
  const uint64_t open = stats().upstream_cx_active.value();
  ASSERT_GT(open, 1u);
  SetHosts(At({origin.address()}));
  Settle();
  EXPECT_EQ(stats().upstream_cx_active.value(), open);
  Assignment more = At({origin.address()});
  more.localities.push_back(At({Refusing()}).localities[0]);
  SetHosts(more);
  Settle();
  EXPECT_EQ(stats().upstream_cx_active.value(), 1u);  // That of the request under way.
}

}  // namespace
}  // namespace proxenos::upstream
