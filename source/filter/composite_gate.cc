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

FilterGate::Answer Draw(const StreamContext& stream, const runtime::FractionSetting& share,
                        uint32_t action) {
  const bool runs =
      share.always() || share.Holds(stream.environment.runtime, DrawFor(stream, action));
  return runs ? FilterGate::Answer::kRun : FilterGate::Answer::kSkip;
}

}  // namespace

FilterGate::Answer CompositeGate::Ask(StreamContext& stream, Direction) const {
  const CompositeChoice& choice = *choice_;
  const route::FilterOverride* own = nullptr;
  ForEachOverride(stream, choice.name, [&choice, &own](const route::FilterOverride& one) {
    const bool chooses = one.kind == choice.skip_kind || one.kind == choice.route_kind;
    if (one.settings != nullptr && chooses) own = &one;
    return own == nullptr;
  });
  if (own != nullptr) {
    // The other kind has no action but to skip.
    return own->kind == choice.skip_kind
               ? Answer::kSkip
               : AskRoute(stream, *static_cast<const CompositeRoute*>(own->settings.get()));
  }
  if (!choice.tree.has_value()) return Answer::kSkip;
  const match::Found found =
      choice.tree->Find(MatchSubject::OfRequest(stream.info, stream.request));
  // What it goes by costs too much to find out: a client that sends that much is not let past
  // what was to guard against it.
  if (found.state == match::Found::State::kLater) return Answer::kRefuse;
  if (found.state != match::Found::State::kAction) return Answer::kSkip;
  const CompositeAction& action = choice.actions[found.action];
  return action.chain == chain_ ? Draw(stream, action.share, found.action) : Answer::kSkip;
}

// A name that the composite does not have could be that of a guard.
FilterGate::Answer CompositeGate::AskRoute(StreamContext& stream,
                                           const CompositeRoute& route) const {
  const match::Found found = route.tree.Find(MatchSubject::OfRequest(stream.info, stream.request));
  if (found.state == match::Found::State::kLater) return Answer::kRefuse;
  if (found.state != match::Found::State::kAction) return Answer::kSkip;
  const CompositeRoute::Action& action = route.actions[found.action];
  if (action.chain.empty()) return Answer::kSkip;
  const auto chain = choice_->chains.find(action.chain);
  if (chain == choice_->chains.end()) return Answer::kRefuse;
  return chain->second == chain_ ? Draw(stream, action.share, found.action) : Answer::kSkip;
}

}  // namespace proxenos::filter
