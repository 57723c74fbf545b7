// Idle connections that change workers: two workers in one thread, whose loops turn when the test
// says so. After each, the cluster's limits hold nothing that is not there.
#include "source/upstream/lending.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"
#include "test/support/fake_origin.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

using base::kMillisecond;
using State = Exchange::State;

constexpr base::Nanos kMaxWait = 10 * kMillisecond;

// One GET.
struct Asked final : public Exchange {
  Asked() : Exchange(head_storage) { body_limit = 1024; }
  void OnProgress() override {}

  buffer::Arena arena;
  http::ResponseHead head_storage{arena};
};

// Sends its request. REQUIRES: it has a stream.
void Send(Asked& asked) {
  http::RequestHead head(asked.arena);
  head.method_text = "GET";
  head.path = "/";
  head.authority = "a";
  asked.stream->SendHead(head, /*end=*/true);
  buffer::Buffer none;
  asked.stream->SendBody(none, /*end=*/true, nullptr);
}

class LendingTest : public ::testing::Test {
 protected:
  LendingTest() : config_(std::make_shared<ClusterConfig>()) {
    config_->name = "c";
    config_->loans = std::make_shared<const LoanDesk>(kMaxWait);
  }
  ~LendingTest() override {
    Drop(one_);
    Drop(two_);
    EXPECT_EQ(held(), 0u);
  }

  struct Worker {
    explicit Worker(base::Clock& clock) : loop(clock) {}
    event::EventLoop loop;
    base::Rc<WorkerCluster> cluster;
  };

  Assignment AtOrigin() const {
    Assignment assignment;
    assignment.localities.emplace_back().endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", origin_.port());
    return assignment;
  }
  void Start() {
    hosts_ = BuildHostSet(*config_, AtOrigin(), nullptr).hosts;
    for (Worker* worker : {&one_, &two_}) {
      worker->cluster = base::Rc<WorkerCluster>(std::make_unique<WorkerCluster>(
          worker->loop, registry_, PublishedCluster{config_, breakers_, hosts_}));
    }
  }
  static void Drop(Worker& worker) {
    worker.cluster = base::Rc<WorkerCluster>();
    worker.loop.RunOnce(0);
  }
  // Turns of that worker alone, until the exchange has come to that.
  bool Comes(Worker& worker, const Exchange& asked, State state) {
    for (int turns = 0; turns < 2000 && asked.state != state; ++turns) {
      worker.loop.RunOnce(5 * kMillisecond);
    }
    return asked.state == state;
  }
  // What is posted between them, till it comes to rest.
  void Talk() {
    for (int turns = 0; turns < 10; ++turns) {
      one_.loop.RunOnce(0);
      two_.loop.RunOnce(0);
    }
  }
  // A whole request at that worker.
  void Serve(Worker& worker) {
    Asked asked;
    worker.cluster->Acquire(asked);
    Talk();
    ASSERT_TRUE(Comes(worker, asked, State::kActive));
    Send(asked);
    ASSERT_TRUE(Comes(worker, asked, State::kDone));
    EXPECT_EQ(asked.response.status, 200);
  }

  uint32_t held() const { return breakers_->of(RoutingPriority::kDefault).connections.count(); }
  // Over both workers.
  uint64_t active() {
    return one_.cluster->stats().upstream_cx_active.value() +
           two_.cluster->stats().upstream_cx_active.value();
  }

  testing::FakeOrigin origin_;
  testing::SimClock clock_;
  stats::Registry registry_;
  std::shared_ptr<ClusterConfig> config_;
  std::shared_ptr<const CircuitBreakers> breakers_ = std::make_shared<const CircuitBreakers>();
  std::shared_ptr<const HostSet> hosts_;
  Worker one_{clock_};
  Worker two_{clock_};
};

TEST_F(LendingTest, OneConnectionServesBothWorkers) {
  Start();
  Serve(one_);
  for (int i = 0; i < 4; ++i) {
    Worker& borrower = i % 2 == 0 ? two_ : one_;
    Asked asked;
    borrower.cluster->Acquire(asked);
    EXPECT_EQ(asked.state, State::kPending);
    Talk();
    ASSERT_EQ(asked.state, State::kActive);
    EXPECT_TRUE(asked.reused_connection) << "so that it is tried again where the host closed it";
    Send(asked);
    ASSERT_TRUE(Comes(borrower, asked, State::kDone));
    EXPECT_EQ(asked.response.status, 200);
    EXPECT_EQ(borrower.cluster->stats().upstream_cx_active.value(), 1u);
    EXPECT_EQ(active(), 1u);
    EXPECT_EQ(held(), 1u);
  }
  EXPECT_EQ(origin_.connection_count(), 1);
  EXPECT_EQ(two_.cluster->stats().upstream_cx_total.value(), 0u);
}

TEST_F(LendingTest, WithoutItEachWorkerConnects) {
  config_->loans = nullptr;
  Start();
  Serve(one_);
  Serve(two_);
  EXPECT_EQ(origin_.connection_count(), 2);
}

// The limit counts a connection all the way, so that no third may be made while one changes hands.
TEST_F(LendingTest, PlaceInTheLimitsGoesAlong) {
  config_->thresholds.Mutable()[0].max_connections = 1;
  config_->max_connections_per_host = 1;
  Start();
  Serve(one_);
  Asked asked;
  two_.cluster->Acquire(asked);
  one_.loop.RunOnce(0);  // It parts with it: nobody has it now.
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(held(), 1u);
  EXPECT_EQ(hosts_->host(0).connections().load(), 1u);
  two_.loop.RunOnce(0);
  EXPECT_EQ(asked.state, State::kActive);
  EXPECT_EQ(held(), 1u);
  EXPECT_EQ(hosts_->host(0).connections().load(), 1u);
  EXPECT_EQ(two_.cluster->stats().upstream_cx_overflow.value(), 0u);
}

// Who has given its last away may make one beyond the limit: it is not asked to by who has some.
TEST_F(LendingTest, LastConnectionStaysAtTheLimit) {
  config_->thresholds.Mutable()[0].max_connections = 1;
  Start();
  Serve(one_);
  Asked busy;
  two_.cluster->Acquire(busy);
  Talk();
  ASSERT_EQ(busy.state, State::kActive);
  Serve(one_);  // With a connection beyond the limit, the first of this worker.
  EXPECT_EQ(held(), 2u);
  Asked asked;
  two_.cluster->Acquire(asked);
  Talk();
  EXPECT_EQ(asked.state, State::kPending) << "for the connection that is busy";
  EXPECT_EQ(one_.cluster->stats().upstream_cx_active.value(), 1u);
  EXPECT_EQ(held(), 2u);
}

TEST_F(LendingTest, BusyConnectionsStay) {
  Start();
  Asked busy;
  one_.cluster->Acquire(busy);
  ASSERT_TRUE(Comes(one_, busy, State::kActive));
  Asked asked;
  two_.cluster->Acquire(asked);
  Talk();  // The other is asked, and has none.
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  EXPECT_FALSE(asked.reused_connection);
  EXPECT_EQ(active(), 2u);
  EXPECT_EQ(held(), 2u);
}

TEST_F(LendingTest, ConnectionThatTheHostClosedIsNotLent) {
  origin_.On("/", [](testing::OriginExchange& exchange) {
    exchange.Reply(200);
    exchange.Close();
  });
  Start();
  Serve(one_);
  ASSERT_TRUE(origin_.WaitForEndedConnections(1));
  Asked asked;
  two_.cluster->Acquire(asked);
  Talk();
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  EXPECT_FALSE(asked.reused_connection);
  EXPECT_EQ(active(), 1u);
}

TEST_F(LendingTest, WorkerThatDoesNotAnswerIsNotWaitedFor) {
  Start();
  Serve(one_);
  Asked asked;
  two_.cluster->Acquire(asked);
  EXPECT_EQ(two_.cluster->lender()->waiting(), 1u);
  two_.loop.RunOnce(0);
  EXPECT_EQ(asked.state, State::kPending);
  clock_.Advance(2 * kMaxWait);
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  EXPECT_FALSE(asked.reused_connection);
  EXPECT_EQ(two_.cluster->lender()->waiting(), 0u);
  // What it lends at last is idle there then.
  Talk();
  EXPECT_EQ(two_.cluster->stats().upstream_cx_active.value(), 2u);
  EXPECT_EQ(held(), 2u);
  Asked next;
  two_.cluster->Acquire(next);
  EXPECT_EQ(next.state, State::kActive);
  EXPECT_TRUE(next.reused_connection);
}

TEST_F(LendingTest, RequestThatEndsWhileItWaitsLeavesTheConnectionIdle) {
  Start();
  Serve(one_);
  {
    Asked asked;
    two_.cluster->Acquire(asked);
  }
  Talk();
  EXPECT_EQ(two_.cluster->stats().upstream_cx_active.value(), 1u);
  EXPECT_EQ(held(), 1u);
  Serve(two_);
  EXPECT_EQ(origin_.connection_count(), 1);
}

TEST_F(LendingTest, HostThatLeavesMeanwhileGetsItsConnectionClosed) {
  Start();
  Serve(one_);
  {
    Asked asked;
    two_.cluster->Acquire(asked);
    one_.loop.RunOnce(0);
  }
  two_.cluster->SetHosts(BuildHostSet(*config_, Assignment(), hosts_).hosts);
  Talk();
  EXPECT_TRUE(origin_.WaitForEndedConnections(1));
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(two_.cluster->stats().upstream_cx_destroy.value(), 1u);
  EXPECT_EQ(two_.cluster->stats().upstream_cx_destroy_local.value(), 1u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(LendingTest, RequestOfAHostThatLeavesIsServedWithoutALoan) {
  Start();
  Serve(one_);
  Asked asked;
  two_.cluster->Acquire(asked);
  two_.cluster->SetHosts(BuildHostSet(*config_, Assignment(), hosts_).hosts);
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  Talk();
  EXPECT_EQ(held(), 1u) << "its own; the loan came to nobody";
}

TEST_F(LendingTest, WorkerThatGoesMeanwhileLeavesNothing) {
  Start();
  Serve(one_);
  {
    Asked asked;
    two_.cluster->Acquire(asked);
  }
  Drop(two_);
  one_.loop.RunOnce(0);  // Lends, to nobody.
  two_.loop.RunOnce(0);
  EXPECT_TRUE(origin_.WaitForEndedConnections(1));
  EXPECT_EQ(held(), 0u);
}

TEST_F(LendingTest, WorkerThatIsGoneIsNotAsked) {
  Start();
  Serve(one_);
  Asked asked;
  two_.cluster->Acquire(asked);
  Drop(one_);  // Before it heard of it.
  two_.loop.RunOnce(0);
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  EXPECT_FALSE(asked.reused_connection);
}

TEST_F(LendingTest, ClusterThatDrainsLendsNothing) {
  Start();
  Serve(one_);
  Asked asked;
  two_.cluster->Acquire(asked);
  one_.cluster->Drain();
  Talk();
  ASSERT_TRUE(Comes(two_, asked, State::kActive));
  EXPECT_FALSE(asked.reused_connection);
  EXPECT_EQ(held(), 1u);
}

// For the thread sanitizer: each worker on a thread of its own; they begin and end while others ask
// them.
TEST_F(LendingTest, WorkersOnThreads) {
  hosts_ = BuildHostSet(*config_, AtOrigin(), nullptr).hosts;
  std::atomic<int> answered{0};
  const auto work = [this, &answered] {
    base::RealClock clock;
    event::EventLoop loop(clock);
    const base::Rc<WorkerCluster> cluster(std::make_unique<WorkerCluster>(
        loop, registry_, PublishedCluster{config_, breakers_, hosts_}));
    for (int i = 0; i < 200; ++i) {
      Asked asked;
      cluster->Acquire(asked);
      while (asked.state == State::kPending) loop.RunOnce(kMillisecond);
      if (asked.state != State::kActive) return;
      Send(asked);
      while (asked.state == State::kActive) loop.RunOnce(kMillisecond);
      if (asked.state == State::kDone && asked.response.status == 200) ++answered;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 4 * 200);
}

}  // namespace
}  // namespace proxenos::upstream
