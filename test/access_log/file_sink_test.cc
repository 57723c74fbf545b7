// The log writer: order, rotation, overflow, the end of the process.
#include "source/access_log/file_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proxenos::access_log {
namespace {

class FileSinkTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/", name, ".", getpid());
  }
  static std::string Read(const std::string& path) {
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  }
};

TEST_F(FileSinkTest, AppendsAndSharesByPath) {
  const std::string path = Path("share");
  LogWriter writer;
  const LogFile sink = *writer.Open(path);
  EXPECT_EQ(writer.Open(path)->get(), sink.get());
  sink->Append("one\n");
  sink->Append("two\n");
  writer.Flush();
  EXPECT_EQ(Read(path), "one\ntwo\n");
  EXPECT_EQ(writer.written_bytes(), 8u);
  EXPECT_EQ(writer.dropped_lines(), 0u);
}

TEST_F(FileSinkTest, DestructorWritesWhatWaits) {
  const std::string path = Path("exit");
  {
    LogWriter writer(3600 * base::kSecond);
    (*writer.Open(path))->Append("last words\n");
  }
  EXPECT_EQ(Read(path), "last words\n");
}

TEST_F(FileSinkTest, ReopenFollowsRotation) {
  const std::string path = Path("rotate");
  LogWriter writer(3600 * base::kSecond);
  const LogFile sink = *writer.Open(path);
  sink->Append("before\n");
  writer.Flush();
  ASSERT_EQ(std::rename(path.c_str(), (path + ".1").c_str()), 0);
  sink->Append("still old\n");
  writer.Reopen();
  sink->Append("new\n");
  writer.Flush();
  EXPECT_EQ(Read(path + ".1"), "before\nstill old\n");
  EXPECT_EQ(Read(path), "new\n");
}

// A control plane that changes the path of a log again and again runs into no limit.
TEST_F(FileSinkTest, FileThatNobodyLogsToIsClosed) {
  LogWriter writer(3600 * base::kSecond);
  const auto open_files = [] {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      count += entry.path().empty() ? 0 : 1;
    }
    return count;
  };
  const size_t before = open_files();
  for (size_t i = 0; i < LogWriter::kMaxFiles + 10; ++i) {
    const std::string path = Path(absl::StrCat("changing", i % 3));
    auto sink = writer.Open(path);
    ASSERT_TRUE(sink.ok()) << i << sink.status();
    (*sink)->Append("x");
    if (i % 2 == 0) {
      *sink = LogFile();
      sink = writer.Open(path);  // Before anybody has looked.
      ASSERT_TRUE(sink.ok());
      (*sink)->Append("y");
    }
    *sink = LogFile();
    writer.Flush();
    ASSERT_EQ(open_files(), before);
  }
  EXPECT_EQ(writer.written_bytes(), (LogWriter::kMaxFiles + 10) * 3 / 2);
  EXPECT_EQ(Read(Path("changing0")).substr(0, 6), "xyxxyx");
}

TEST_F(FileSinkTest, FailedReopenKeepsTheOldFile) {
  const std::string folder = Path("folder");
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  LogWriter writer(3600 * base::kSecond);
  const LogFile sink = *writer.Open(folder + "/log");
  ASSERT_EQ(std::rename(folder.c_str(), (folder + ".moved").c_str()), 0);
  writer.Reopen();
  sink->Append("kept\n");
  writer.Flush();
  EXPECT_EQ(Read(folder + ".moved/log"), "kept\n");
}

TEST_F(FileSinkTest, OpenErrorNamesThePath) {
  LogWriter writer;
  const auto sink = writer.Open("/no/such/folder/log");
  ASSERT_FALSE(sink.ok());
  EXPECT_NE(sink.status().message().find("/no/such/folder/log"), absl::string_view::npos);
}

// A reader that never reads: a full pipe blocks the writer's thread, and nobody else.
TEST_F(FileSinkTest, SlowFileDropsLinesAndBlocksNobody) {
  const std::string path = Path("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  {
    LogWriter writer;
    const LogFile sink = *writer.Open(path);
    const std::string line(1000, 'x');
    for (int i = 0; i < 20000; ++i) sink->Append(line);
    EXPECT_GT(writer.dropped_lines(), 0u);
    // Now somebody reads until the writer is gone.
    std::thread drain([reader] {
      ASSERT_EQ(fcntl(reader, F_SETFL, 0), 0);
      char buffer[65536];
      while (read(reader, buffer, sizeof(buffer)) > 0) {
      }
    });
    drain.detach();
  }
  SUCCEED();
}

TEST_F(FileSinkTest, WriteErrorsAreCounted) {
  LogWriter writer;
  const auto sink = writer.Open("/dev/full");
  if (!sink.ok()) GTEST_SKIP() << "this system has no /dev/full";
  (*sink)->Append("lost\n");
  writer.Flush();
  EXPECT_EQ(writer.failed_writes(), 1u);
}

// Each worker's lines stay whole and in order, whatever the others do.
TEST_F(FileSinkTest, ManyWorkers) {
  constexpr int kThreads = 8;
  constexpr int kLines = 5000;
  const std::string path = Path("workers");
  {
    LogWriter writer(base::kMillisecond);
    const LogFile sink = *writer.Open(path);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([sink, t] {
        for (int i = 0; i < kLines; ++i) sink->Append(absl::StrCat(t, " ", i, "\n"));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(writer.dropped_lines(), 0u);
  }
  std::ifstream file(path);
  std::vector<int> next(kThreads, 0);
  int thread, number;
  while (file >> thread >> number) {
    ASSERT_LT(thread, kThreads);
    ASSERT_EQ(number, next[thread]++);
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
}

TEST(LineRingTest, WrapsAndRefusesWhatDoesNotFit) {
  LineRing ring(16);
  std::string out;
  for (int i = 0; i < 100; ++i) {
    const std::string line = absl::StrCat("line", i, "\n");
    EXPECT_EQ(ring.Append(line), line.size());
    out.clear();
    ring.Drain(out);
    ASSERT_EQ(out, line);
  }
  EXPECT_EQ(ring.Append("0123456789abcdef!"), 0u);
  EXPECT_EQ(ring.dropped(), 1u);
  EXPECT_EQ(ring.Append("0123456789abcdef"), 16u);
  ring.Append("x");
  EXPECT_EQ(ring.dropped(), 2u);
}

}  // namespace
}  // namespace proxenos::access_log
