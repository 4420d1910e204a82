//! What the daemon costs while nobody calls: memory, before and after a load, and wake-ups.

use std::{thread, time::Duration};

use crate::{
    process::{Memory, memory, waits},
    report::{Column, Row, Table},
    scene::Scene,
    trouble::Trouble,
};

const MEMORY_COLUMNS: &[Column] = &[
    Column { key: "idle_rss_kib", head: "idle RSS KiB", decimals: 0 },
    Column { key: "idle_pss_kib", head: "idle PSS", decimals: 0 },
    Column { key: "peak_rss_kib", head: "peak RSS", decimals: 0 },
    Column { key: "loaded_rss_kib", head: "RSS after", decimals: 0 },
    Column { key: "loaded_pss_kib", head: "PSS after", decimals: 0 },
];

const WAKE_UP_COLUMNS: &[Column] =
    &[Column { key: "wake_ups_per_minute", head: "wake-ups/min", decimals: 1 }];

/// What both servers hold at one moment.
#[derive(Debug)]
pub(crate) struct Held {
    floor: Memory,
    daemon: Memory,
}

impl Held {
    pub(crate) fn now(scene: &Scene) -> Result<Self, Trouble> {
        Ok(Self { floor: memory(scene.floor.id())?, daemon: memory(scene.daemon.id())? })
    }
}

pub(crate) fn memory_table(idle: &Held, loaded: &Held) -> Table {
    Table {
        key: "memory",
        title: "Memory: idle with one token, at most, and after 128 connections were closed".to_owned(),
        columns: MEMORY_COLUMNS,
        rows: vec![
            memory_row("hyper alone: the floor", idle.floor, loaded.floor),
            memory_row("airbyte-tokend", idle.daemon, loaded.daemon),
        ],
    }
}

fn memory_row(name: &str, idle: Memory, loaded: Memory) -> Row {
    let figures = vec![idle.resident, idle.proportional, loaded.peak, loaded.resident, loaded.proportional];
    Row { name: name.to_owned(), figures }
}

/// Counts how often both servers wake up while nobody calls either.
pub(crate) fn wake_ups(scene: &Scene, length: Duration) -> Result<Table, Trouble> {
    let servers = [("hyper alone: the floor", &scene.floor), ("airbyte-tokend", &scene.daemon)];
    let count = || servers.iter().map(|(_, server)| waits(server.id())).collect::<Result<Vec<_>, _>>();
    let before = count()?;
    thread::sleep(length);
    let minutes = length.as_secs_f64() / 60.0;
    let figures = count()?.into_iter().zip(before).map(|(after, before)| (after - before) / minutes);
    let rows = servers.iter().zip(figures);
    Ok(Table {
        key: "idle",
        title: format!("Wake-ups while nobody calls ({length:?}, both at once)"),
        columns: WAKE_UP_COLUMNS,
        rows: rows.map(|((name, _), wakes)| Row { name: (*name).to_owned(), figures: vec![wakes] }).collect(),
    })
}
