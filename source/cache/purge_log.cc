// The table, and the thread that applies.
#include "source/cache/purge_log.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proxenos::cache {

std::string LogId::Text() const { return absl::StrCat(ms, "-", number); }

std::optional<LogId> LogId::Parse(absl::string_view text) {
  const size_t dash = text.find('-');
  LogId id;
  if (dash == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, dash), &id.ms) ||
      !absl::SimpleAtoi(text.substr(dash + 1), &id.number)) {
    return std::nullopt;
  }
  return id;
}

void PurgeTable::Add(LogId id, const PurgeRecord& record) {
  const auto put = [&](Map& map) {
    const auto [it, added] = map.try_emplace(record.text, id);
    if (added) bytes_ += record.text.size() + sizeof(Map::value_type);
    it->second = std::max(it->second, id);
  };
  switch (record.by) {
    case PurgeRecord::By::kUrl:
      return put(urls_);
    case PurgeRecord::By::kTag:
      return put(tags_);
    case PurgeRecord::By::kPrefix:
      bytes_ += record.text.size() + sizeof(prefixes_[0]);
      prefixes_.emplace_back(record.text, id);
      return;
    case PurgeRecord::By::kAll:
      all_ = std::max(all_, id);
      return;
    case PurgeRecord::By::kNothing:
      return;
  }
}

LogId PurgeTable::Latest(absl::string_view url, const std::vector<std::string>& tags) const {
  LogId latest = all_;
  const auto look = [&latest](const Map& map, absl::string_view text) {
    const auto it = map.find(text);
    if (it != map.end()) latest = std::max(latest, it->second);
  };
  look(urls_, url);
  for (const std::string& tag : tags) look(tags_, tag);
  for (const auto& [prefix, id] : prefixes_) {
    if (id > latest && absl::StartsWith(url, prefix)) latest = id;
  }
  return latest;
}

PurgeLog::PurgeLog(absl::AnyInvocable<void(const Batch&)> apply) : apply_(std::move(apply)) {
  thread_ = std::thread([this] { Run(); });
}

PurgeLog::~PurgeLog() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::optional<LogId> PurgeLog::Position() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return followed_ ? position_ : std::nullopt;
}

bool PurgeLog::IsGood(LogId stamp, absl::string_view url, const std::vector<std::string>& tags) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return followed_ && horizon_.has_value() && stamp >= *horizon_ &&
         table_.Latest(url, tags) <= stamp;
}

void PurgeLog::Append(Batch records) {
  if (records.empty()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken_ = records.back().first;
    // At once: what is read from the shared store is judged by it.
    for (const auto& [id, record] : records) {
      if (!horizon_.has_value()) horizon_ = id;
      table_.Add(id, record);
    }
    if (table_.bytes() > kMaxTableBytes || table_.prefixes() > kMaxPrefixes) {
      table_ = PurgeTable();
      horizon_ = taken_;
    }
    queue_.push_back(std::move(records));
  }
  changed_.notify_all();
}

void PurgeLog::Restart() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++epoch_;
    table_ = PurgeTable();
    horizon_.reset();
    position_.reset();
    taken_.reset();
    // An empty batch stands for all.
    queue_.assign(1, Batch());
  }
  changed_.notify_all();
}

std::optional<LogId> PurgeLog::taken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return taken_;
}

void PurgeLog::SetFollowed(bool followed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  followed_ = followed;
}

bool PurgeLog::Claim(absl::AnyInvocable<void()> wake) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (claimed_) return false;
  claimed_ = true;
  wake_ = std::move(wake);
  return true;
}

void PurgeLog::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  claimed_ = followed_ = false;
  wake_ = nullptr;
}

void PurgeLog::AddPending(PurgeRecord record) {
  if (pending_.size() == 1 && pending_[0].by == PurgeRecord::By::kAll) return;
  if (pending_.size() == kMaxPending || record.by == PurgeRecord::By::kAll) {
    pending_ = {{PurgeRecord::By::kAll, std::string()}};
    return;
  }
  if (record.text.size() > kMaxText) {
    // Of a URL its beginning, which names others too; a tag has no such thing.
    const bool tag = record.by == PurgeRecord::By::kTag;
    record.by = tag ? PurgeRecord::By::kAll : PurgeRecord::By::kPrefix;
    record.text.resize(tag ? 0 : kMaxText);
    return AddPending(std::move(record));
  }
  pending_.push_back(std::move(record));
}

void PurgeLog::Publish(PurgeRecord record) {
  const std::lock_guard<std::mutex> lock(mutex_);
  AddPending(std::move(record));
  if (wake_ != nullptr) wake_();
}

std::vector<PurgeRecord> PurgeLog::TakePending() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(pending_, {});
}

void PurgeLog::GiveBack(std::vector<PurgeRecord> records) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Twice in the log is no harm, so that these may be published already.
  for (PurgeRecord& record : records) AddPending(std::move(record));
}

void PurgeLog::Drain() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
}

void PurgeLog::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    const Batch batch = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    const uint64_t epoch = epoch_;
    lock.unlock();
    apply_(batch);
    lock.lock();
    busy_ = false;
    // Unless all began anew meanwhile.
    if (!batch.empty() && epoch == epoch_) position_ = batch.back().first;
    changed_.notify_all();
  }
}

}  // namespace proxenos::cache
