// FilterChain: the filters of one stream, and the moving of parts through them. Part of room 5.
//
// Request parts go from StreamContext::request_in through filters 0..n-1 to request_out, response
// parts from response_in through n-1..0 to response_out. In each direction at most one part is in
// hand; a filter that pauses keeps it there. Owner: the Stream. Thread: its worker.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filter {

using FilterFactories = std::vector<std::shared_ptr<const FilterFactory>>;

class FilterChain {
 public:
  FilterChain(const FilterFactories& factories, StreamContext& stream);
  FilterChain(const FilterChain&) = delete;
  FilterChain& operator=(const FilterChain&) = delete;
  ~FilterChain();

  // Moves what can be moved. True when anything moved.
  bool MoveRequest();
  bool MoveResponse();
  // Calls OnWake of those that were woken. True when there was one.
  bool RunWoken();
  // Lets the part in hand of `direction` go on past the filter that paused, if that one resumed.
  void Resume(Direction direction);
  // Makes the filters behind `filter`, which `factory` of `factories` made and which holds the
  // request's head, anew: what the stream's route says to them has changed. They have seen nothing
  // yet. False when it holds no head.
  bool RemakeBehind(const HttpFilter& filter, const FilterFactory& factory,
                    const FilterFactories& factories);
  // A local reply: the request is dropped where it stands and the response starts anew.
  void StartLocalReply();
  // Calls OnComplete of every filter.
  void Complete();

  // The terminal filter, for waking it when there is room for more of the response; or nullptr.
  HttpFilter* terminal() { return filters_.empty() ? nullptr : filters_.back().filter.get(); }

  // Bytes of a body in hand, where a filter paused.
  uint64_t held(Direction direction) const {
    return ways_[static_cast<int>(direction)].body.size();
  }
  // Whether no part of `direction` is in hand.
  bool idle(Direction direction) const {
    return ways_[static_cast<int>(direction)].part == Part::kNothing;
  }
  bool paused(Direction direction) const { return ways_[static_cast<int>(direction)].paused; }

 private:
  enum class Part : uint8_t { kNothing, kHead, kBody, kTrailers };

  // A part that is held while what its holder injects goes past it.
  struct Aside {
    Part part;
    uint8_t next;
    bool end_in_hand;
    bool resumed;  // By its holder, meanwhile.
    buffer::Buffer body;
    std::unique_ptr<Aside> outer;  // What was held when this part was injected; or null.
  };

  // The state of one direction.
  struct Way {
    Part part = Part::kNothing;  // In hand.
    uint8_t next = 0;            // Filters that have seen the part in hand.
    uint8_t start = 0;           // Filters that have seen the end: what others add passes them by.
    uint8_t head_start = 0;      // Filters that the head passes by: they have seen it.
    bool paused = false;
    bool remade = false;  // Those behind the one that holds the head: it goes back to the door.
    bool head_passed = false;
    bool end_in_hand = false;  // The part in hand is the last.
    bool ended = false;        // The end has passed all filters.
    bool needs_known = false;  // Filters have said what they want of the body.
    bool buffers = false;      // One of them wants the whole.
    bool shows_body = false;   // One of them is called with its pieces.
    buffer::Buffer body;       // The part in hand, of kBody.
    std::unique_ptr<Aside> aside;
  };

  struct Entry {
    std::unique_ptr<HttpFilter> filter;
    const FilterFactory* factory;                              // That made it.
    BodyNeed needs[2] = {};                                    // Of the message at hand.
    FilterGate::Answer answer = FilterGate::Answer::kUnknown;  // The gate's, to a head.
    bool waived[2] = {};  // It was not waited for the body, since the gate seemed shut.
    bool terminal = false;
  };

  // Makes filters of the factories from `first` on.
  void Make(const FilterFactories& factories, size_t first);
  bool Take(Way& way, Parts& in, bool wait_for_end) const;
  // Takes what a filter injected in hand, if it may go now, and puts what was in hand aside.
  void TakeInjected(Direction direction, Way& way);
  // The part that was put aside is in hand again.
  void PutBack(Direction direction, Way& way);
  // Runs the part in hand through the filters; false when one stopped it.
  bool RunPart(Direction direction, Way& way);
  void Deliver(Way& way, Parts& in, Parts& out);
  bool BufferingStops(Direction direction, Way& way, const Parts& in);
  Entry& EntryAt(Direction direction, uint8_t step);
  void AskNeeds(Direction direction, Way& way);
  // Whether the gate keeps a part from the filter, or there is an answer instead.
  bool GateSkips(Entry& entry, Direction direction, Part part);
  Verdict CallRequest(Entry& entry, Way& way);
  Verdict CallResponse(Entry& entry, Way& way);
  // Wakes the filter that holds the head when the body that it awaits is there. True when it did.
  bool WakeAwaiting(Direction direction, const Parts& in);
  // Takes up what the filter at way.next added to the message.
  void TakeAdded(Way& way, Parts& in);

  StreamContext& stream_;
  absl::InlinedVector<Entry, 4> filters_;
  Way ways_[2];
};

}  // namespace proxenos::filter
