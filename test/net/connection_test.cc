// A connection over a socket pair: reads in parts, held bytes, blocked writes, ends of all kinds.
#include "source/net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/base/check.h"
#include "test/support/sim_clock.h"

namespace proxenos::net {
namespace {

using ReadStatus = Connection::ReadStatus;
using FlushStatus = Connection::FlushStatus;

class ConnectionTest : public ::testing::Test, public event::IoHandler {
 protected:
  ConnectionTest() : loop_(clock_) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_) == 0);
    connection_.emplace(loop_, fds_[0], this);
  }
  ~ConnectionTest() override { ClosePeer(); }

  void OnIo(uint32_t events) override { connection_->Note(events); }
  void Turn() { loop_.RunOnce(0); }

  void Send(const std::string& bytes) {
    ASSERT_EQ(write(fds_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    Turn();
  }
  void ClosePeer() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  std::string PeerReads() {
    std::string all;
    char bytes[65536];
    for (ssize_t n; (n = read(fds_[1], bytes, sizeof(bytes))) > 0;) {
      all.append(bytes, static_cast<size_t>(n));
    }
    return all;
  }

  testing::SimClock clock_;
  event::EventLoop loop_;
  int fds_[2];
  std::optional<Connection> connection_;
};

TEST_F(ConnectionTest, ShortReadMeansDrained) {
  Send("hello");
  buffer::Slice bytes;
  EXPECT_TRUE(connection_->may_read());
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "hello");
  EXPECT_FALSE(connection_->may_read());
  EXPECT_EQ(connection_->Read(&bytes), ReadStatus::kNothing);
  Send("again");
  EXPECT_TRUE(connection_->may_read());
  EXPECT_EQ(connection_->bytes_read(), 5u);
}

TEST_F(ConnectionTest, HeldBytesComeBackInFrontWhereverTheyMove) {
  const std::string message(5000, 'm');
  for (size_t sent = 0; sent < message.size(); sent += 100) {
    Send(message.substr(sent, 100));
    while (connection_->may_read()) {  // What is held may have room for a part only.
      buffer::Slice bytes;
      if (connection_->Read(&bytes) != ReadStatus::kBytes) break;
      ASSERT_EQ(bytes.view(), message.substr(0, bytes.size()));
      connection_->Hold(std::move(bytes));
    }
  }
  EXPECT_EQ(connection_->TakeHeld().view(), message);
  EXPECT_FALSE(connection_->holds());
}

TEST_F(ConnectionTest, HeldBytesDoNotPinTheLentSlab) {
  Send(std::string(2000, 'h'));
  buffer::Slice bytes;
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  char* const lent = bytes.data();
  connection_->Hold(bytes.Sub(1990, 10));
  bytes = buffer::Slice();
  EXPECT_EQ(buffer::SlabPool::ThisThread().Lend(1).data, lent);
  EXPECT_EQ(connection_->TakeHeld().view(), std::string(10, 'h'));
  EXPECT_FALSE(connection_->holds());
}

// Bytes that others still look at must not move under their feet, nor be overwritten.
TEST_F(ConnectionTest, HeldBytesThatAreSharedAreCopied) {
  Send("abcdef");
  buffer::Slice bytes;
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  const buffer::Slice shared = bytes.Sub(0, 6);
  connection_->Hold(std::move(bytes));
  Send("ghi");
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "abcdefghi");
  EXPECT_NE(bytes.data(), shared.data());
  EXPECT_EQ(shared.view(), "abcdef");
}

TEST_F(ConnectionTest, EndComesAfterTheData) {
  ASSERT_EQ(write(fds_[1], "last", 4), 4);
  ClosePeer();
  Turn();
  EXPECT_TRUE(connection_->peer_closed());
  buffer::Slice bytes;
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "last");
  EXPECT_TRUE(connection_->may_read()) << "the end is still to be seen, and no edge will tell";
  EXPECT_EQ(connection_->Read(&bytes), ReadStatus::kEnd);
  EXPECT_FALSE(connection_->may_read());
}

TEST_F(ConnectionTest, FlushBlocksAndGoesOn) {
  const std::string block(64 * 1024, 'b');
  size_t written = 0;
  Turn();
  do {
    connection_->out().Append(block);
    written += block.size();
    ASSERT_LT(written, 64u << 20);
  } while (connection_->Flush() == FlushStatus::kDone);
  EXPECT_EQ(connection_->Flush(), FlushStatus::kBlocked);
  std::string received;
  for (int i = 0; i < 1000 && received.size() < written; ++i) {
    received += PeerReads();
    Turn();
    connection_->Flush();
  }
  EXPECT_EQ(received.size(), written);
  EXPECT_TRUE(connection_->out().empty());
  EXPECT_EQ(connection_->bytes_written(), written);
}

TEST_F(ConnectionTest, ManySmallSlicesLeaveInOrder) {
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    const std::string piece(3000, static_cast<char>('a' + i % 26));
    connection_->out().Append(buffer::Slice::Copy(piece));
    expected += piece;
  }
  std::string received;
  for (int i = 0; i < 1000 && received.size() < expected.size(); ++i) {
    connection_->Flush();
    received += PeerReads();
    Turn();
  }
  EXPECT_EQ(received, expected);
}

TEST_F(ConnectionTest, WritingToTheDeadIsAnErrorNotASignal) {
  ClosePeer();
  connection_->out().Append("x");
  EXPECT_EQ(connection_->Flush(), FlushStatus::kError);
}

TEST_F(ConnectionTest, ShutdownLetsThePeerSeeTheEnd) {
  connection_->out().Append("bye");
  EXPECT_EQ(connection_->Flush(), FlushStatus::kDone);
  connection_->ShutdownWrite();
  EXPECT_EQ(PeerReads(), "bye");
  char byte;
  EXPECT_EQ(read(fds_[1], &byte, 1), 0);
}

TEST_F(ConnectionTest, ClosedIsClosed) {
  connection_->out().Append("dropped");
  connection_->Close();
  EXPECT_FALSE(connection_->open());
  buffer::Slice bytes;
  EXPECT_EQ(connection_->Read(&bytes), ReadStatus::kError);
  EXPECT_EQ(connection_->Flush(), FlushStatus::kError);
  connection_->ShutdownWrite();
  connection_->Close(true);
  EXPECT_EQ(PeerReads(), "");
}

TEST_F(ConnectionTest, PeekLeavesWhatSkipTakes) {
  Send("hello world");
  char room[64];
  uint32_t got = 0;
  ASSERT_EQ(connection_->Peek(room, sizeof(room), &got), ReadStatus::kBytes);
  EXPECT_EQ(std::string(room, got), "hello world");
  ASSERT_EQ(connection_->Peek(room, 5, &got), ReadStatus::kBytes);
  EXPECT_EQ(std::string(room, got), "hello");
  connection_->Skip(6);
  buffer::Slice bytes;
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "world");
  EXPECT_EQ(connection_->bytes_read(), 11u);
  EXPECT_EQ(connection_->Peek(room, sizeof(room), &got), ReadStatus::kNothing);
  ClosePeer();
  EXPECT_EQ(connection_->Peek(room, sizeof(room), &got), ReadStatus::kEnd);
}

// The next owner of a socket.
class Successor final : public event::IoHandler {
 public:
  Successor(event::EventLoop& loop, Connection&& from) : connection(std::move(from)) {
    connection.Watch(loop, this);
  }
  void OnIo(uint32_t events) override { connection.Note(events); }
  Connection connection;
};

TEST_F(ConnectionTest, ChangingHandsLosesNoEdge) {
  // Bytes whose edge the old handler is told of, but that nobody has read.
  Send("early");
  char room[64];
  uint32_t got = 0;
  ASSERT_EQ(connection_->Peek(room, sizeof(room), &got), ReadStatus::kBytes);
  Successor next(loop_, std::move(*connection_));
  EXPECT_FALSE(connection_->open());
  Turn();
  ASSERT_TRUE(next.connection.may_read());
  buffer::Slice bytes;
  ASSERT_EQ(next.connection.Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "early");
  Send("late");
  ASSERT_TRUE(next.connection.may_read());
  ASSERT_EQ(next.connection.Read(&bytes), ReadStatus::kBytes);
  EXPECT_EQ(bytes.view(), "late");
}

TEST_F(ConnectionTest, WhatIsHeldAndUnsentChangesHandsToo) {
  Send("held");
  buffer::Slice bytes;
  ASSERT_EQ(connection_->Read(&bytes), ReadStatus::kBytes);
  connection_->Hold(std::move(bytes));
  connection_->out().Append("unsent");
  Successor next(loop_, std::move(*connection_));
  EXPECT_EQ(next.connection.TakeHeld().view(), "held");
  EXPECT_EQ(next.connection.Flush(), FlushStatus::kDone);
  EXPECT_EQ(PeerReads(), "unsent");
}

}  // namespace
}  // namespace proxenos::net
