// Reading the log.
#include "source/filters/http/cache/purge_follower.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/redis/command.h"

namespace proxenos::filters::cache {

using ::proxenos::cache::LogId;
using ::proxenos::cache::PurgeLog;
using ::proxenos::cache::PurgeRecord;
using redis::Reply;

namespace {

constexpr size_t kPage = 1000;
constexpr base::Nanos kWait = base::kSecond;

redis::Client::Options OptionsOf(redis::Client::Options options) {
  options.timeout += kWait;  // An answer may be that nothing has come.
  return options;
}

}  // namespace

std::string PurgeKind(PurgeRecord::By by) {
  switch (by) {
    case PurgeRecord::By::kUrl:
      return "url";
    case PurgeRecord::By::kPrefix:
      return "prefix";
    case PurgeRecord::By::kTag:
      return "tag";
    case PurgeRecord::By::kAll:
      return "all";
    case PurgeRecord::By::kNothing:
      break;
  }
  return "begin";
}

// Each: [id, [kind, text]].
bool ReadPurges(const Reply& entries, PurgeLog::Batch* batch) {
  if (entries.kind != Reply::Kind::kList) return false;
  for (const Reply& entry : entries.items) {
    if (entry.items.size() != 2) return false;
    const std::optional<LogId> id = LogId::Parse(entry.items[0].text);
    const std::vector<Reply>& fields = entry.items[1].items;
    if (!id || fields.size() < 2) return false;
    PurgeRecord record;
    for (const auto by : {PurgeRecord::By::kUrl, PurgeRecord::By::kPrefix, PurgeRecord::By::kTag,
                          PurgeRecord::By::kAll}) {
      if (fields[0].text == PurgeKind(by)) record = {by, fields[1].text};
    }
    batch->emplace_back(*id, std::move(record));
  }
  return true;
}

PurgeFollower::PurgeFollower(PurgeLog& log, std::string key, event::EventLoop& loop,
                             upstream::ClusterMap& clusters, redis::Client::Options options,
                             redis::ClientStats& stats)
    : log_(log),
      key_(std::move(key)),
      call_([this](const Reply* reply) { OnAnswer(reply); }),
      client_(loop, clusters, OptionsOf(std::move(options)), stats, [this] { OnChange(); }) {}

PurgeFollower::~PurgeFollower() { log_.SetFollowed(false); }

void PurgeFollower::OnChange() {
  if (client_.ready()) {
    AskPage();
  } else {
    log_.SetFollowed(false);
  }
}

void PurgeFollower::Poke() {
  client_.Renew();
  if (!client_.ready() || call_.waits()) return;
  began_ = false;
  AskPage();
}

// From the last one that is known, with it, so that its absence is seen.
void PurgeFollower::AskPage() {
  paging_ = true;
  const std::optional<LogId> taken = log_.taken();
  buffer::Buffer command;
  redis::AppendCommand(
      {"XRANGE", key_, taken ? taken->Text() : "-", "+", "COUNT", absl::StrCat(kPage)}, command);
  client_.Send(std::move(command), &call_);
}

void PurgeFollower::AskNext() {
  paging_ = false;
  buffer::Buffer command;
  redis::AppendCommand(
      {"XREAD", "COUNT", absl::StrCat(kPage), "BLOCK", absl::StrCat(kWait / base::kMillisecond),
       "STREAMS", key_, log_.taken().value_or(LogId()).Text()},
      command);
  client_.Send(std::move(command), &call_);
}

void PurgeFollower::OnAnswer(const Reply* reply) {
  if (reply == nullptr) return;  // OnChange follows.
  if (paging_) {
    OnPage(*reply);
  } else {
    OnNext(*reply);
  }
}

void PurgeFollower::OnPage(const Reply& reply) {
  PurgeLog::Batch batch;
  if (!ReadPurges(reply, &batch)) return log_.SetFollowed(false);
  const size_t count = batch.size();
  if (const std::optional<LogId> taken = log_.taken()) {
    if (batch.empty() || batch.front().first != *taken) {
      log_.Restart();
      return AskPage();
    }
    batch.erase(batch.begin());
  } else if (batch.empty()) {
    // Whoever comes first says where it begins.
    if (began_) return log_.SetFollowed(false);
    began_ = true;
    buffer::Buffer command;
    redis::AppendCommand({"XADD", key_, "*", "begin", ""}, command);
    client_.Send(std::move(command), nullptr);
    return AskPage();
  }
  began_ = false;
  log_.Append(std::move(batch));
  if (count == kPage) return AskPage();
  log_.SetFollowed(true);
  AskNext();
}

// Null, when nothing came; else [[key, entries]], or as a map of RESP3 that and no more.
void PurgeFollower::OnNext(const Reply& reply) {
  PurgeLog::Batch batch;
  if (reply.kind == Reply::Kind::kList && reply.items.size() == 1 &&
      reply.items[0].items.size() == 2) {
    if (!ReadPurges(reply.items[0].items[1], &batch)) return log_.SetFollowed(false);
  } else if (reply.kind != Reply::Kind::kNull) {
    return log_.SetFollowed(false);
  }
  if (batch.empty()) return AskPage();
  log_.Append(std::move(batch));
  AskNext();
}

}  // namespace proxenos::filters::cache
