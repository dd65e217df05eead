#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: backfills_fuzz::expect_panics(), |data: &[u8]| backfills_fuzz::file(data));
