// WebSocketBridge: the key of a WebSocket handshake and the answer to it (RFC 6455, 4.1 and 4.2.2)
// where one side of the proxy speaks HTTP/1.1 and the other HTTP/2, which needs neither (RFC 8441,
// section 5).
//
// A key that the client sent goes on whatever the protocol, as in Envoy: behind another proxy there
// may be an HTTP/1.1 origin that answers it.
//
// Owner: the Router. Thread: the worker's.
#pragma once

#include "source/base/random.h"
#include "source/http/message.h"

namespace proxenos::filters::router {

class WebSocketBridge {
 public:
  // `request`, which asks for an upgrade, is about to be sent over `upstream`: gives it a key where
  // that needs one and the client sent none.
  void Prepare(http::RequestHead& request, http::Version upstream, base::Random& random);

  // The answer to `request` has come: adds to it what the client's protocol needs, takes out what
  // it does not. False: it accepts the upgrade without having understood the key.
  bool Finish(const http::RequestHead& request, http::ResponseHead& response) const;

 private:
  bool own_key_ = false;  // The request's key is of our making.
};

}  // namespace proxenos::filters::router
