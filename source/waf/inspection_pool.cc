// The queue, the threads, and the way back.
#include "source/waf/inspection_pool.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "source/waf/pool_memory.h"
#include "source/waf/shared_table.h"

namespace proxenos::waf {
namespace {

// Below the workers': while inspections keep every core busy, other routes still answer at once.
constexpr int kNice = 5;

void BecomePoolThread() {
  pthread_setname_np(pthread_self(), "waf");
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
}

uint64_t WeightOf(const FieldTexts& fields) {
  uint64_t weight = 0;
  for (const auto& [name, value] : fields) {
    weight += sizeof(FieldTexts::value_type) + name.size() + value.size();
  }
  return weight;
}

}  // namespace

void Home::Close() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  loop_ = nullptr;
}

void Home::Return(std::unique_ptr<Job> job) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (loop_ == nullptr || job->abandoned.load(std::memory_order_acquire)) return;
  loop_->Post([job = std::move(job)]() mutable {
    Ticket* const ticket = job->ticket.get();
    if (ticket == nullptr) return;
    job->ticket.Clear();
    ticket->done_(std::move(job));
  });
}

Ticket::~Ticket() {
  Job* const job = job_.get();
  if (job == nullptr) return;
  job_.Clear();
  // From here on the pool may destroy it.
  job->abandoned.store(true, std::memory_order_release);
}

uint64_t Job::weight() const {
  uint64_t weight = sizeof(Job);
  if (request.has_value()) {
    weight += request->uri.size() + request->body.size() + WeightOf(request->fields);
  }
  if (response.has_value()) weight += response->body.size() + WeightOf(response->fields);
  return weight;
}

void Job::Run() {
  if (inspection == nullptr) inspection = rules->Begin(mode, id);
  if (request.has_value()) {
    finding = inspection->InspectRequest(*request);
  } else if (response.has_value()) {
    finding = inspection->InspectResponse(*response);
  }
  const bool over =
      last || finding.failed || finding.intervention.action != Intervention::Action::kNone;
  if (!over) return;
  inspection->Finish();
  inspection.reset();
}

InspectionPool::InspectionPool(const PoolLimits& limits)
    : limits_(limits), queue_(std::make_unique<Queue>()) {}

InspectionPool::~InspectionPool() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard<std::mutex> lock(queue_->mutex);
    queue_->stopping = true;
    threads = std::move(queue_->threads);
  }
  queue_->changed.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::shared_ptr<const InspectionPool> InspectionPool::Shared(const PoolLimits& limits) {
  static SharedTable<PoolLimits, InspectionPool> pools;
  return pools.FindOrMake(limits,
                          [&limits] { return std::make_shared<const InspectionPool>(limits); });
}

bool InspectionPool::Submit(std::unique_ptr<Job>& job, Ticket& ticket) const {
  const uint64_t weight = job->weight();
  std::unique_lock<std::mutex> lock(queue_->mutex);
  if (queue_->waiting.size() >= limits_.max_waiting ||
      queue_->waiting_bytes + weight > limits_.max_waiting_bytes) {
    return false;
  }
  queue_->waiting_bytes += weight;
  job->ticket.Connect(ticket.job_);
  queue_->waiting.push_back(std::move(job));
  Enter(std::move(lock));
  return true;
}

void InspectionPool::Discard(std::unique_ptr<Inspection> inspection) const {
  if (inspection == nullptr) return;
  std::unique_lock<std::mutex> lock(queue_->mutex);
  queue_->discarded.push_back(std::move(inspection));
  Enter(std::move(lock));
}

// Has a thread look at the queue: one that idles, or a new one.
void InspectionPool::Enter(std::unique_lock<std::mutex> lock) const {
  const size_t work = queue_->waiting.size() + (queue_->discarded.empty() ? 0 : 1);
  if (queue_->idle < work && queue_->threads.size() < limits_.threads) {
    // A thread inherits its mask: signals are for others.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    queue_->threads.emplace_back([this] { Work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return;
  }
  lock.unlock();
  queue_->changed.notify_one();
}

void InspectionPool::Work() const {
  BecomePoolThread();
  const PoolMemory memory;
  Queue& queue = *queue_;
  std::unique_lock<std::mutex> lock(queue.mutex);
  while (true) {
    if (queue.stopping) return;
    if (!queue.waiting.empty()) {
      std::unique_ptr<Job> job = std::move(queue.waiting.front());
      queue.waiting.pop_front();
      queue.waiting_bytes -= job->weight();
      lock.unlock();
      if (!job->abandoned.load(std::memory_order_acquire)) {
        job->Run();
        const std::shared_ptr<const Home> home = job->home;
        home->Return(std::move(job));
      }
      job.reset();
      lock.lock();
    } else if (!queue.discarded.empty()) {
      std::vector<std::unique_ptr<Inspection>> dead = std::move(queue.discarded);
      queue.discarded.clear();
      lock.unlock();
      dead.clear();
      lock.lock();
    } else {
      ++queue.idle;
      queue.changed.wait(lock);
      --queue.idle;
    }
  }
}

}  // namespace proxenos::waf
