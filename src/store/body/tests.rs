use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::fhir::{Json, JsonLimits};

/// Every resource of the samples, as bodies are kept.
fn samples() -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut found: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for folder in ["synthea", "synthea-2019", "us-core-sample"] {
        for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fhir").join(folder)) {
            let packed = std::fs::read(&path).expect("a fixture");
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut text).expect("gzip");
            let limits = JsonLimits { depth: 60, values: 10_000_000 };
            let bundle = Json::parse(&text, &limits).expect("JSON");
            for resource in bundle.items("entry").iter().filter_map(|entry| entry.get("resource")) {
                let kind = resource.text_at(&["resourceType"]).expect("a type").to_owned();
                found.entry(kind).or_default().push(resource.to_text().into_bytes());
            }
        }
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".json.gz"));
    paths.sort();
    paths
}

/// `UPDATE_DICTIONARIES=1` trains new dictionaries from the samples; those that rows name stay as they are.
fn train(samples: &BTreeMap<String, Vec<Vec<u8>>>) {
    for dictionary in &DICTIONARIES {
        let own = |kind: &String| DICTIONARIES.iter().any(|one| one.resource_type == kind);
        let texts: Vec<&Vec<u8>> = samples
            .iter()
            .filter(|(kind, _)| match dictionary.resource_type {
                OTHERS => !own(kind),
                kind_of => kind.as_str() == kind_of,
            })
            .flat_map(|(_, texts)| texts.iter().take(2_000))
            .collect();
        let trained = zstd::dict::from_samples(&texts, 16 * 1024).expect("enough samples");
        let name = format!("src/store/body/dictionaries/1-{}.zdict", dictionary.resource_type);
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), trained).expect("written");
    }
}

#[test]
fn every_sample_comes_back_and_is_shorter() {
    let samples = samples();
    if std::env::var_os("UPDATE_DICTIONARIES").is_some() {
        train(&samples);
        return;
    }
    let (mut plain, mut kept) = (0, 0);
    for (kind, texts) in &samples {
        for text in texts.iter().step_by(7) {
            let packed = pack(kind, text.clone());
            plain += text.len();
            kept += packed.len();
            assert_eq!(unpack(packed).as_ref().ok(), Some(text), "{kind}");
        }
    }
    assert!(kept * 4 < plain, "{kept} of {plain} bytes");
}

#[test]
fn what_is_no_body_stays_and_what_is_broken_is_named() {
    assert_eq!(unpack(pack("Patient", Vec::new())).ok(), Some(Vec::new()));
    let plain = br#"{"a":1}"#.to_vec();
    assert_eq!(unpack(plain.clone()).ok(), Some(plain));
    let body = format!(r#"{{"resourceType":"Patient","text":"{}"}}"#, "a".repeat(500)).into_bytes();
    let packed = pack("Patient", body.clone());
    assert!(packed.len() < 100);
    for broken in [vec![PACKED], vec![PACKED, 0], vec![PACKED, 250, 1], packed[..packed.len() - 1].to_vec()] {
        assert!(matches!(unpack(broken), Err(StoreError::Corrupt("body"))));
    }
    assert_eq!(unpack(pack("NoSuchType", body.clone())).ok(), Some(body));
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "\\{\\PC{0,200}", kind in "Patient|Observation|Basic") {
        let body = text.into_bytes();
        prop_assert_eq!(unpack(pack(&kind, body.clone())).ok(), Some(body));
    }

    #[test]
    fn foreign_bytes_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        bytes.insert(0, PACKED);
        let _read_or_refused = unpack(bytes);
    }
}
