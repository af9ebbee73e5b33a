//! The reports of the demonstration; within the program, so that it needs no files beside it.

/// Name and JSON of each.
pub(super) const ALL: &[(&str, &str)] = &[
    (
        "cr-chest-pneumothorax-preliminary",
        include_str!("../../../fixtures/report/cr-chest-pneumothorax-preliminary.json"),
    ),
    ("ct-abdomen-response-final", include_str!("../../../fixtures/report/ct-abdomen-response-final.json")),
    ("ct-chest-japanese-final", include_str!("../../../fixtures/report/ct-chest-japanese-final.json")),
    ("ct-chest-nodule-amended", include_str!("../../../fixtures/report/ct-chest-nodule-amended.json")),
    ("ct-chest-nodule-final", include_str!("../../../fixtures/report/ct-chest-nodule-final.json")),
    ("ct-chest-nodule-preliminary", include_str!("../../../fixtures/report/ct-chest-nodule-preliminary.json")),
    (
        "ct-head-haemorrhage-critical-final",
        include_str!("../../../fixtures/report/ct-head-haemorrhage-critical-final.json"),
    ),
    ("ct-staging-twelve-pages-final", include_str!("../../../fixtures/report/ct-staging-twelve-pages-final.json")),
    ("dx-chest-normal-final", include_str!("../../../fixtures/report/dx-chest-normal-final.json")),
    ("mg-diagnostic-arabic-final", include_str!("../../../fixtures/report/mg-diagnostic-arabic-final.json")),
    ("mg-screening-corrected", include_str!("../../../fixtures/report/mg-screening-corrected.json")),
    ("mr-brain-hebrew-appended", include_str!("../../../fixtures/report/mr-brain-hebrew-appended.json")),
    ("mr-brain-volumetry-200-final", include_str!("../../../fixtures/report/mr-brain-volumetry-200-final.json")),
    ("mr-knee-draft", include_str!("../../../fixtures/report/mr-knee-draft.json")),
    ("mr-lumbar-spine-preliminary", include_str!("../../../fixtures/report/mr-lumbar-spine-preliminary.json")),
    ("us-abdomen-greek-final", include_str!("../../../fixtures/report/us-abdomen-greek-final.json")),
    ("us-thyroid-korean-final", include_str!("../../../fixtures/report/us-thyroid-korean-final.json")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_is_in_the_demonstration() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/report");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("readable")
            .filter_map(|entry| entry.expect("readable").file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(files, ALL.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    }
}
