//go:build tools

// Package tools names the rate limit server that tests run, so that go.mod and go.sum pin it.
package tools

import _ "github.com/envoyproxy/ratelimit/src/service_cmd"
