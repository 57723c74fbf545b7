// The clients of a load.
#include "test/integration/load.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/support/eventually.h"

namespace proxenos::testing {

Load::Load(uint16_t port, const Options& options) : port_(port), options_(options) {
  for (int i = 0; i < options_.clients; ++i) threads_.emplace_back([this] { Run(); });
}

Load::~Load() { Stop(); }

bool Load::WaitForRequests(uint64_t count) const {
  uint64_t before = 0;
  while (answered() < count && failed() == 0) {
    // The machine may be slow, but something has to happen.
    if (!Eventually([&] { return answered() > before || failed() > 0; })) return false;
    before = answered();
  }
  return failed() == 0;
}

void Load::Stop() {
  stop_ = true;
  Join();
}

void Load::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::string Load::first_failure() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return first_failure_;
}

void Load::Fail(const std::string& what) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failed_++ == 0) first_failure_ = what;
}

bool Load::Ask(TestClient& client) {
  const Message response = client.Get(options_.target);
  if (response.status() == 200 && response.complete) {
    ++answered_;
    return !absl::EqualsIgnoreCase(response.Header("connection"), "close");
  }
  Fail(absl::StrCat("after ", answered(), " requests: '", response.head, "' '", response.body, "'",
                    response.complete ? "" : " (cut short)"));
  return false;
}

void Load::Run() {
  while (!stop_ && failed() == 0) {
    TestClient client(port_);
    if (!client.connected()) {
      Fail(absl::StrCat("connection refused after ", answered(), " requests"));
      return;
    }
    while (Ask(client)) {
      if (stop_) return;
    }
    if (options_.until_told_to_close) return;
  }
}

}  // namespace proxenos::testing
