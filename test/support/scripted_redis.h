// ScriptedRedis: a Redis that keeps nothing, on the test's own loop: it greets, has a log of purges
// with one record, and leaves questions for entries unanswered until the test says so.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/net/address.h"
#include "source/net/connection.h"
#include "source/net/socket.h"

namespace proxenos::testing {

// Owner: the test. Thread: the loop's.
class ScriptedRedis final : public event::IoHandler {
 public:
  explicit ScriptedRedis(event::EventLoop& loop) : loop_(loop) {
    auto fd = net::BindListenSocket(*net::Address::FromIp("127.0.0.1", 0), {});
    CHECK(fd.ok() && net::Listen(fd->get(), {}).ok());
    listening_ = *std::move(fd);
    port_ = net::Address::LocalOf(listening_.get()).port();
    loop_.WatchLevel(listening_.get(), EPOLLIN, this);
  }

  uint16_t port() const { return port_; }
  // Somebody waits for the log's next record.
  bool followed() const { return followed_; }
  // Questions for entries that wait.
  size_t asked() const {
    size_t count = 0;
    for (const auto& one : connections_) count += one->unanswered;
    return count;
  }
  // Nothing is stored there: says so to all who wait.
  void AnswerNothing() {
    for (const auto& one : connections_) one->AnswerNothing();
  }
  void BreakOff() {
    for (const auto& one : connections_) one->connection.Close();
  }

  void OnIo(uint32_t) override {
    net::UniqueFd fd(accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    if (fd.valid()) connections_.push_back(std::make_unique<Client>(*this, std::move(fd)));
  }

 private:
  struct Client final : public event::IoHandler {
    Client(ScriptedRedis& redis, net::UniqueFd fd)
        : owner(redis), connection(redis.loop_, fd.Release(), this) {}

    void OnIo(uint32_t events) override {
      if (!connection.open()) return;
      connection.Note(events);
      buffer::Slice bytes;
      while (connection.may_read()) {
        const net::ReadStatus status = connection.Read(&bytes);
        if (status == net::ReadStatus::kNothing) break;
        if (status != net::ReadStatus::kBytes) return connection.Close();
        text.append(bytes.data(), bytes.size());
      }
      std::vector<std::string> command;
      while (Take(&command)) Do(command);
    }

    // One command off the front: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n".
    bool Take(std::vector<std::string>* command) {
      size_t at = 0;
      uint32_t count;
      if (!Number('*', &at, &count)) return false;
      command->clear();
      for (uint32_t i = 0; i < count; ++i) {
        uint32_t size;
        if (!Number('$', &at, &size) || text.size() < at + size + 2) return false;
        command->push_back(text.substr(at, size));
        at += size + 2;
      }
      text.erase(0, at);
      return true;
    }
    bool Number(char kind, size_t* at, uint32_t* number) const {
      const size_t end = text.find("\r\n", *at);
      if (end == std::string::npos) return false;
      CHECK(text[*at] == kind);
      CHECK(absl::SimpleAtoi(absl::string_view(text).substr(*at + 1, end - *at - 1), number));
      *at = end + 2;
      return true;
    }

    void Do(const std::vector<std::string>& command) {
      const std::string name = absl::AsciiStrToUpper(command[0]);
      if (name == "PING") return Say("+PONG\r\n");
      if (name == "XRANGE") {
        return Say("*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$5\r\nbegin\r\n$0\r\n\r\n");
      }
      if (name == "XREAD") {
        owner.followed_ = true;  // It waits.
      } else if (name == "GET" || name == "SRANDMEMBER") {
        ++unanswered;
      } else {
        Say(":0\r\n");
      }
    }
    void AnswerNothing() {
      for (; unanswered > 0; --unanswered) Say("*0\r\n");
    }
    void Say(absl::string_view bytes) {
      if (!connection.open()) return;
      connection.out().Append(bytes);
      connection.Flush();
    }

    ScriptedRedis& owner;
    net::Connection connection;
    std::string text;
    size_t unanswered = 0;
  };

  event::EventLoop& loop_;
  net::UniqueFd listening_;
  uint16_t port_ = 0;
  bool followed_ = false;
  std::vector<std::unique_ptr<Client>> connections_;
};

}  // namespace proxenos::testing
