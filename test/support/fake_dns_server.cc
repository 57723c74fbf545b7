// RFC 1035 messages, as few as name resolution needs.
#include "test/support/fake_dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "source/base/check.h"

namespace proxenos::testing {
namespace {

constexpr int kTypeA = 1;
constexpr int kTypeCname = 5;
constexpr int kTypeAaaa = 28;

void Put16(std::string& out, uint32_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

void Put32(std::string& out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

void PutName(std::string& out, const std::string& name) {
  size_t start = 0;
  while (start < name.size()) {
    size_t dot = name.find('.', start);
    if (dot == std::string::npos) dot = name.size();
    out += static_cast<char>(dot - start);
    out.append(name, start, dot - start);
    start = dot + 1;
  }
  out += '\0';
}

void PutRecord(std::string& out, const std::string& name, int type, uint32_t ttl,
               const std::string& data) {
  PutName(out, name);
  Put16(out, type);
  Put16(out, 1);  // IN
  Put32(out, ttl);
  Put16(out, static_cast<uint32_t>(data.size()));
  out += data;
}

std::string AddressBytes(const std::string& ip) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, ip.c_str(), bytes) == 1) return std::string(bytes, bytes + 4);
  CHECK(inet_pton(AF_INET6, ip.c_str(), bytes) == 1);
  return std::string(bytes, bytes + 16);
}

struct Question {
  std::string name;
  int type = 0;
  size_t end = 0;  // Of the question section.
};

Question Parse(const std::string& request) {
  Question question;
  size_t at = 12;
  while (at < request.size() && request[at] != 0) {
    const size_t length = static_cast<unsigned char>(request[at]);
    if (!question.name.empty()) question.name += '.';
    question.name += request.substr(at + 1, length);
    at += 1 + length;
  }
  CHECK(at + 5 <= request.size());
  question.type = static_cast<unsigned char>(request[at + 1]) << 8 |
                  static_cast<unsigned char>(request[at + 2]);
  question.end = at + 5;
  return question;
}

int Bind(int type, const net::Address& address) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0) return fd;
  close(fd);
  return -1;
}

void SendTo(int fd, const std::string& bytes, const net::Address& to) {
  socklen_t size;
  const sockaddr_storage storage = to.ToSockaddr(&size);
  sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&storage), size);
}

}  // namespace

FakeDnsServer::FakeDnsServer() {
  // The same port for both: another process may hold the TCP one, then a new pair is tried.
  const net::Address any_port = *net::Address::FromIp("127.0.0.1", 0);
  for (int i = 0; i < 100 && tcp_ < 0; ++i) {
    if (udp_ >= 0) close(udp_);
    udp_ = Bind(SOCK_DGRAM, any_port);
    CHECK(udp_ >= 0);
    address_ = net::Address::LocalOf(udp_);
    tcp_ = Bind(SOCK_STREAM, address_);
  }
  CHECK(tcp_ >= 0 && listen(tcp_, 16) == 0);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Serve(); });
}

FakeDnsServer::~FakeDnsServer() {
  const uint64_t one = 1;
  CHECK(write(stop_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  for (int fd : {udp_, tcp_, stop_}) close(fd);
}

void FakeDnsServer::Set(const std::string& name, DnsScript script) {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_[name] = std::move(script);
}

void FakeDnsServer::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  released_ = true;
  for (const Held& held : held_) SendTo(udp_, held.reply, held.to);
  held_.clear();
}

std::vector<std::string> FakeDnsServer::Questions() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return questions_;
}

void FakeDnsServer::Serve() {
  pollfd fds[] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {stop_, POLLIN, 0}};
  while (poll(fds, 3, -1) > 0 && fds[2].revents == 0) {
    if (fds[0].revents != 0) ServeUdp();
    if (fds[1].revents != 0) ServeTcp();
  }
}

std::vector<FakeDnsServer::Datagram> FakeDnsServer::Datagrams() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return datagrams_;
}

void FakeDnsServer::ServeUdp() {
  char bytes[4096];
  sockaddr_storage from;
  socklen_t size = sizeof(from);
  const ssize_t n =
      recvfrom(udp_, bytes, sizeof(bytes), 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (n < 12) return;
  const net::Address to = net::Address::FromSockaddr(reinterpret_cast<sockaddr*>(&from), size);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    datagrams_.push_back({to.port(), std::string(bytes, static_cast<size_t>(n))});
  }
  bool hold = false;
  std::string reply = Reply(std::string(bytes, n), false, hold);
  if (reply.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (hold && !released_) {
    held_.push_back({std::move(reply), to});
  } else {
    SendTo(udp_, reply, to);
  }
}

void FakeDnsServer::ServeTcp() {
  const int fd = accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  unsigned char length[2];
  if (recv(fd, length, 2, MSG_WAITALL) == 2) {
    std::string request(length[0] << 8 | length[1], '\0');
    if (recv(fd, request.data(), request.size(), MSG_WAITALL) ==
        static_cast<ssize_t>(request.size())) {
      bool hold = false;
      const std::string reply = Reply(request, true, hold);
      std::string framed;
      Put16(framed, static_cast<uint32_t>(reply.size()));
      framed += reply;
      send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
    }
  }
  close(fd);
}

std::string FakeDnsServer::Reply(const std::string& request, bool tcp, bool& hold) {
  const Question question = Parse(request);
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string type = question.type == kTypeA      ? " A"
                           : question.type == kTypeAaaa ? " AAAA"
                                                        : " ?";
  questions_.push_back(question.name + type + (tcp ? "/tcp" : ""));
  const auto it = scripts_.find(question.name);
  DnsScript script;
  if (it == scripts_.end()) {
    script.rcode = 3;
  } else {
    script = it->second;
  }
  if (script.drop) return "";
  hold = script.hold;
  if (!script.garbage.empty()) return request.substr(0, 2) + script.garbage;

  const bool truncated = script.truncated && !tcp;
  std::string answers;
  int count = 0;
  const std::string& owner = script.cname.empty() ? question.name : script.cname;
  if (!script.cname.empty()) {
    std::string target;
    PutName(target, script.cname);
    PutRecord(answers, question.name, kTypeCname, script.cname_ttl, target);
    ++count;
  }
  const auto& ips = question.type == kTypeA ? script.v4 : script.v6;
  for (const std::string& ip : ips) {
    PutRecord(answers, owner, question.type, script.ttl, AddressBytes(ip));
    ++count;
  }
  std::string reply = request.substr(0, 2);
  if (script.wrong_id) reply[0] = static_cast<char>(reply[0] ^ 0x55);
  Put16(reply, 0x8180 | (truncated ? 0x200 : 0) | script.rcode);
  Put16(reply, 1);
  Put16(reply, truncated ? 0 : count);
  Put16(reply, 0);
  Put16(reply, 0);
  reply += request.substr(12, question.end - 12);
  if (!truncated) reply += answers;
  return reply;
}

}  // namespace proxenos::testing
