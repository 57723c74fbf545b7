module proxenos/services/toolchain

go 1.19

// The Go that builds the services, which is younger than Debian's.
require golang.org/toolchain v0.0.1-go1.25.6.linux-amd64
