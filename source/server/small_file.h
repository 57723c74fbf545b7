// ReadSmallFile: files of a few words that others rewrite in place: the kernel's, or a test's.
#pragma once

#include <string>

namespace proxenos::server {

// Its first 4 KiB, as they are now; "" where it cannot be read. Thread: any.
std::string ReadSmallFile(const std::string& path);

}  // namespace proxenos::server
