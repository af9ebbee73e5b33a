//! Resources checked per second on one core: the structural check, the invariants, and both with reading the text
//! before, over the examples of R4 and two synthetic patients.
//!
//!     cargo bench --bench validate [-- ROUNDS]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use causeway::fhir::structure::{self, Limits, invariants};
use causeway::fhir::{Json, JsonLimits};

fn main() {
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(20);
    let started = Instant::now();
    let rules = invariants::prepare();
    println!("{rules} rules compiled in {:.1} ms; one core, {rounds} rounds", started.elapsed().as_secs_f64() * 1e3);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fhir");
    let synthea = std::fs::read_to_string(fixtures.join("search/synthea.ndjson")).expect("readable");
    let examples: Vec<String> = std::fs::read_dir(fixtures.join("examples"))
        .expect("examples")
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("readable"))
        .collect();
    println!(
        "{:<24} {:>12} {:>12} {:>14} {:>14}",
        "resources", "bytes each", "read, us", "structure, us", "invariants, us"
    );
    measure("examples of R4", &examples, rounds);
    measure("synthetic patients", &synthea.lines().map(str::to_owned).collect::<Vec<_>>(), rounds);
}

fn measure(name: &str, texts: &[String], rounds: usize) {
    let limits = Limits::default();
    let read = || texts.iter().map(|text| Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON"));
    let resources: Vec<Json> = read().collect();
    let each = |work: &dyn Fn()| {
        // Once without counting: tables are read at the first use.
        work();
        let started = Instant::now();
        for _ in 0..rounds {
            work();
        }
        started.elapsed().as_secs_f64() * 1e6 / (rounds * texts.len()) as f64
    };
    let reading = each(&|| read().for_each(|resource| drop(black_box(resource))));
    let structure =
        each(&|| resources.iter().for_each(|resource| drop(black_box(structure::check(resource, &limits)))));
    let invariants =
        each(&|| resources.iter().for_each(|resource| drop(black_box(invariants::check(resource, &limits)))));
    let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len();
    println!("{name:<24} {bytes:>12} {reading:>12.1} {structure:>14.1} {invariants:>14.1}");
}
