module proxenos/rule_tests

go 1.18

// For the files in its folder tests; nothing of it is built.
require github.com/corazawaf/coraza-coreruleset v0.0.0-20240226094324-415b1017abdc
