// DemandedNames: the names of one type that requests asked for: those that the control plane has
// not answered yet, those that it has, and those that it said do not exist. Each is wanted (a
// NameClaim) as long as it stands here.
//
//     Ask ──▶ asked ──Found──▶ found ──Drop──▶ (wanted no more)
//               │ └─Missing──▶ missing ──after kMissingKept, or for want of room──▶ (the same)
//               └──after kAnswerWait──▶ (the same)
//
// A missing name stays for a moment, so that many requests for it are one question; then it may be
// asked for anew. A control plane that comes to know it meanwhile sends it unasked.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/filter/on_demand.h"
#include "source/server/wanted_names.h"

namespace proxenos::server {

inline constexpr base::Nanos kMissingKept = 5 * base::kSecond;
// Far more than any request waits.
inline constexpr base::Nanos kAnswerWait = 60 * base::kSecond;
// Names come from clients: so many may be without an answer, and so many there may be in all.
inline constexpr size_t kMaxAskedNames = 1024;
inline constexpr size_t kMaxDemandedNames = 16384;

// Whether a client may have us ask for such a name at all: it goes into protos, logs and URLs.
bool MayBeDemanded(absl::string_view name);

// Owner: a store. Thread: main.
class DemandedNames {
 public:
  using Outcome = filter::OnDemand::Outcome;
  enum class State : uint8_t { kAsked, kFound, kMissing };

  // What is known of the name; null: nothing, it may be asked for.
  const State* Find(const std::string& name) const;
  // Whether there is room for one more, if need be by forgetting a name that is missing.
  bool MakeRoom();
  // REQUIRES: it is not known, and there is room.
  void Ask(const std::string& name, NameClaim claim, base::MonoTime now);
  // Each no-op for a name that is not known. True: somebody waits to be told.
  bool Found(const std::string& name);
  bool Missing(const std::string& name, base::MonoTime now);
  void Drop(const std::string& name);

  // The names that are asked for.
  std::vector<std::string> Asked() const;
  std::vector<std::string> AllFound() const;
  // Forgets what is over at `now`; calls `visit` for those that were never answered.
  void Expire(base::MonoTime now, absl::FunctionRef<void(const std::string&)> visit);
  base::MonoTime NextDeadline() const;
  bool empty() const { return names_.empty(); }

 private:
  struct Entry {
    State state = State::kAsked;
    base::MonoTime deadline = base::kNever;
    NameClaim claim;
  };
  using Deadlines = std::set<std::pair<base::MonoTime, std::string>>;

  void Forget(absl::btree_map<std::string, Entry>::iterator entry);
  void Enter(const std::string& name, Entry& entry, State state, base::MonoTime deadline);

  absl::btree_map<std::string, Entry> names_;
  Deadlines asked_;
  Deadlines missing_;
};

}  // namespace proxenos::server
