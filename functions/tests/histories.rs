//! Random calls from several clients at once, with faults between the functions and the table. The model must explain every
//! history, and the table must hold in the end what the model holds.
//!
//! `SCHEDULES=10000 cargo test -p functions histories` runs many schedules; `SEED=… SCHEDULES=50` runs one schedule 50 times.
//! A seed fixes the calls and the faults; the order in which the processes run differs from run to run.
//!
//! Each request has its own id, by which entries of the change history and of the journal are told to be its own.
//!
//! A new operation needs: its variant and its effect in the crate `model`, its request in `requests.rs`, its answer in
//! `observe.rs`, and, if it writes a new kind of item, that item in `stored.rs`.

mod batches;
mod changes;
mod denials;
mod figures;
mod journal;
mod observe;
mod requests;
mod revocations;
mod run;
mod schedule;
mod stored;
mod write_back;

use std::{
    any::Any,
    env,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Instant, SystemTime},
};

use self::{
    figures::Figures,
    run::run,
    schedule::{CLIENTS, Schedule},
};
use crate::support::World;

/// After so many schedules the processes are replaced by new ones.
const SCHEDULES_PER_WORLD: usize = 250;
/// From so many schedules on, every kind of fault and of answer must have occurred.
const CAMPAIGN: usize = 1000;

#[test]
fn every_history_has_an_explanation() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let schedules = number("SCHEDULES").unwrap_or(16) as usize;
    let seed = number("SEED");
    let first = seed.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64);
    // Lanes run in parallel. Each waits for most of its time.
    let lanes = if schedules < 100 { 2 } else { number("LANES").unwrap_or(6) as usize };

    let (next, figures, failures) = (&AtomicUsize::new(0), &Mutex::new(Figures::default()), &Mutex::new(Vec::new()));
    let began = Instant::now();
    let lane = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = None;
        for served in 0.. {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= schedules || failures.lock().unwrap().len() > 2 {
                break;
            }
            if served % SCHEDULES_PER_WORLD == 0 || world.is_none() {
                world = Some(runtime.block_on(World::alone()));
            }
            let seed = if seed.is_some() { first } else { first + at as u64 };
            let run = run(world.as_ref().unwrap(), seed, figures);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run))) {
                failures.lock().unwrap().push(format!("SEED={seed}: {}", message(panic.as_ref())));
                // Requests of the failed schedule may still be under way in this world.
                world = None;
            }
            if at % 500 == 499 {
                report(&format!("{} schedules in {:.0?}\n{}", at + 1, began.elapsed(), figures.lock().unwrap()));
            }
        }
    };
    thread::scope(|scope| (0..lanes).for_each(|_| _ = scope.spawn(lane)));

    let failures = failures.lock().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let figures = figures.lock().unwrap();
    if schedules >= 100 {
        report(&format!("{schedules} schedules from SEED={first} in {:.0?}\n{figures}", began.elapsed()));
    }
    if schedules >= CAMPAIGN {
        figures.cover_everything();
    }
}

/// Prints to standard error directly. libtest would capture `eprintln!`.
fn report(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

#[test]
fn a_seed_determines_the_schedule() {
    assert_eq!(format!("{:?}", Schedule::of(7)), format!("{:?}", Schedule::of(7)));
    assert_ne!(format!("{:?}", Schedule::of(7)), format!("{:?}", Schedule::of(8)));
    assert_eq!(Schedule::of(7).clients.len(), CLIENTS);
}
