use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const US_CORE: &[u8] = include_bytes!("../../../fixtures/fhir/us_core_610.tgz");
const MANIFEST: &str = r#"{"name":"a.b","version":"1.0.0","fhirVersions":["4.0.1"]}"#;
const SET: &str = r#"{"resourceType":"ValueSet","url":"urn:x","version":"1"}"#;

/// A tar entry as it stands in an archive.
fn entry(path: &str, kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header.extend_from_slice(contents);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("ended")
}

fn tgz(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = entries.concat();
    archive.extend_from_slice(&[0; 1024]);
    gzip(&archive)
}

fn read(entries: &[Vec<u8>]) -> Result<Package, PackageError> {
    Package::read(&tgz(entries), &PackageLimits::default())
}

fn manifest() -> Vec<u8> {
    entry("package/package.json", b'0', MANIFEST.as_bytes())
}

#[test]
fn us_core_is_read() {
    let package = Package::read(US_CORE, &PackageLimits::default()).expect("is a package");
    let manifest = &package.manifest;
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("hl7.fhir.us.core", "6.1.0"));
    assert_eq!(manifest.canonical.as_deref(), Some("http://hl7.org/fhir/us/core"));
    assert_eq!((manifest.fhir_versions.len(), manifest.dependencies.len()), (1, 9));
    let core = Dependency { name: "hl7.fhir.r4.core".into(), version: "4.0.1".into() };
    assert_eq!(manifest.dependencies.first(), Some(&core));
    let counts = DefinitionKind::ALL.map(|kind| package.of_kind(kind).count());
    assert_eq!(counts, [59, 36, 5, 106]);
    let others: Vec<(&str, usize)> = package.others.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(others, [("CapabilityStatement", 2), ("ImplementationGuide", 1), ("OperationDefinition", 1)]);
    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let found =
        package.of_kind(DefinitionKind::StructureDefinition).find(|each| each.url == patient).expect("is there");
    assert_eq!(
        (found.version.as_deref(), found.file.as_str()),
        (Some("6.1.0"), "StructureDefinition-us-core-patient.json")
    );
    assert_eq!(found.json.text_at(&["type"]), Some("Patient"));
}

#[test]
fn its_value_sets_and_code_systems_can_be_asked() {
    use crate::fhir::terminology::{CodeSystem, Library, ValueSet};
    let package = Package::read(US_CORE, &PackageLimits::default()).expect("is a package");
    let mut library = Library::new();
    for each in package.of_kind(DefinitionKind::CodeSystem) {
        library.add_code_system(
            CodeSystem::of_resource(&each.json).unwrap_or_else(|error| panic!("{}: {error}", each.url)),
        );
    }
    for each in package.of_kind(DefinitionKind::ValueSet) {
        library
            .add_value_set(ValueSet::of_resource(&each.json).unwrap_or_else(|error| panic!("{}: {error}", each.url)));
    }
    let category = "http://hl7.org/fhir/us/core/ValueSet/us-core-documentreference-category";
    assert!(library.value_set(category, Some("6.1.0")).is_some());
}

#[test]
fn names_may_be_long() {
    let long = format!("package/ValueSet-{}.json", "x".repeat(120));
    let gnu = entry("././@LongLink", b'L', format!("{long}\0").as_bytes());
    let record = format!(" path={long}\n");
    // The length counts its own three digits.
    let length = record.len() + 3;
    let pax = entry("PaxHeader", b'x', format!("{length}{record}").as_bytes());
    for before in [gnu, pax] {
        let package = read(&[manifest(), before, entry("short", b'0', SET.as_bytes())]).expect("is a package");
        assert_eq!(package.definitions[0].file, long.trim_start_matches("package/"));
    }
}

#[test]
fn what_is_not_right_below_the_folder_is_passed_over_and_counted() {
    let package = read(&[
        entry("./package", b'5', b""),
        manifest(),
        entry("package/.index.json", b'0', b"not looked at"),
        entry("package/example/Patient-x.json", b'0', b"not looked at"),
        entry("package/README.md", b'0', b"text"),
        entry("./package/ValueSet-x.json", b'0', SET.as_bytes()),
    ]);
    let package = package.expect("is a package");
    assert_eq!((package.definitions.len(), package.passed_over), (1, 2));
}

#[test]
fn paths_that_lead_out_are_refused() {
    for path in ["/etc/passwd", "package/../../x", "..", "package//x", "C:\\x", "package/a\\b", "package/./x"] {
        assert_eq!(read(&[manifest(), entry(path, b'0', b"x")]), Err(PackageError::Path), "{path}");
    }
    for kind in [b'1', b'2', b'3', b'6', b'S'] {
        assert_eq!(read(&[manifest(), entry("package/x", kind, b"")]), Err(PackageError::Entry));
    }
}

#[test]
fn wrong_packages_are_refused() {
    let with = |name: &str, text: &str| read(&[manifest(), entry(&format!("package/{name}"), b'0', text.as_bytes())]);
    assert!(matches!(with("x.json", "{"), Err(PackageError::File { .. })));
    assert!(matches!(with("x.json", "{}"), Err(PackageError::File { .. })));
    assert!(matches!(with("x.json", r#"{"resourceType":"Nonsense"}"#), Err(PackageError::File { .. })));
    assert!(matches!(with("x.json", r#"{"resourceType":"ValueSet"}"#), Err(PackageError::File { .. })));
    assert!(matches!(with("package.json", MANIFEST), Err(PackageError::Duplicate(_))));
    let set = |name: &str| entry(name, b'0', SET.as_bytes());
    let twice = read(&[manifest(), set("package/a.json"), set("package/b.json")]);
    assert_eq!(twice, Err(PackageError::Duplicate("urn:x".into())));
    assert_eq!(read(&[set("package/a.json")]), Err(PackageError::NoManifest));
    for (manifest, error) in [
        (r#"{"name":"a.b","version":"1","fhirVersions":["5.0.0"]}"#, PackageError::FhirVersion("5.0.0".into())),
        (r#"{"name":"a.b","version":"1"}"#, PackageError::Manifest("names no version of FHIR")),
        (
            r#"{"name":"../x","version":"1","fhirVersions":["4.0.1"]}"#,
            PackageError::Manifest("has no name that can be used"),
        ),
        (r#"{"name":"a.b","fhir-version-list":["4.0.1"]}"#, PackageError::Manifest("has no version that can be used")),
    ] {
        assert_eq!(read(&[entry("package/package.json", b'0', manifest.as_bytes())]), Err(error), "{manifest}");
    }
}

#[test]
fn sizes_have_limits() {
    let limits = |change: fn(&mut PackageLimits)| {
        let mut limits = PackageLimits::default();
        change(&mut limits);
        Package::read(US_CORE, &limits)
    };
    for refused in [
        limits(|limits| limits.packed_bytes = 1000),
        limits(|limits| limits.unpacked_bytes = 1_000_000),
        limits(|limits| limits.file_bytes = 1000),
        limits(|limits| limits.entries = 10),
    ] {
        assert!(matches!(refused, Err(PackageError::TooLarge { .. })));
    }
    let bomb = gzip(&vec![0_u8; 4 << 20]);
    assert!(bomb.len() < 100_000);
    let small = PackageLimits { unpacked_bytes: 1 << 20, ..PackageLimits::default() };
    assert_eq!(Package::read(&bomb, &small), Err(PackageError::TooLarge { limit: 1 << 20 }));
}

#[test]
fn damage_is_seen() {
    assert_eq!(Package::read(b"", &PackageLimits::default()), Err(PackageError::Compression));
    assert_eq!(Package::read(b"plain text", &PackageLimits::default()), Err(PackageError::Compression));
    let whole = tgz(&[manifest()]);
    for cut in [whole.len() - 1, whole.len() - 6, whole.len() / 2] {
        assert!(Package::read(&whole[..cut], &PackageLimits::default()).is_err(), "{cut}");
    }
    let mut damaged = manifest();
    damaged[0] ^= 1;
    assert_eq!(read(&[damaged]), Err(PackageError::Archive));
    assert_eq!(Package::read(&gzip(&manifest()[..700]), &PackageLimits::default()), Err(PackageError::Archive));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Package::read(&bytes, &PackageLimits::default());
        let _ = Package::read(&gzip(&bytes), &PackageLimits::default());
    }

    #[test]
    fn any_change_of_a_header_is_read_without_panic(
        changes in proptest::collection::vec((0_usize..512, any::<u8>()), 1..6),
        sum in any::<bool>(),
    ) {
        let mut first = manifest();
        for (at, byte) in changes {
            first[at] = byte;
        }
        if sum {
            first[148..156].fill(b' ');
            let sum: u32 = first[..512].iter().map(|byte| u32::from(*byte)).sum();
            first[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
        let _ = read(&[first, entry("package/a.json", b'0', SET.as_bytes())]);
    }
}
