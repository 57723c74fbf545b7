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

// `chain`, as often as the action is to be run.
uint32_t Draw(const StreamContext& stream, const runtime::FractionSetting& share, uint32_t action,
              uint32_t chain) {
  const bool runs =
      share.always() || share.Holds(stream.environment.runtime, DrawFor(stream, action));
  return runs ? chain : CompositeAction::kSkips;
}

}  // namespace

FilterGate::Answer CompositeGate::Ask(StreamContext& stream, Direction) const {
  const uint32_t* known = stream.FindChoice(choice_.get());
  return Of(known != nullptr ? *known : Chosen(stream));
}

FilterGate::Answer CompositeGate::Decide(StreamContext& stream, Direction direction) const {
  if (const uint32_t* known = stream.FindChoice(choice_.get())) return Of(*known);
  // A request that was answered before it came here was not shown to any of them.
  const uint32_t chosen =
      direction == Direction::kResponse ? CompositeAction::kSkips : Chosen(stream);
  stream.Choose(choice_.get(), chosen);
  return Of(chosen);
}

FilterGate::Answer CompositeGate::Of(uint32_t chosen) const {
  if (chosen == CompositeAction::kRefuses) return Answer::kRefuse;
  return chosen == chain_ ? Answer::kRun : Answer::kSkip;
}

uint32_t CompositeGate::Chosen(const StreamContext& stream) const {
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
               ? CompositeAction::kSkips
               : ChosenByRoute(stream, *static_cast<const CompositeRoute*>(own->settings.get()));
  }
  if (!choice.tree.has_value()) return CompositeAction::kSkips;
  const match::Found found =
      choice.tree->Find(MatchSubject::OfRequest(stream.info, stream.request));
  // What it goes by costs too much to find out: a client that sends that much is not let past
  // what was to guard against it.
  if (found.state == match::Found::State::kLater) return CompositeAction::kRefuses;
  if (found.state != match::Found::State::kAction) return CompositeAction::kSkips;
  const CompositeAction& action = choice.actions[found.action];
  return Draw(stream, action.share, found.action, action.chain);
}

// A name that the composite does not have could be that of a guard.
uint32_t CompositeGate::ChosenByRoute(const StreamContext& stream,
                                      const CompositeRoute& route) const {
  const match::Found found = route.tree.Find(MatchSubject::OfRequest(stream.info, stream.request));
  if (found.state == match::Found::State::kLater) return CompositeAction::kRefuses;
  if (found.state != match::Found::State::kAction) return CompositeAction::kSkips;
  const CompositeRoute::Action& action = route.actions[found.action];
  if (action.chain.empty()) return CompositeAction::kSkips;
  const auto chain = choice_->chains.find(action.chain);
  if (chain == choice_->chains.end()) return CompositeAction::kRefuses;
  return Draw(stream, action.share, found.action, chain->second);
}

}  // namespace proxenos::filter
