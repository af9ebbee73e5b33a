//! Reports rendered per second on one core, form by form, over sample reports of all sizes.
//!
//!     cargo bench --bench render [-- REPORTS]
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use causeway::base::{TenantId, Timestamp, VersionId};
use causeway::dicom::study::StudyFacts;
use causeway::report::fhir::{Ids, content_bundle};
use causeway::report::sample::sample;
use causeway::report::sr::HeadingCodes;
use causeway::report::{Edition, Letterhead, Losses, Rendering, Report, family, pdf, read, sr, text, verify};

/// What is measured.
type Work<'a> = &'a dyn Fn(&Rendering<'_>);

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(50);
    let reports: Vec<Report> = (0..count).map(|index| sample(20_261_121, index)).collect();
    let measurements: usize = reports.iter().map(|report| report.measurements.len()).sum();
    println!("{count} sample reports, {measurements} measurements together; one core");
    println!("{:<28} {:>12} {:>12} {:>12}", "form", "reports/s", "median ms", "worst ms");
    let letterhead = Letterhead { organization: "Bench".into(), ..Letterhead::default() };
    let works: [(&str, Work<'_>); 6] = [
        ("text", &|rendering| drop(black_box(text::render(rendering)))),
        ("DICOM SR", &|rendering| drop(black_box(sr::render(rendering).expect("renders")))),
        ("FHIR bundle", &|rendering| {
            let ids = Ids::derived(rendering.report, rendering.letterhead);
            drop(black_box(content_bundle(rendering, &ids, &[]).expect("renders").to_text()));
        }),
        ("PDF/A, nothing embedded", &|rendering| drop(black_box(pdf::render(rendering, &[]).expect("renders")))),
        ("all forms", &|rendering| drop(black_box(family::render(rendering, HeadingCodes::Ln).expect("renders")))),
        ("all forms, read back", &|rendering| {
            let family = family::render(rendering, HeadingCodes::Ln).expect("renders");
            verify::family(&family, rendering.report).expect("says the same");
        }),
    ];
    for (name, work) in works {
        measure(name, &reports, &letterhead, work);
    }
    measure_reading(&reports);
}

fn measure(name: &str, reports: &[Report], letterhead: &Letterhead, work: Work<'_>) {
    let mut times = Vec::with_capacity(reports.len());
    // Once without counting: fonts are parsed at the first use.
    for counted in [false, true] {
        for report in reports {
            let recorded_at = Timestamp::parse("2026-01-01T00:00:00Z").expect("valid");
            let edition = Edition {
                tenant: TenantId::default_tenant(),
                version: VersionId::FIRST,
                recorded_at,
                verified_at: report.status.is_verified().then_some(recorded_at),
                predecessor: None,
                reason: None,
            };
            let rendering = Rendering {
                report,
                edition: &edition,
                content_digest: report.content_digest(),
                study: &StudyFacts::default(),
                letterhead,
                images: &[],
                missing: &Losses::new(),
                public_url: "http://127.0.0.1:8080",
            };
            let started = Instant::now();
            work(&rendering);
            if counted {
                times.push(started.elapsed());
            }
        }
    }
    show(name, &mut times);
}

fn measure_reading(reports: &[Report]) {
    let texts: Vec<String> = reports.iter().map(|report| report.to_json().to_text()).collect();
    let mut times = Vec::with_capacity(texts.len());
    for (text, report) in texts.iter().zip(reports) {
        let started = Instant::now();
        black_box(read::read_bytes(text.as_bytes(), &report.id, &read::ReportLimits::default()).expect("reads"));
        times.push(started.elapsed());
    }
    show("reading the JSON", &mut times);
}

fn show(name: &str, times: &mut [Duration]) {
    times.sort();
    let total: Duration = times.iter().sum();
    let per_second = times.len() as f64 / total.as_secs_f64();
    let milliseconds = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    let median = milliseconds(times.get(times.len() / 2));
    println!("{name:<28} {per_second:>12.0} {median:>12.3} {:>12.3}", milliseconds(times.last()));
}
