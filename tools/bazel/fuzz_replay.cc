// Runs a libFuzzer target as an ordinary test: each file of the folders named on the command line
// is given to the target whole and then cut short at each of its first bytes. Invariant: an empty
// corpus is a failure, so that a moved folder cannot pass unnoticed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// How many shortened forms of one input are tried.
constexpr size_t kMaxPrefixes = 512;

void RunOne(const std::string& bytes, size_t size) {
  // A copy of exactly this size lets the address sanitizer see a read past the end.
  const std::vector<uint8_t> input(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

bool ReplayFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  RunOne(bytes, bytes.size());
  for (size_t size = 0; size < bytes.size() && size < kMaxPrefixes; ++size) RunOne(bytes, size);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int replayed = 0;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i], error)) {
      if (!entry.is_regular_file()) continue;
      if (!ReplayFile(entry.path())) return 1;
      ++replayed;
    }
    if (error) {
      std::fprintf(stderr, "cannot list %s: %s\n", argv[i], error.message().c_str());
      return 1;
    }
  }
  std::printf("%d inputs replayed\n", replayed);
  return replayed > 0 ? 0 : 1;
}
