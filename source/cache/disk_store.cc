// Files, their index, and the threads that touch them.
#include "source/cache/disk_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/base/random.h"
#include "source/base/xxhash64.h"
#include "source/cache/disk_format.h"
#include "source/cache/vary.h"

namespace proxenos::cache {
namespace {

constexpr int kThreads = 2;
constexpr uint64_t kMaxQueuedBytes = uint64_t{64} << 20;
constexpr size_t kMaxQueue = 4096;
constexpr size_t kMaxErased = 1024;

class File {
 public:
  File(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  bool ok() const { return fd_ >= 0; }
  // All of `size`, or false.
  bool Read(char* to, size_t size) const {
    while (size > 0) {
      const ssize_t got = read(fd_, to, size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      to += got;
      size -= static_cast<size_t>(got);
    }
    return true;
  }
  bool Write(absl::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }
  uint64_t Size() const {
    struct stat about;
    return fstat(fd_, &about) == 0 ? static_cast<uint64_t>(about.st_size) : 0;
  }

 private:
  const int fd_;
};

uint64_t ChoiceOf(absl::string_view extra, const std::vector<std::string>& vary,
                  absl::string_view selecting) {
  std::string text = absl::StrCat(extra.size(), ":", extra);
  for (const std::string& name : vary) absl::StrAppend(&text, name.size(), ":", name);
  absl::StrAppend(&text, ";", selecting);
  return base::XxHash64(text);
}

// Preamble and head of a file; the body is next to be read.
struct Front {
  Preamble preamble;
  DiskHead head;
};
std::optional<Front> ReadFront(const File& file) {
  char bytes[kPreambleBytes];
  if (!file.ok() || !file.Read(bytes, sizeof(bytes))) return std::nullopt;
  const auto preamble = DecodePreamble(absl::string_view(bytes, sizeof(bytes)));
  if (!preamble) return std::nullopt;
  if (file.Size() != kPreambleBytes + preamble->head_bytes + preamble->body_bytes) {
    return std::nullopt;
  }
  std::string head(preamble->head_bytes, '\0');
  if (!file.Read(head.data(), head.size())) return std::nullopt;
  auto decoded = DecodeHead(*preamble, head);
  if (!decoded) return std::nullopt;
  return Front{*preamble, *std::move(decoded)};
}

}  // namespace

std::unique_ptr<DiskStore> DiskStore::Open(const Options& options, std::string* error) {
  if (mkdir(options.path.c_str(), 0700) != 0 && errno != EEXIST) {
    *error = absl::StrCat("cannot make the folder: ", std::strerror(errno));
    return nullptr;
  }
  if (access(options.path.c_str(), R_OK | W_OK | X_OK) != 0) {
    *error = absl::StrCat("cannot use the folder: ", std::strerror(errno));
    return nullptr;
  }
  return std::unique_ptr<DiskStore>(new DiskStore(options));
}

DiskStore::DiskStore(const Options& options) : options_(options), first_id_(base::RandomSeed()) {
  Post([this] { Scan(); }, /*urgent=*/true);
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Run(); });
}

DiskStore::~DiskStore() {
  {
    const std::lock_guard<std::mutex> lock(queue_mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void DiskStore::Run() {
  std::unique_lock<std::mutex> lock(queue_mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++busy_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

void DiskStore::Post(Job job, bool urgent) {
  const std::lock_guard<std::mutex> lock(queue_mutex_);
  if (urgent) {
    queue_.push_front(std::move(job));
  } else {
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void DiskStore::Drain() {
  std::unique_lock<std::mutex> lock(queue_mutex_);
  changed_.wait(lock, [this] { return stop_ || (queue_.empty() && busy_ == 0); });
}

std::string DiskStore::PathOf(uint64_t id) const {
  return absl::StrCat(options_.path, "/", absl::Hex(id, absl::kZeroPad16), ".response");
}

void DiskStore::Unlink(const std::vector<uint64_t>& ids) const {
  for (const uint64_t id : ids) unlink(PathOf(id).c_str());
}

bool DiskStore::IsOwn(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return id - first_id_ < next_id_ - first_id_;
}

// What is there from before; what is no whole response goes.
void DiskStore::Scan() {
  DIR* folder = opendir(options_.path.c_str());
  if (folder == nullptr) return;
  while (const dirent* one = readdir(folder)) {
    const absl::string_view name = one->d_name;
    uint64_t id;
    if (name.size() < 16 || !absl::SimpleHexAtoi(name.substr(0, 16), &id) || IsOwn(id)) continue;
    const std::string path = absl::StrCat(options_.path, "/", name);
    const bool whole = path == PathOf(id) && ScanFile(path, id);
    if (!whole) unlink(path.c_str());
  }
  closedir(folder);
}

bool DiskStore::ScanFile(const std::string& path, uint64_t id) {
  const File file(path, O_RDONLY);
  auto front = ReadFront(file);
  if (!front) return false;
  const StoredHead& head = *front->head.head;
  Entry entry;
  entry.id = id;
  entry.bytes = file.Size();
  entry.choice = ChoiceOf(head.extra, head.vary, head.selecting);
  entry.time = head.policy.response_time;
  entry.url = std::move(front->head.url);
  entry.vary = head.vary;
  entry.tags = head.tags;
  std::vector<uint64_t> gone;
  const uint64_t hash = Key(entry.url).hash();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ErasedSinceLocked(hash, 0)) return false;  // Before we came to it.
    gone = AddLocked(std::move(entry));
  }
  Unlink(gone);
  return std::find(gone.begin(), gone.end(), id) == gone.end();
}

std::vector<uint64_t> DiskStore::AddLocked(Entry entry) {
  std::vector<uint64_t> gone;
  ByUrl& files = by_url_[entry.url];
  for (const auto& other : files) {
    if (other->choice != entry.choice) continue;
    if (other->time > entry.time) {  // Newer, found after a crash between two renames.
      gone.push_back(entry.id);
      return gone;
    }
    gone.push_back(other->id);
    RemoveLocked(other);
    break;
  }
  bytes_ += entry.bytes;
  entries_.push_back(std::move(entry));
  by_url_[entries_.back().url].push_back(std::prev(entries_.end()));
  // The oldest go first; what was used since gets another round.
  while (bytes_ > options_.max_bytes && !entries_.empty()) {
    if (std::exchange(entries_.front().used, false)) {
      entries_.splice(entries_.end(), entries_, entries_.begin());
      continue;
    }
    gone.push_back(entries_.front().id);
    RemoveLocked(entries_.begin());
  }
  return gone;
}

void DiskStore::RemoveLocked(Entries::iterator entry) {
  const auto it = by_url_.find(entry->url);
  it->second.erase(std::find(it->second.begin(), it->second.end(), entry));
  if (it->second.empty()) by_url_.erase(it);
  bytes_ -= entry->bytes;
  entries_.erase(entry);
}

std::optional<uint64_t> DiskStore::Find(const Key& key, const http::HeaderMap& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = by_url_.find(key.url());
  if (it == by_url_.end()) return std::nullopt;
  for (const auto& entry : it->second) {
    if (entry->choice !=
        ChoiceOf(key.extra(), entry->vary, SelectingValues(entry->vary, request))) {
      continue;
    }
    entry->used = true;
    return entry->id;
  }
  return std::nullopt;
}

uint64_t DiskStore::Now() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return erasures_;
}

bool DiskStore::ErasedSinceLocked(uint64_t hash, uint64_t decided) const {
  const uint64_t since = erasures_ - decided;
  if (bulk_erasure_ > decided || since > erased_.size()) return true;
  return std::find(erased_.end() - static_cast<int64_t>(since), erased_.end(), hash) !=
         erased_.end();
}

void DiskStore::Save(const Key& key, StoredResponse response, uint64_t decided) {
  const uint64_t bytes = response.memory();
  // It would have all others go, and go itself then. What it takes the place of is out of date.
  if (bytes > options_.max_bytes) {
    Erase(key);
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(queue_mutex_);
    if (queued_bytes_ + bytes > kMaxQueuedBytes || queue_.size() >= kMaxQueue) return;
    queued_bytes_ += bytes;
  }
  Post(
      [this, key, response = std::move(response), bytes, decided] {
        Write(key, response, decided);
        const std::lock_guard<std::mutex> lock(queue_mutex_);
        queued_bytes_ -= bytes;
      },
      /*urgent=*/false);
}

void DiskStore::Write(const Key& key, const StoredResponse& response, uint64_t decided) {
  Entry entry;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ErasedSinceLocked(key.hash(), decided)) return;
    entry.id = next_id_++;
  }
  const std::string front = EncodeFront(key.url(), response);
  const std::string place = PathOf(entry.id);
  const std::string beside = absl::StrCat(place, ".writing");
  bool written = false;
  {
    const File file(beside, O_WRONLY | O_CREAT | O_EXCL);
    buffer::Buffer body;
    response.body->AppendTo(body, 0, response.body->size());
    written = file.ok() && file.Write(front);
    for (size_t i = 0; written && i < body.slice_count(); ++i) {
      written = file.Write(body.slice(i).view());
    }
  }
  if (!written || rename(beside.c_str(), place.c_str()) != 0) {
    unlink(beside.c_str());
    return;
  }
  const StoredHead& head = *response.head;
  entry.bytes = front.size() + response.body->size();
  entry.choice = ChoiceOf(head.extra, head.vary, head.selecting);
  entry.time = head.policy.response_time;
  entry.url = key.url();
  entry.vary = head.vary;
  entry.tags = head.tags;
  std::vector<uint64_t> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ErasedSinceLocked(key.hash(), decided)) {
      gone.push_back(entry.id);
    } else {
      gone = AddLocked(std::move(entry));
    }
  }
  Unlink(gone);
}

std::optional<StoredResponse> DiskStore::Read(const Key& key, uint64_t id) {
  const File file(PathOf(id), O_RDONLY);
  auto front = ReadFront(file);
  if (!front || front->head.url != key.url() || front->head.head->extra != key.extra()) {
    return std::nullopt;
  }
  std::string body(front->preamble.body_bytes, '\0');
  if (!file.Read(body.data(), body.size()) || !IsBody(front->preamble, body)) return std::nullopt;
  BodyBuilder builder(body.size());
  builder.Append(body);
  return StoredResponse{std::move(front->head.head), std::make_shared<const Body>(builder.body())};
}

void DiskStore::Remove(uint64_t id, const std::string& url) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = by_url_.find(url);
    if (it != by_url_.end()) {
      const auto entry = std::find_if(it->second.begin(), it->second.end(),
                                      [id](const auto& one) { return one->id == id; });
      if (entry != it->second.end()) RemoveLocked(*entry);
    }
  }
  Unlink({id});
}

uint64_t DiskStore::Erase(const Key& key) {
  std::vector<uint64_t> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++erasures_;
    erased_.push_back(key.hash());
    if (erased_.size() > kMaxErased) erased_.pop_front();
    const auto it = by_url_.find(key.url());
    if (it == by_url_.end()) return 0;
    const ByUrl files = it->second;
    for (const auto& entry : files) {
      gone.push_back(entry->id);
      RemoveLocked(entry);
    }
  }
  const uint64_t count = gone.size();
  Post([this, gone = std::move(gone)] { Unlink(gone); }, /*urgent=*/true);
  return count;
}

uint64_t DiskStore::EraseIf(
    absl::FunctionRef<bool(absl::string_view, const std::vector<std::string>&)> matches) {
  std::vector<uint64_t> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bulk_erasure_ = ++erasures_;
    erased_.clear();
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto next = std::next(entry);
      if (matches(entry->url, entry->tags)) {
        gone.push_back(entry->id);
        RemoveLocked(entry);
      }
      entry = next;
    }
  }
  Unlink(gone);
  return gone.size();
}

DiskStore::Totals DiskStore::totals() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Totals{bytes_, entries_.size()};
}

DiskLoad::DiskLoad(DiskStore& store, const Key& key, uint64_t id, event::EventLoop& loop,
                   absl::AnyInvocable<void()> on_done)
    // tidy: allow shared-mutable: the thread that reads holds it too.
    : address_(std::make_shared<Address>()), on_done_(std::move(on_done)) {
  address_->loop = &loop;
  address_->load = this;
  store.Post(
      [&store, key, id, address = address_] {
        auto result = store.Read(key, id);
        if (!result) store.Remove(id, key.url());
        const std::lock_guard<std::mutex> lock(address->mutex);
        if (address->loop == nullptr) return;
        address->loop->Post([address, result = std::move(result)]() mutable {
          DiskLoad* load = address->load;
          if (load == nullptr) return;
          load->result_ = std::move(result);
          load->done_ = true;
          load->on_done_();
        });
      },
      /*urgent=*/true);
}

DiskLoad::~DiskLoad() {
  address_->load = nullptr;
  const std::lock_guard<std::mutex> lock(address_->mutex);
  address_->loop = nullptr;
}

}  // namespace proxenos::cache
