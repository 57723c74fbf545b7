// The account of all requests.
#include "test/chaos/ledger.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "test/support/socket.h"

namespace proxenos::testing {
namespace {

constexpr size_t kFailuresKept = 10;
// A request may take a client's whole patience; who waits for it has more.
constexpr std::chrono::seconds kLongest(4 * kPatienceSeconds);

}  // namespace

std::string Ledger::Begin() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t number = begun_++;
  std::string token = absl::StrCat("t", absl::Hex(number, absl::kZeroPad8));
  under_way_[token].number = number;
  return token;
}

void Ledger::WaitForOrigin(const std::string& token) {
  std::unique_lock<std::mutex> lock(mutex_);
  const Facts& facts = under_way_.find(token)->second.facts;
  changed_.wait_for(lock, kLongest, [&facts] { return facts.answered || facts.cut; });
}

Facts Ledger::End(const std::string& token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = under_way_.find(token);
  const Facts facts = it->second.facts;
  under_way_.erase(it);
  ++ended_;
  changed_.notify_all();
  return facts;
}

void Ledger::OnAttempt(const std::string& token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = under_way_.find(token);
  if (it == under_way_.end()) return;
  ++it->second.facts.attempts;
  it->second.facts.answered = false;
}

void Ledger::OnCut(const std::string& token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = under_way_.find(token);
  if (it == under_way_.end()) return;
  it->second.facts.cut = true;
  changed_.notify_all();
}

void Ledger::OnAnswered(const std::string& token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = under_way_.find(token);
  if (it == under_way_.end()) return;
  it->second.facts.answered = true;
  changed_.notify_all();
}

void Ledger::Fail(const std::string& what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failures_.size() < kFailuresKept) failures_.push_back(what);
  changed_.notify_all();
}

bool Ledger::failed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !failures_.empty();
}

std::string Ledger::failures() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return absl::StrJoin(failures_, "\n");
}

bool Ledger::WaitForThoseUnderWay() {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t now = begun_;
  return changed_.wait_for(lock, kLongest, [this, now] {
    for (const auto& [token, request] : under_way_) {
      if (request.number < now) return false;
    }
    return true;
  });
}

bool Ledger::WaitForMore(uint64_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t goal = ended_ + count;
  return changed_.wait_for(lock, kLongest,
                           [this, goal] { return ended_ >= goal || !failures_.empty(); });
}

uint64_t Ledger::ended() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ended_;
}

std::string BodyOf(absl::string_view token, size_t size) {
  std::string body;
  body.reserve(size + token.size() + 1);
  while (body.size() < size) absl::StrAppend(&body, token, ".");
  body.resize(size);
  return body;
}

}  // namespace proxenos::testing
