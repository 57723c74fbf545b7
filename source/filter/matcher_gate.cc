// Asking the tree.
#include "source/filter/matcher_gate.h"

#include "source/filter/filter_override.h"

namespace proxenos::filter {

FilterGate::Answer MatcherGate::Ask(StreamContext& stream, Direction direction) const {
  const MatcherTree* tree = &tree_;
  ForEachOverride(stream, name_, [this, &tree](const route::FilterOverride& one) {
    if (one.settings == nullptr || one.kind != kind_) return true;
    tree = static_cast<const MatcherTree*>(one.settings.get());
    return false;
  });
  MatchSubject subject = MatchSubject::OfRequest(stream.info, stream.request);
  if (direction == Direction::kResponse) {
    subject.response = &stream.response;
    subject.local_reply = stream.replied();
  }
  switch (tree->Find(subject).state) {
    case match::Found::State::kAction:
      return Answer::kSkip;
    case match::Found::State::kLater:
      return Answer::kUnknown;
    case match::Found::State::kNothing:
      break;
  }
  return Answer::kRun;
}

}  // namespace proxenos::filter
