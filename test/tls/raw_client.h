// RawClient: BoringSSL used directly on a socket, to do what our own client never does.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "openssl/ssl.h"
#include "source/base/check.h"

namespace proxenos::tls {

// Owner: the test. It neither owns nor closes its non-blocking socket.
class RawClient {
 public:
  explicit RawClient(int fd, uint16_t max_version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_method())) {
    CHECK(SSL_CTX_set_max_proto_version(context_.get(), max_version) == 1);
    ssl_.reset(SSL_new(context_.get()));
    CHECK(SSL_set_fd(ssl_.get(), fd) == 1);
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }
  // As far as it goes now; true when it is done.
  bool Advance() { return SSL_do_handshake(ssl_.get()) == 1; }
  bool Write(absl::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  // What is there now.
  std::string Read() {
    std::string all;
    char bytes[4096];
    for (int n; (n = SSL_read(ssl_.get(), bytes, sizeof(bytes))) > 0;) {
      all.append(bytes, static_cast<size_t>(n));
    }
    return all;
  }

 private:
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
};

}  // namespace proxenos::tls
