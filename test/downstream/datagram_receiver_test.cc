// What receives datagrams, with a scripted service behind it: bounds, answers, and sockets that are
// handed on.
#include "source/downstream/datagram_receiver.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/cluster_map.h"
#include "test/support/sim_clock.h"

namespace proxenos::downstream {
namespace {

net::Address Loopback() { return *net::Address::FromIp("127.0.0.1", 0); }

// Keeps what comes and answers it, while the book says so.
class Scripted final : public DatagramTerminal {
 public:
  struct Book {
    std::vector<std::string> got;
    std::vector<std::string> sessions;  // The clients' addresses.
    bool answers = true;
    int closed = 0;
    int changes = 0;
  };
  explicit Scripted(Book& book) : book_(book) {}
  std::unique_ptr<DatagramService> MakeService(DatagramService::Parts parts) const override {
    return std::make_unique<Service>(parts, book_);
  }

 private:
  class Service final : public DatagramService {
   public:
    Service(const Parts& parts, Book& book) : receiver_(parts.receiver), book_(book) {}
    void OnDatagram(const Arrived& datagram) override {
      book_.got.emplace_back(datagram.bytes);
      book_.sessions.push_back(datagram.peer.ToString());
      if (!book_.answers) return;
      EXPECT_TRUE(receiver_.Send(datagram.socket, datagram.bytes, datagram.local, datagram.peer));
    }
    void OnReceiveError() override {}
    void OnClustersChanged() override { ++book_.changes; }
    void CloseIdle(base::Nanos) override {}
    void CloseAll() override { ++book_.closed; }
    size_t session_count() const override { return 0; }

   private:
    DatagramReceiver& receiver_;
    Book& book_;
  };

  Book& book_;
};

class DatagramReceiverTest : public ::testing::Test {
 protected:
  DatagramReceiverTest() : loop_(clock_), clusters_(loop_, registry_) {
    config_.max_bytes = 100;
    config_.terminal = std::make_unique<Scripted>(book_);
  }

  void Start(std::vector<net::UniqueFd> sockets) {
    receiver_ = std::make_unique<DatagramReceiver>(
        DatagramReceiver::Parts{environment_, registry_, services_}, config_, "l",
        std::move(sockets));
  }
  void Start() {
    std::vector<net::UniqueFd> sockets;
    sockets.push_back(*net::BindDatagramSocket(Loopback(), {}));
    address_ = net::Address::LocalOf(sockets[0].get());
    Start(std::move(sockets));
    client_ = *net::ConnectDatagramSocket(address_, nullptr);
  }
  void Send(const std::string& bytes) {
    EXPECT_EQ(send(client_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }
  std::vector<std::string> Answers() {
    std::vector<std::string> all;
    net::DatagramReader reader(1000);
    const net::DatagramReader::Result read = reader.Read(client_.get());
    for (const net::Datagram& each : read.datagrams) all.emplace_back(each.bytes);
    return all;
  }
  void Turn() { loop_.RunOnce(base::kMillisecond); }
  uint64_t dropped() {
    for (const stats::ScopeReading& scope : registry_.Read()) {
      if (scope.name.prefix() == "listener.l.udp.") return scope.total.values[0];
    }
    return 0;
  }

  testing::SimClock clock_;
  event::EventLoop loop_;
  stats::Registry registry_;
  upstream::ClusterMap clusters_;
  filter::Environment environment_{loop_, clusters_};
  base::IntrusiveList<DatagramService> services_;
  Scripted::Book book_;
  DatagramConfig config_;
  net::Address address_;
  net::UniqueFd client_;
  std::unique_ptr<DatagramReceiver> receiver_;
};

TEST_F(DatagramReceiverTest, WhatComesIsHandedOnAndAnswered) {
  Start();
  Send("one");
  Send(std::string(101, 'x'));
  Send("two");
  Turn();
  EXPECT_EQ(book_.got, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(book_.sessions[0], net::Address::LocalOf(client_.get()).ToString());
  EXPECT_EQ(Answers(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(dropped(), 1u);
  EXPECT_FALSE(receiver_->Send(7, "x", address_, address_));
}

TEST_F(DatagramReceiverTest, ATurnIsBounded) {
  book_.answers = false;
  Start();
  for (int i = 0; i < 70; ++i) Send("x");
  Turn();
  EXPECT_EQ(book_.got.size(), 64u);
  Turn();
  EXPECT_EQ(book_.got.size(), 70u);
}

TEST_F(DatagramReceiverTest, HeldDatagramsWait) {
  Start();
  receiver_->Hold(true);
  Send("one");
  Turn();
  EXPECT_TRUE(book_.got.empty());
  receiver_->Hold(false);
  Turn();
  EXPECT_EQ(book_.got.size(), 1u);
}

TEST_F(DatagramReceiverTest, SocketsAreHandedOnAndAnswersStillLeave) {
  Start();
  std::vector<net::UniqueFd> sockets = receiver_->Release();
  Send("one");
  Turn();
  EXPECT_TRUE(book_.got.empty());
  const std::unique_ptr<DatagramReceiver> old = std::move(receiver_);
  Start(std::move(sockets));
  Turn();
  EXPECT_EQ(book_.got.size(), 1u);
  EXPECT_TRUE(old->Send(0, "late", address_, net::Address::LocalOf(client_.get())));
  EXPECT_EQ(Answers(), (std::vector<std::string>{"one", "late"}));
}

TEST_F(DatagramReceiverTest, AClosedOneTakesNothing) {
  Start();
  Send("one");
  receiver_->Close();
  EXPECT_EQ(book_.closed, 1);
  Turn();
  EXPECT_TRUE(book_.got.empty());
  EXPECT_FALSE(receiver_->Send(0, "x", address_, address_));
  EXPECT_TRUE(receiver_->Release().empty());
}

TEST_F(DatagramReceiverTest, ServicesAreKnownWhileTheyLive) {
  Start();
  ASSERT_NE(services_.front(), nullptr);
  services_.front()->OnClustersChanged();
  EXPECT_EQ(book_.changes, 1);
  receiver_.reset();
  EXPECT_TRUE(services_.empty());
}

}  // namespace
}  // namespace proxenos::downstream
