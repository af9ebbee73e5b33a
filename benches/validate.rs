//! Resources checked per second on one core: the structural check, the invariants, profiles, and reading the text
//! before, over the examples of R4, two synthetic patients, and the same under US Core 6.1.0. Profiles are compiled
//! before; how long that takes is said.
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

use causeway::fhir::package::{Package, PackageLimits};
use causeway::fhir::profile::{self, Installed, Registry, constrained_type};
use causeway::fhir::structure::{self, Limits, invariants};
use causeway::fhir::{Json, JsonLimits, Object};

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
        "{:<24} {:>12} {:>12} {:>14} {:>14} {:>14}",
        "resources", "bytes each", "read, us", "structure, us", "invariants, us", "profiles, us"
    );
    let package = std::fs::read(fixtures.join("us_core_610.tgz")).expect("readable");
    let package = Package::read(&package, &PackageLimits::default()).expect("a package");
    let mut us_core = registry(&package);
    let synthea: Vec<String> = synthea.lines().map(str::to_owned).collect();
    measure("examples of R4", &examples, &mut us_core, &package, rounds);
    measure("synthetic patients", &synthea, &mut us_core, &package, rounds);
    let claiming: Vec<String> = synthea.iter().filter_map(|text| claim(text)).collect();
    measure("the same, US Core", &claiming, &mut us_core, &package, rounds);
}

/// A registry of a package, of which nothing is read yet.
fn registry(package: &Package) -> Registry {
    Registry::with(package.definitions.iter().map(|definition| Installed {
        kind: definition.kind,
        url: definition.url.clone(),
        version: definition.version.clone().unwrap_or_default(),
        constrains: constrained_type(&definition.json).to_owned(),
        package: (package.manifest.name.clone(), package.manifest.version.clone()),
    }))
}

/// Reads what checks want until they want nothing more.
fn fill(registry: &mut Registry, package: &Package, resources: &[Json]) {
    let started = Instant::now();
    let mut count = 0;
    for resource in resources {
        loop {
            let wanted = profile::check(resource, &[], registry, &Limits::default()).wanted;
            if wanted.is_empty() {
                break;
            }
            for one in wanted {
                let found = package.definitions.iter().find(|each| each.kind == one.kind && each.url == one.url);
                registry.add(one, found.map(|each| &each.json)).expect("can be used");
                count += 1;
            }
        }
    }
    if count > 0 {
        println!("{count} definitions compiled in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    }
}

/// The text of a resource that claims the profile of US Core for its type, where there is one for all of them.
fn claim(text: &str) -> Option<String> {
    let mut json = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON");
    let name = match json.text_at(&["resourceType"])? {
        "Patient" => "us-core-patient",
        "Observation" => "us-core-observation-lab",
        "Condition" => "us-core-condition-encounter-diagnosis",
        "Procedure" => "us-core-procedure",
        "Encounter" => "us-core-encounter",
        "Immunization" => "us-core-immunization",
        "DiagnosticReport" => "us-core-diagnosticreport-lab",
        "MedicationRequest" => "us-core-medicationrequest",
        _ => return None,
    };
    let url = format!("http://hl7.org/fhir/us/core/StructureDefinition/{name}");
    let meta = Object::new().with("profile", Json::Array(vec![Json::string(url)]));
    json.as_object_mut()?.set("meta", meta.into());
    Some(json.to_text())
}

fn measure(name: &str, texts: &[String], registry: &mut Registry, package: &Package, rounds: usize) {
    let limits = Limits::default();
    let read = || texts.iter().map(|text| Json::parse(text.as_bytes(), &JsonLimits::default()).expect("JSON"));
    let resources: Vec<Json> = read().collect();
    fill(registry, package, &resources);
    let registry = &*registry;
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
    let profiles = each(&|| {
        for resource in &resources {
            drop(black_box(profile::check(resource, &[], registry, &limits)));
        }
    });
    let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len();
    println!("{name:<24} {bytes:>12} {reading:>12.1} {structure:>14.1} {invariants:>14.1} {profiles:>14.1}");
}
