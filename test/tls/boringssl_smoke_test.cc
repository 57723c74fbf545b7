// Proves that BoringSSL, linked statically, and gRPC, whose shared library brings OpenSSL, live in
// one process: each side calls its own, because the program exports none of BoringSSL's symbols.
#include <dlfcn.h>

#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "openssl/crypto.h"
#include "openssl/ssl.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "the system's OpenSSL headers came before BoringSSL's"
#endif

namespace proxenos::tls {
namespace {

TEST(BoringsslSmoke, HandshakeStartsInMemory) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ASSERT_NE(context, nullptr);
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  ASSERT_NE(ssl, nullptr);
  SSL_set_connect_state(ssl.get());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  EXPECT_EQ(SSL_do_handshake(ssl.get()), -1);
  EXPECT_EQ(SSL_get_error(ssl.get(), -1), SSL_ERROR_WANT_READ);
  EXPECT_GT(BIO_pending(SSL_get_wbio(ssl.get())), 0u);
}

TEST(BoringsslSmoke, GrpcKeepsItsOwnLibrary) {
  grpc::SslCredentialsOptions options;
  const auto channel = grpc::CreateChannel("127.0.0.1:1", grpc::SslCredentials(options));
  ASSERT_NE(channel, nullptr);
  EXPECT_EQ(channel->GetState(true), GRPC_CHANNEL_IDLE);
  // What the dynamic linker finds is OpenSSL's function, not the one this file was linked with.
  void* shared = dlsym(RTLD_DEFAULT, "SSL_new");
  ASSERT_NE(shared, nullptr);
  EXPECT_NE(shared, reinterpret_cast<void*>(&SSL_new));
  using VersionText = const char* (*)(int);
  const auto openssl_version =
      reinterpret_cast<VersionText>(dlsym(RTLD_DEFAULT, "OpenSSL_version"));
  ASSERT_NE(openssl_version, nullptr);
  EXPECT_EQ(std::string(openssl_version(0)).rfind("OpenSSL 3", 0), 0u) << openssl_version(0);
  EXPECT_EQ(std::string(OpenSSL_version(0)), "BoringSSL");
}

}  // namespace
}  // namespace proxenos::tls
