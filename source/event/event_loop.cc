// The turn of the loop.
#include "source/event/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "source/base/check.h"
#include "source/base/limits.h"

namespace proxenos::event {
namespace {

// Rounds of runnable and turn-end work in one turn: what is left waits for the next, behind new
// input, so that two streams which wake each other for ever cannot stop the loop.
constexpr int kMaxRounds = 8;

// What is posted after this much of it in one turn waits for the next: a thousand changed clusters
// are a thousand small pieces of work, and requests go on in between.
constexpr base::Nanos kMaxPostedTime = 300 * base::kMicrosecond;

// The loop whose turn this thread is in; a test may run one loop from another's turn.
thread_local const EventLoop* turning = nullptr;

// Stands in the list of the turn's end before what comes of the work at hand.
class Mark final : public TurnEnd {
 public:
  void OnTurnEnd() override {}
};

thread_local Mark* mark = nullptr;  // Of the loop `turning`.

void MoveToBack(Mark* moved, base::IntrusiveList<TurnEnd, TurnEndTag>& list) {
  base::IntrusiveList<TurnEnd, TurnEndTag>::Remove(moved);
  list.PushBack(moved);
}

void TakeAway(Mark* moved) { base::IntrusiveList<TurnEnd, TurnEndTag>::Remove(moved); }

constexpr uint32_t kBothEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | static_cast<uint32_t>(EPOLLET);

}  // namespace

EventLoop::EventLoop(base::Clock& clock)
    : clock_(clock),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wheel_(clock.Mono()),
      random_(base::RandomSeed()),
      wall_now_(clock.Wall()) {
  CHECK(epoll_fd_ >= 0 && wake_fd_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;  // Marks the wake-up descriptor.
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0);
}

EventLoop::~EventLoop() {
  DestroyRetired();
  close(wake_fd_);
  close(epoll_fd_);
}

void EventLoop::Run() {
  while (!stop_.load(std::memory_order_acquire)) RunOnce(base::kNever);
}

void EventLoop::Stop() {
  stop_.store(true, std::memory_order_release);
  Post([] {});
}

void EventLoop::Post(absl::AnyInvocable<void()> work) {
  bool first;
  {
    std::lock_guard<std::mutex> lock(post_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (first) Wake();  // Else whoever posted first has done so.
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  CHECK(write(wake_fd_, &one, sizeof(one)) == sizeof(one));
}

void EventLoop::Watch(int fd, IoHandler* handler) { WatchLevel(fd, kBothEdges, handler); }

void EventLoop::Rewatch(int fd, IoHandler* handler) { ChangeLevel(fd, kBothEdges, handler); }

void EventLoop::WatchLevel(int fd, uint32_t events, IoHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void EventLoop::ChangeLevel(int fd, uint32_t events, IoHandler* handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = handler;
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::Unwatch(int fd) { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

int EventLoop::WaitMs(base::Nanos limit) const {
  if (!runnable_.empty() || !turn_end_.empty()) return 0;
  const base::MonoTime next = wheel_.NextDeadline();
  base::Nanos wait = next == base::kNever ? base::kNever : std::max<base::Nanos>(next - now(), 0);
  wait = std::min(wait, limit);
  if (wait == base::kNever) return -1;
  const base::Nanos ms = (wait + base::kMillisecond - 1) / base::kMillisecond;
  return static_cast<int>(std::min<base::Nanos>(ms, 60 * 1000));
}

void EventLoop::HandleEvents(int timeout_ms) {
  epoll_event events[base::limits::kMaxEventsPerTurn];
  const int n = epoll_wait(epoll_fd_, events, base::limits::kMaxEventsPerTurn, timeout_ms);
  CHECK(n >= 0 || errno == EINTR);
  const base::MonoTime now = clock_.Mono();
  wall_now_ = clock_.Wall();
  wheel_.Advance(now);
  for (int i = 0; i < n; ++i) {
    if (events[i].data.ptr != nullptr) {
      MoveToBack(mark, turn_end_);
      static_cast<IoHandler*>(events[i].data.ptr)->OnIo(events[i].events);
      if (hurry_) RunHurried();
      continue;
    }
    uint64_t count;
    [[maybe_unused]] ssize_t ignored = read(wake_fd_, &count, sizeof(count));
    RunPosted();
  }
  TakeAway(mark);
}

void EventLoop::RunPosted() {
  std::vector<absl::AnyInvocable<void()>> work;
  {
    std::lock_guard<std::mutex> lock(post_mutex_);
    work.swap(posted_);
  }
  const base::MonoTime end = clock_.Mono() + kMaxPostedTime;
  for (size_t i = 0; i < work.size(); ++i) {
    work[i]();
    if (i + 1 < work.size() && clock_.Mono() >= end) return PostAgain(work, i + 1);
  }
}

void EventLoop::PostAgain(std::vector<absl::AnyInvocable<void()>>& work, size_t first) {
  {
    std::lock_guard<std::mutex> lock(post_mutex_);
    posted_.insert(posted_.begin(), std::make_move_iterator(work.begin() + first),
                   std::make_move_iterator(work.end()));
  }
  Wake();
}

void EventLoop::RunReady() {
  for (int round = 0; round < kMaxRounds && !(runnable_.empty() && turn_end_.empty()); ++round) {
    base::IntrusiveList<Runnable, RunnableTag> ready;
    ready.Splice(runnable_);
    while (Runnable* runnable = ready.PopFront()) runnable->Run();
    base::IntrusiveList<TurnEnd, TurnEndTag> ending;
    ending.Splice(turn_end_);
    while (TurnEnd* work = ending.PopFront()) {
      MoveToBack(mark, turn_end_);
      work->OnTurnEnd();
      if (hurry_) RunHurried();
    }
    TakeAway(mark);
  }
}

// One round, no more, of what came of the work at hand: what stood in the list before, or is put
// off to it, waits for the rounds of the turn's end. Else each who reads much would have all walked
// who put themselves off.
void EventLoop::RunHurried() {
  hurrying_ = true;
  base::IntrusiveList<Runnable, RunnableTag> ready;
  ready.Splice(runnable_);
  while (Runnable* runnable = ready.PopFront()) runnable->Run();
  base::IntrusiveList<TurnEnd, TurnEndTag> ending;
  while (TurnEnd* work = turn_end_.Next(mark)) {
    base::IntrusiveList<TurnEnd, TurnEndTag>::Remove(work);
    ending.PushBack(work);
  }
  while (TurnEnd* work = ending.PopFront()) work->OnTurnEnd();
  hurrying_ = hurry_ = false;
}

void EventLoop::DestroyRetired() {
  // A destructor may retire what it owns.
  while (!retired_.empty()) {
    std::vector<Retired> dead;
    dead.swap(retired_);
    for (const Retired& object : dead) object.destroy(object.object);
    if (retired_.empty()) {
      dead.clear();
      retired_.swap(dead);  // Keeps the capacity.
    }
  }
}

void EventLoop::RunOnce(base::Nanos wait) {
  // A turn within a turn would destroy what the outer one still has events for.
  CHECK(turning != this);
  const EventLoop* const outer = std::exchange(turning, this);
  Mark own_mark;
  Mark* const outer_mark = std::exchange(mark, &own_mark);
  HandleEvents(WaitMs(wait));
  RunReady();
  if (!retired_.empty()) DestroyRetired();
  if (on_turn_) on_turn_(clock_.Mono() - now());
  turning = outer;
  mark = outer_mark;
}

}  // namespace proxenos::event
