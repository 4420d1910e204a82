#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| airbyte_tokend_checks::token_reply::check(data));
