// Cargo wants a target; this manifest only pins sources.
