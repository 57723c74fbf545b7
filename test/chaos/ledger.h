// Ledger: what is known of every request under way, by its token: which clients wait for it, what
// origins did about it. Clients judge their answers by it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::testing {

// What origins did about one request.
struct Facts {
  int attempts = 0;       // How often an origin read its head.
  bool cut = false;       // An answer was begun and not ended, on purpose.
  bool answered = false;  // The last attempt was answered whole.
};

// Thread: any.
class Ledger {
 public:
  // A token that no other request has.
  std::string Begin();
  // Waits until the origin that was asked last is done with its answer: one that was killed in the
  // middle of it may hear of that later than the client.
  void WaitForOrigin(const std::string& token);
  // The request is over for its client; it is known no more.
  Facts End(const std::string& token);

  // By origins. A token that is not under way any more (its client has left) is passed over.
  void OnAttempt(const std::string& token);
  void OnCut(const std::string& token);
  void OnAnswered(const std::string& token);

  // Something that no fault allows.
  void Fail(const std::string& what);
  bool failed() const;
  // The first few.
  std::string failures() const;

  // Waits until every request that is under way now has ended.
  bool WaitForThoseUnderWay();
  // Waits until so many more have ended.
  bool WaitForMore(uint64_t count);
  uint64_t ended() const;

 private:
  struct Request {
    uint64_t number = 0;
    Facts facts;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Request, std::less<>> under_way_;  // Guarded by mutex_.
  std::vector<std::string> failures_;                      // Guarded by mutex_.
  uint64_t begun_ = 0;                                     // Guarded by mutex_.
  uint64_t ended_ = 0;                                     // Guarded by mutex_.
};

// `size` bytes that belong to the token and to no other.
std::string BodyOf(absl::string_view token, size_t size);

}  // namespace proxenos::testing
