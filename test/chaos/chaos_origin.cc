// The origin's threads, and its faults.
#include "test/chaos/chaos_origin.h"

#include <poll.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proxenos::testing {
namespace {

constexpr int kHangMs = 400;
constexpr int kSlowMs = 10;

// Responses whose head is no head, or contradicts itself.
constexpr const char* kNonsense[] = {
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/9.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: nothing\r\n\r\n",
    "\r\n\r\n\r\n",
};

// One request and what this origin does about it.
class Exchange {
 public:
  Exchange(Ledger& ledger, Socket& socket, MessageReader& reader, base::Random& random)
      : ledger_(ledger), socket_(socket), reader_(reader), random_(random) {}

  // False: the connection is to end.
  bool Run(const std::atomic<Conduct>& conduct) {
    if (!reader_.ReadHead(request_)) return false;
    token_ = request_.Header("x-token");
    if (token_.empty()) return HealthCheck(conduct);
    ledger_.OnAttempt(token_);
    Conduct now = conduct;
    if (random_.Below(4) == 0) now = Conduct::kGood;
    if (now == Conduct::kHasty) return BeHasty();
    return ReadBody() && Do(now);
  }

 private:
  bool HealthCheck(const std::atomic<Conduct>& conduct) {
    if (!ReadBody()) return false;
    return socket_.Send(conduct == Conduct::kServerError
                            ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
                            : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }

  bool ReadBody() {
    reader_.ReadBody(request_);
    if (!request_.complete) return false;
    if (token_.empty() || request_.body.empty()) return true;
    if (request_.body == BodyOf(token_, request_.body.size())) return true;
    ledger_.Fail(absl::StrCat("an origin got another's bytes with ", request_.head,
                              request_.body.substr(0, 200)));
    return false;
  }

  bool Do(Conduct conduct) {
    switch (conduct) {
      case Conduct::kGood:
      case Conduct::kHasty:
        return Answer(0);
      case Conduct::kSlow:
        poll(nullptr, 0, kSlowMs);
        return Answer(500 + random_.Below(5000));
      case Conduct::kTalkative:
        return BeTalkative();
      case Conduct::kHangs:
        poll(nullptr, 0, kHangMs);
        return false;
      case Conduct::kCutsBody:
        return CutBody();
      case Conduct::kCloses:
        if (random_.Below(2) == 0) socket_.ArmReset();
        return false;
      case Conduct::kNonsense:
        return TalkNonsense();
      case Conduct::kServerError:
        return socket_.Send(absl::StrCat("HTTP/1.1 503 No\r\nx-token: ", token_,
                                         "\r\nContent-Length: 3\r\n\r\nbad"));
    }
    return false;
  }

  size_t WantedSize() const {
    size_t size = 0;
    return absl::SimpleAtoi(request_.Header("x-size"), &size) ? size : 0;
  }
  std::string Head(bool chunked) const {
    return absl::StrCat(
        "HTTP/1.1 200 OK\r\nx-token: ", token_, "\r\n",
        chunked ? "Transfer-Encoding: chunked" : absl::StrCat("Content-Length: ", WantedSize()),
        "\r\n\r\n");
  }

  // A whole and right answer, in pieces of up to `piece` bytes when that is not 0.
  bool Answer(size_t piece) {
    const bool chunked = random_.Below(2) == 0;
    std::string text = Head(chunked);
    if (request_.method() != "HEAD") {
      const std::string body = BodyOf(token_, WantedSize());
      if (!chunked) {
        text += body;
      } else if (!body.empty()) {
        absl::StrAppend(&text, absl::Hex(body.size()), ";ext=1\r\n", body, "\r\n0\r\n\r\n");
      } else {
        text += "0\r\n\r\n";
      }
    }
    return Sent(piece == 0 ? socket_.Send(text)
                           : socket_.SendInPieces(text, random_.Next(), piece));
  }
  bool Sent(bool all) {
    if (all) {
      ledger_.OnAnswered(token_);
    } else {
      ledger_.OnCut(token_);  // Killed meanwhile.
    }
    return all;
  }

  // A client that still sends its body may have its connection reset before it reads the answer.
  bool BeHasty() {
    if (request_.Has("content-length") || request_.Has("transfer-encoding")) ledger_.OnCut(token_);
    Answer(0);
    ReadBody();
    return false;
  }

  bool BeTalkative() {
    if (request_.method() == "HEAD" || random_.Below(2) == 0) {
      return socket_.Send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n") && Answer(0);
    }
    const std::string body = BodyOf(token_, WantedSize());
    Sent(socket_.Send(absl::StrCat(Head(false), body,
                                   "HTTP/1.1 200 OK\r\nx-token: unasked\r\n"
                                   "Content-Length: 7\r\n\r\nunasked")));
    return false;
  }

  bool CutBody() {
    if (request_.method() == "HEAD" || WantedSize() < 2) return false;
    ledger_.OnCut(token_);
    const bool chunked = random_.Below(2) == 0;
    const std::string part = BodyOf(token_, random_.Below(WantedSize()));
    socket_.Send(absl::StrCat(
        Head(chunked),
        chunked && !part.empty() ? absl::StrCat(absl::Hex(part.size() + 1), "\r\n") : "", part));
    if (random_.Below(2) == 0) socket_.ArmReset();
    return false;
  }

  bool TalkNonsense() {
    const uint64_t which = random_.Below(std::size(kNonsense) + 2);
    if (which < std::size(kNonsense)) {
      socket_.Send(kNonsense[which]);
    } else if (which == std::size(kNonsense)) {
      socket_.Send(absl::StrCat("HTTP/1.1 200 OK\r\nx-long: ", std::string(200'000, 'x')));
    } else {
      ledger_.OnCut(token_);
      socket_.Send(absl::StrCat(Head(true), "zz\r\nno chunk\r\n"));
    }
    return false;
  }

  Ledger& ledger_;
  Socket& socket_;
  MessageReader& reader_;
  base::Random& random_;
  Message request_;
  std::string token_;
};

}  // namespace

ChaosOrigin::ChaosOrigin(Ledger& ledger, uint64_t seed) : ledger_(ledger), random_(seed) {
  Listen();
}

ChaosOrigin::~ChaosOrigin() { Kill(); }

void ChaosOrigin::Listen() {
  listener_.emplace(port_);
  port_ = listener_->port();
  acceptor_ = std::thread([this] { Accept(); });
}

void ChaosOrigin::Kill() {
  if (!alive()) return;
  listener_->Abort();
  acceptor_.join();
  listener_.reset();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Connection& connection : connections_) {
      if (!connection.ended) connection.socket.Abort();
    }
  }
  Reap(true);
}

void ChaosOrigin::Revive() {
  if (!alive()) Listen();
}

void ChaosOrigin::Accept() {
  for (;;) {
    Socket socket = listener_->Accept();
    if (!socket.valid()) return;
    Reap(false);
    const std::lock_guard<std::mutex> lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    const uint64_t seed = random_.Next();
    connection.thread = std::thread([this, &connection, seed] { Serve(connection, seed); });
  }
}

void ChaosOrigin::Serve(Connection& connection, uint64_t seed) {
  base::Random random(seed);
  MessageReader reader(connection.socket);
  while (Exchange(ledger_, connection.socket, reader, random).Run(conduct_)) {
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  connection.socket.Close();
  connection.ended = true;
}

void ChaosOrigin::Reap(bool all) {
  std::list<Connection> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (all || it->ended) gone.splice(gone.end(), connections_, it);
      it = next;
    }
  }
  for (Connection& connection : gone) connection.thread.join();
}

}  // namespace proxenos::testing
