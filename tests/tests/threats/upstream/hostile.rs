//! Replies that are meant to fill the memory.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::Command,
};

use airbyte_sandbox::{Fault, OddToken, Reply, Trouble, Wire};
use airbyte_tokend_tests::{Airbyte, Home, PATIENCE, Person, Process};

use super::{connect, curl, exchange, fail_to_refresh, warm};

/// What a reply may cost, in KiB: it is read to 64 KiB, and its headers to 16 KiB.
const MOST: u64 = 4 * 1024;
/// What the same reply costs others, in bytes, at the least.
const LARGE: usize = 8 << 20;

/// The most memory that a process has had since this was last forgotten, in KiB (proc(5)).
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

fn forget_peak(pid: u32) {
    let mut shell = Person::root().command("sh");
    let ended =
        Process::start(shell.args(["-c", "echo 5 >/proc/$1/clear_refs", "sh", &pid.to_string()]), b"");
    assert_eq!(ended.wait().code(), Some(0), "root may");
}

/// The renewal gets this reply: what it costs in memory, in KiB. The old token is kept.
fn cost(fault: Fault) -> u64 {
    let (home, airbyte) = (Home::new(), Airbyte::start());
    let daemon = warm(&home, &airbyte);
    assert_eq!(daemon.http().post("/v1/token/refresh").status, 200);
    let alive = daemon.http().token();
    forget_peak(daemon.pid());
    let before = peak(daemon.pid());
    airbyte.add_fault(fault);
    let told = fail_to_refresh(&daemon);
    assert_eq!(told.code(), "upstream_unavailable", "{}", told.text());
    let cost = peak(daemon.pid()) - before;
    assert_eq!(daemon.http().token(), alive);
    cost
}

/// T10: a few hundred KiB that unpack to 64 MiB. The control: curl, told to unpack, does.
#[test]
fn a_bomb_is_not_unpacked() {
    let bomb = || Fault::new(Trouble::Reply(Reply::GzipBomb));
    let cost = cost(bomb());
    assert!(cost < MOST, "{cost} KiB");

    let airbyte = Airbyte::start();
    airbyte.add_fault(bomb());
    let unpacked = exchange(curl(&airbyte, &["--compressed"]), &airbyte);
    assert!(unpacked.stdout.len() > LARGE, "{} bytes", unpacked.stdout.len());
}

/// How much of a reply somebody gets who reads it as long as it comes.
fn read_on(fault: Fault) -> usize {
    let airbyte = Airbyte::start();
    airbyte.add_fault(fault);
    let mut stream = connect(&airbyte);
    stream.set_read_timeout(Some(PATIENCE)).expect("it is a time");
    let request =
        format!("POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{{}}", super::ENDPOINT);
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut all = Vec::new();
    let limit = u64::try_from(LARGE).expect("it is small");
    stream.take(limit).read_to_end(&mut all).expect("it comes");
    all.len()
}

/// T10: bodies and headers without an end. The control: whoever reads on gets as much as it takes.
#[test]
fn a_reply_without_an_end_is_not_kept() {
    for wire in [Wire::EndlessBody, Wire::EndlessHeaders] {
        let fault = || Fault::new(Trouble::Wire(wire));
        let cost = cost(fault());
        assert!(cost < MOST, "{wire:?}: {cost} KiB");
        assert_eq!(read_on(fault()), LARGE, "{wire:?}");
    }
}

/// T10: JSON that opens twenty thousand arrays, and a token of a megabyte. The control: a reader that follows each array
/// gives up for want of a stack.
#[test]
fn json_without_a_bottom_and_tokens_without_a_measure_cost_nothing() {
    let deep = || Fault::new(Trouble::Reply(Reply::DeepJson));
    for fault in [deep(), Fault::token(OddToken::Huge)] {
        let cost = cost(fault);
        assert!(cost < MOST, "{cost} KiB");
    }

    let airbyte = Airbyte::start();
    airbyte.add_fault(deep());
    let reply = exchange(curl(&airbyte, &[]), &airbyte);
    let mut python = Command::new("python3");
    let read =
        Process::start(python.args(["-c", "import json, sys; json.load(sys.stdin)"]), &reply.stdout).wait();
    assert!(read.stderr.contains("RecursionError"), "{}", read.stderr);
}
