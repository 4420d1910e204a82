//! The table that users read, held against the tests: no row without a test, no test without its row.
