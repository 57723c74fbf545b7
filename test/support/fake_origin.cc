// The fake origin's threads.
#include "test/support/fake_origin.h"

#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::testing {
namespace {

std::string Head(int status, const Fields& headers) {
  std::string head =
      absl::StrCat("HTTP/1.1 ", status, " ", status == 200 ? "OK" : "Scripted", "\r\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
  return head;
}

}  // namespace

const Message& OriginExchange::ReadBody() {
  if (!body_read_) {
    body_read_ = true;
    reader_.ReadBody(request_);
    origin_.Record(request_);
  }
  return request_;
}

bool OriginExchange::Reply(int status, const Fields& headers, absl::string_view body) {
  std::string text = Head(status, headers);
  if (status >= 200 && status != 204 && status != 304) {
    absl::StrAppend(&text, "content-length: ", body.size(), "\r\n");
  }
  absl::StrAppend(&text, "\r\n", request_.method() == "HEAD" ? "" : body);
  return Send(text);
}

bool OriginExchange::ReplyChunked(int status, const Fields& headers,
                                  const std::vector<std::string>& chunks, const Fields& trailers) {
  std::string text = Head(status, headers) + "transfer-encoding: chunked\r\n\r\n";
  for (const std::string& chunk : chunks) {
    absl::StrAppend(&text, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
  }
  text += "0\r\n";
  for (const auto& [name, value] : trailers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  return Send(text + "\r\n");
}

FakeOrigin::FakeOrigin(std::string name, uint16_t port)
    : name_(std::move(name)), listener_(port), port_(listener_.port()) {
  acceptor_ = std::thread([this] { Accept(); });
}

FakeOrigin::~FakeOrigin() {
  Kill();
  for (const auto& connection : connections_) connection->thread.join();
}

void FakeOrigin::On(const std::string& prefix, Script script) {
  const std::lock_guard<std::mutex> lock(mutex_);
  scripts_[prefix] = std::make_shared<const Script>(std::move(script));
}

void FakeOrigin::Kill() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (killed_) return;
    killed_ = true;
  }
  listener_.Abort();
  acceptor_.join();
  listener_.Close();
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& connection : connections_) {
    if (!connection->ended) connection->socket.Abort();
  }
}

std::vector<Message> FakeOrigin::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

size_t FakeOrigin::request_count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_.size();
}

int FakeOrigin::connection_count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int>(connections_.size());
}

Message FakeOrigin::WaitForRequest(size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  const bool came = changed_.wait_for(lock, std::chrono::seconds(kPatienceSeconds),
                                      [&] { return requests_.size() >= count; });
  return came ? requests_[count - 1] : Message();
}

bool FakeOrigin::WaitForEndedConnections(int count) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(kPatienceSeconds),
                           [&] { return ended_ >= count; });
}

void FakeOrigin::Accept() {
  for (;;) {
    Socket socket = listener_.Accept();
    if (!socket.valid()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (killed_) return;
    connections_.push_back(std::make_unique<Connection>());
    Connection& connection = *connections_.back();
    connection.socket = std::move(socket);
    const int number = static_cast<int>(connections_.size());
    connection.thread = std::thread([this, &connection, number] { Serve(connection, number); });
  }
}

void FakeOrigin::Serve(Connection& connection, int number) {
  MessageReader reader(connection.socket);
  while (ServeOne(connection.socket, reader, number)) {
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  connection.socket.Close();
  connection.ended = true;
  ++ended_;
  changed_.notify_all();
}

bool FakeOrigin::ServeOne(Socket& socket, MessageReader& reader, int number) {
  OriginExchange exchange(*this, socket, reader, number);
  if (!reader.ReadHead(exchange.request_)) return false;
  const std::shared_ptr<const Script> script = Find(exchange.request_.target());
  if (script != nullptr) {
    (*script)(exchange);
  } else {
    exchange.ReadBody();
    exchange.Reply(200, {{"x-origin", name_}, {"content-type", "text/plain"}}, name_);
  }
  if (exchange.reset_) {
    socket.ArmReset();
  } else {
    exchange.ReadBody();
  }
  return !exchange.close_ &&
         !absl::EqualsIgnoreCase(exchange.request_.Header("connection"), "close");
}

std::shared_ptr<const FakeOrigin::Script> FakeOrigin::Find(const std::string& target) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<const Script> best;
  size_t best_size = 0;
  for (const auto& [prefix, script] : scripts_) {
    if (absl::StartsWith(target, prefix) && prefix.size() >= best_size) {
      best = script;
      best_size = prefix.size();
    }
  }
  return best;
}

void FakeOrigin::Record(const Message& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
}

}  // namespace proxenos::testing
