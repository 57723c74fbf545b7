// Asking the tree, and drawing.
#include "source/filter/composite_gate.h"

#include "source/base/xxhash64.h"
#include "source/filter/filter_override.h"

namespace proxenos::filter {
namespace {

// A draw for an action that comes out the same however often a stream is asked, and is no other
// one's that goes by the stream's number.
uint64_t DrawFor(const StreamContext& stream, uint32_t action) {
  const uint64_t of[2] = {stream.random, action};
  return base::XxHash64(absl::string_view(reinterpret_cast<const char*>(of), sizeof(of)));
}

}  // namespace

FilterGate::Answer CompositeGate::Ask(StreamContext& stream, Direction) const {
  const CompositeChoice& choice = *choice_;
  bool overridden = false;
  ForEachOverride(stream, choice.name, [&choice, &overridden](const route::FilterOverride& one) {
    overridden = one.settings != nullptr && one.kind == choice.override_kind;
    return !overridden;
  });
  // A route's matcher has no other action than to skip.
  if (overridden) return Answer::kSkip;
  const match::Found found = choice.tree.Find(MatchSubject::OfRequest(stream.info, stream.request));
  // What it goes by costs too much to find out: a client that sends that much is not let past
  // what was to guard against it.
  if (found.state == match::Found::State::kLater) return Answer::kRefuse;
  if (found.state != match::Found::State::kAction || found.action != action_) return Answer::kSkip;
  const runtime::FractionSetting& share = choice.shares[action_];
  if (share.always()) return Answer::kRun;
  return share.Holds(stream.environment.runtime, DrawFor(stream, action_)) ? Answer::kRun
                                                                           : Answer::kSkip;
}

}  // namespace proxenos::filter
