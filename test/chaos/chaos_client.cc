// The clients' threads, and the judge.
#include "test/chaos/chaos_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::testing {
namespace {

constexpr size_t kLargestResponse = 400'000;
constexpr size_t kLargestRequest = 50'000;  // What a retry may keep.

// One request of one client.
struct Asked {
  const Road* road = nullptr;
  std::string method = "GET";
  size_t size = 0;       // Of the response.
  size_t body_size = 0;  // Of the request.
  bool chunked = false;
  std::string token;
  bool first = true;  // On its connection.
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

  int64_t AgeMs() const {
    const auto age = std::chrono::steady_clock::now() - begun;
    return std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
  }

  std::string Text() const {
    std::string text = absl::StrCat(method, " ", road->path, "/x HTTP/1.1\r\nHost: chaos\r\n",
                                    "x-token: ", token, "\r\nx-size: ", size, "\r\n");
    const std::string body = BodyOf(token, body_size);
    if (chunked) {
      return absl::StrCat(text, "Transfer-Encoding: chunked\r\n\r\n", absl::Hex(body_size), "\r\n",
                          body, "\r\n0\r\n\r\n");
    }
    if (body_size > 0) absl::StrAppend(&text, "Content-Length: ", body_size, "\r\n");
    return absl::StrCat(text, "\r\n", body);
  }
};

bool Repeatable(const Asked& asked) { return asked.method == "GET" || asked.method == "HEAD"; }

// How often origins may see it. A proxy repeats an idempotent request once when a kept connection
// died under it, whatever the policy; and behind the hop there is another proxy.
int MostAttempts(const Asked& asked) {
  if (!Repeatable(asked)) return asked.road->most_attempts;
  return (asked.road->most_attempts + 1) * (absl::StartsWith(asked.road->path, "/hop") ? 2 : 1);
}

// "" or what is wrong with it.
std::string Wrong(const Asked& asked, const Message& got, const Facts& facts) {
  const int status = got.status();
  const bool late = asked.road->timeout_ms > 0 && asked.AgeMs() >= asked.road->timeout_ms;
  if (facts.attempts > MostAttempts(asked)) return "too many attempts";
  const std::string token = got.Header("x-token");
  if (!token.empty() && token != asked.token) return "the answer to another request";
  if (status == 200) {
    if (token.empty()) return "a 200 of nobody";
    const std::string body = asked.method == "HEAD" ? "" : BodyOf(asked.token, asked.size);
    if (got.body != body.substr(0, got.body.size())) return "another's bytes in the body";
    if (got.complete && got.body.size() != body.size()) return "a short body that claims its end";
    if (!got.complete && !facts.cut && !late) return "cut short, though no origin did";
    return "";
  }
  if (status == 0) {
    if (!got.head.empty() || !got.start_line.empty()) return "half a head";
    // The connection may have been idle for too long, or drained: then nobody has seen the request.
    if (facts.attempts == 0 && !asked.first) return "";
    if (facts.cut) return "";
    return "no answer at all";
  }
  if (status != 502 && status != 503 && status != 504) return "a status that no fault allows";
  if (facts.answered && !facts.cut && !late) return "an origin has answered it";
  if (asked.road->sure && Repeatable(asked) && !facts.cut)
    return "a host lives, and there are retries";
  return "";
}

// False: the connection is of no use any more.
bool Judge(Ledger& ledger, const Asked& asked, const Message& got) {
  if (got.status() == 200 && !got.complete) ledger.WaitForOrigin(asked.token);
  const Facts facts = ledger.End(asked.token);
  const std::string wrong = Wrong(asked, got, facts);
  if (!wrong.empty()) {
    ledger.Fail(absl::StrCat(
        wrong, ": ", asked.method, " ", asked.road->path, " ", asked.token, ", attempts ",
        facts.attempts, facts.cut ? ", cut" : "", facts.answered ? ", answered" : "",
        asked.first ? ", first on its connection" : "", ", asked for ", asked.size, " bytes, ",
        asked.AgeMs(), " ms; got: ", got.head, "(", got.body.size(), " bytes",
        got.complete ? ", complete) " : ") ", got.body.substr(0, 150)));
  }
  return got.complete && !absl::EqualsIgnoreCase(got.Header("connection"), "close");
}

// A client on one connection.
class Visitor {
 public:
  Visitor(Ledger& ledger, uint16_t port, base::Random& random)
      : ledger_(ledger), random_(random), client_(port) {}

  bool connected() const { return client_.connected(); }
  int last_status() const { return last_status_; }

  // False: it needs a new connection.
  bool Step() {
    switch (random_.Below(12)) {
      case 0:
        return LeaveEarly();
      case 1:
        return AskTwoAtOnce();
      default:
        return AskOne();
    }
  }

 private:
  Asked Choose() {
    Asked asked;
    asked.road = &kRoads[random_.Below(kRoads.size())];
    if (random_.Below(3) > 0)
      asked.size = random_.Below(random_.Below(4) == 0 ? kLargestResponse : 3000);
    const uint64_t kind = random_.Below(10);
    if (kind < 3) {
      asked.method = "POST";
      asked.body_size = random_.Below(kLargestRequest);
      asked.chunked = asked.body_size > 0 && random_.Below(2) == 0;
    } else if (kind == 3) {
      asked.method = "HEAD";
    }
    asked.token = ledger_.Begin();
    asked.first = std::exchange(first_, false);
    return asked;
  }

  bool Read(const Asked& asked) {
    const Message got = client_.ReadResponse(asked.method);
    last_status_ = got.status();
    return Judge(ledger_, asked, got);
  }

  bool AskOne() {
    const Asked asked = Choose();
    const std::string text = asked.Text();
    if (random_.Below(4) == 0) {
      client_.socket().SendInPieces(text, random_.Next(), 200 + random_.Below(20'000));
    } else {
      client_.Send(text);
    }
    return Read(asked);
  }

  // Two requests in one piece; when the connection ends after the first, the other was not taken.
  bool AskTwoAtOnce() {
    Asked one = Choose();
    Asked two = Choose();
    one.method = two.method = "GET";
    one.body_size = two.body_size = 0;
    one.chunked = two.chunked = false;
    client_.Send(one.Text() + two.Text());
    if (Read(one)) return Read(two);
    const Facts facts = ledger_.End(two.token);
    // The first was answered with the connection's end, so nothing may begin the second.
    if (facts.attempts > 0) ledger_.Fail(absl::StrCat("begun after the end: ", two.token));
    return false;
  }

  // Sends some, reads some, and goes, rudely or not.
  bool LeaveEarly() {
    const Asked asked = Choose();
    const std::string text = asked.Text();
    if (random_.Below(2) == 0) {
      client_.Send(text);
      std::string some;
      client_.socket().ReadSome(some);
    } else {
      client_.Send(absl::string_view(text).substr(0, 1 + random_.Below(text.size())));
      if (random_.Below(2) == 0) client_.socket().ShutdownWrite();
    }
    ledger_.End(asked.token);
    if (random_.Below(2) == 0) client_.socket().ArmReset();
    return false;
  }

  Ledger& ledger_;
  base::Random& random_;
  TestClient client_;
  bool first_ = true;
  int last_status_ = 0;
};

}  // namespace

ChaosClients::ChaosClients(Ledger& ledger, uint16_t port, int count, uint64_t seed)
    : ledger_(ledger), port_(port) {
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([this, seed, i] { Run(seed * 1000 + i); });
  }
}

void ChaosClients::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool ChaosClients::Ask(Ledger& ledger, TestClient& client, const Road& road) {
  Asked asked;
  asked.road = &road;
  asked.size = 100;
  asked.token = ledger.Begin();
  client.Send(asked.Text());
  const Message got = client.ReadResponse();
  Judge(ledger, asked, got);
  return got.status() == 200 && got.complete;
}

void ChaosClients::Run(uint64_t seed) {
  base::Random random(seed);
  while (!stop_ && !ledger_.failed()) {
    Visitor visitor(ledger_, port_, random);
    if (!visitor.connected()) {
      ledger_.Fail("a connection was refused");
      return;
    }
    bool more = true;
    while (more && !stop_ && !ledger_.failed()) {
      more = visitor.Step();
      ++by_status_[std::min<size_t>(visitor.last_status(), by_status_.size() - 1)];
    }
  }
}

std::string ChaosClients::Account() const {
  std::string text;
  for (size_t status = 0; status < by_status_.size(); ++status) {
    if (by_status_[status] == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", by_status_[status].load(), " x ", status);
  }
  return text;
}

}  // namespace proxenos::testing
