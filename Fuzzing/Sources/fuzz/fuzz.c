// `main` is libFuzzer's; it calls LLVMFuzzerTestOneInput of FuzzTargets.
