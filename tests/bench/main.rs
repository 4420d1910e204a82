//! `airbyte-bench`, behind `make bench`: what the client and the daemon cost on this machine, each beside a floor that
//! does the same with nothing in the way.
//!
//! It asserts nothing unless it is told to: a timed test fails on a busy machine and proves nothing on a fast one.

mod args;
mod client;
mod clock;
mod floor_server;
mod idle;
mod load;
mod place;
mod process;
mod programs;
mod report;
mod samples;
mod scene;
mod server;
mod startup;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Role};
use client::Verdict;
use idle::Held;
use place::Place;
use programs::Programs;
use report::{Report, complain, say};
use scene::Scene;
use trouble::Trouble;

/// Above this, what else runs on the machine is measured too.
const QUIET: f64 = 0.5;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.role {
        Some(Role::FloorServer { socket, body }) => floor_server::serve(socket, *body).map(|()| true),
        None => measure(&args),
    };
    match outcome {
        Ok(within) if within || !args.assert => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(trouble) => {
            complain(&trouble);
            ExitCode::from(2)
        }
    }
}

/// Whether the client keeps within its limit.
fn measure(args: &Args) -> Result<bool, Trouble> {
    let effort = args.effort();
    let place = Place::new()?;
    let programs = Programs::find(args.programs.as_deref(), &place)?;
    let mut report = Report::default();
    look_around(&mut report, args.quick)?;

    let scene = Scene::set(&place, &programs)?;
    let (client, verdict) = client::measure(&place, &programs, effort.calls)?;
    report.table(&client)?;
    let idle = Held::now(&scene)?;
    for table in server::measure(&place, &scene, effort)? {
        report.table(&table)?;
    }
    report.table(&idle::memory_table(&idle, &Held::now(&scene)?))?;
    report.table(&startup::measure(&programs, effort.starts)?)?;
    report.table(&idle::wake_ups(&scene, effort.idle)?)?;

    conclude(&mut report, verdict)?;
    if let Some(file) = &args.json {
        report.write(file)?;
    }
    Ok(verdict.is_within())
}

fn conclude(report: &mut Report, verdict: Verdict) -> Result<(), Trouble> {
    report.fact("client_ratio", verdict.client);
    report.fact("client_ratio_limit", client::LIMIT);
    report.fact("client_is_within_limit", verdict.is_within());
    report.fact("is_noisy", verdict.is_noisy());
    if verdict.is_noisy() {
        say(
            "\nwarning: the C program differs from itself by more than 5 %: measure again on a quiet machine",
        )?;
    }
    let within = if verdict.is_within() { "within" } else { "NOT within" };
    say(&format!(
        "\nairbyte-token print takes {:.3} times the C program: {within} {}",
        verdict.client,
        client::LIMIT
    ))
}

fn look_around(report: &mut Report, quick: bool) -> Result<(), Trouble> {
    let load = process::machine_load();
    report.fact("quick", quick);
    report.fact("load_average_before", load);
    if quick {
        say("warning: --quick shows that everything runs; its figures mean little")?;
    }
    if load > QUIET {
        say(&format!(
            "warning: the machine is busy (load average {load:.2}): times are too long, ratios less so"
        ))?;
    }
    Ok(())
}
